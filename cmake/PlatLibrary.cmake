# SPDX-License-Identifier: Apache-2.0
# Options that every target of ours compiles with.
function(plat_compile_options target)
  # GCC 12 warns falsely in inlined std::string and std::vector code when optimizing (its bugs 105651 and 106199).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-free-nonheap-object)
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor
                                           $<$<BOOL:${PLAT_WERROR}>:-Werror>)
  if(PLAT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${PLAT_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${PLAT_SANITIZE})
  endif()
endfunction()

# plat_library(name HEADERS .. SOURCES .. PUBLIC .. PRIVATE ..) declares the library plat_<name>, alias plat::<name>.
# PUBLIC takes plat targets only; third parties are PRIVATE. NO_INSTALL keeps the headers out of the install tree.
function(plat_library name)
  cmake_parse_arguments(arg "NO_INSTALL" "" "HEADERS;SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(target plat_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(plat::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  plat_compile_options(${target})
  if(arg_NO_INSTALL)
    # An exported library must install its header sets: these headers get a target of their own, for verification only.
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
    add_library(${target}_headers INTERFACE)
    target_sources(${target}_headers INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    target_link_libraries(${target}_headers INTERFACE ${target})
    install(TARGETS ${target} EXPORT platTargets)
  else()
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    # Users write <plat/geo/grid.hpp>; the headers themselves say "geo/grid.hpp", which the header set's own folder serves.
    target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    install(TARGETS ${target} EXPORT platTargets FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/plat)
  endif()
endfunction()
