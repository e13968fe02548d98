# SPDX-License-Identifier: Apache-2.0
# The install tree: bin/plat, the libraries and headers with a package file for find_package(plat), the models.
include(CMakePackageConfigHelpers)
set(plat_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/plat)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/platConfig.cmake.in ${PROJECT_BINARY_DIR}/platConfig.cmake
                              INSTALL_DESTINATION ${plat_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/platConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/platConfig.cmake ${PROJECT_BINARY_DIR}/platConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake ${PROJECT_SOURCE_DIR}/cmake/FindOpenCV.cmake
        DESTINATION ${plat_package_dir})
install(EXPORT platTargets NAMESPACE plat:: DESTINATION ${plat_package_dir})

install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY data/models DESTINATION ${CMAKE_INSTALL_DATADIR}/plat OPTIONAL)
