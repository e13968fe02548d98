# SPDX-License-Identifier: Apache-2.0
# Finds the modules of OpenCV that are asked for: through OpenCV's own package file where there is one, else by headers
# and libraries. Debian ships the package file only with libopencv-dev, which pulls in a gigabyte that plat does not use.
find_package(OpenCV ${OpenCV_FIND_VERSION} QUIET CONFIG COMPONENTS ${OpenCV_FIND_COMPONENTS})
if(NOT OpenCV_FOUND)
  find_path(OpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
  set(opencv_required OpenCV_INCLUDE_DIR)
  set(OpenCV_LIBS)
  foreach(module IN LISTS OpenCV_FIND_COMPONENTS)
    find_library(OpenCV_${module}_LIBRARY opencv_${module})
    list(APPEND opencv_required OpenCV_${module}_LIBRARY)
    if(OpenCV_${module}_LIBRARY AND NOT TARGET opencv_${module})
      add_library(opencv_${module} UNKNOWN IMPORTED)
      set_target_properties(opencv_${module} PROPERTIES IMPORTED_LOCATION ${OpenCV_${module}_LIBRARY}
                            INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${OpenCV_INCLUDE_DIR}
                            INTERFACE_INCLUDE_DIRECTORIES ${OpenCV_INCLUDE_DIR})
    endif()
    list(APPEND OpenCV_LIBS opencv_${module})
  endforeach()
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(OpenCV REQUIRED_VARS ${opencv_required})
endif()
