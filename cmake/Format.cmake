# SPDX-License-Identifier: Apache-2.0
# The target `format` lays out every source by .clang-format; `format_check` says which ones differ.
find_program(CLANG_FORMAT clang-format)
mark_as_advanced(CLANG_FORMAT)
if(CLANG_FORMAT)
  set(list_sources "git ls-files '*.cpp' '*.hpp'")
  add_custom_target(format COMMAND sh -c "${list_sources} | xargs ${CLANG_FORMAT} -i"
                    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
  add_custom_target(format_check COMMAND sh -c "${list_sources} | xargs ${CLANG_FORMAT} --dry-run -Werror"
                    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
endif()
