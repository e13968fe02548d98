# SPDX-License-Identifier: Apache-2.0
# cmake -DPLAT=<program> -DOUT=<file> [-DSAME_AS=<file>] -P cli_docs.cmake: writes docs/cli.md from what --help says of each
# command; with SAME_AS, fails unless that file says the same.
cmake_minimum_required(VERSION 3.25)
set(ENV{COLUMNS} 100)
execute_process(COMMAND ${PLAT} --help OUTPUT_VARIABLE top COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE ".*\nSubcommands:\n" "" commands "${top}")
string(REGEX MATCHALL "(^|\n)  [a-z]+ " commands "${commands}")

set(text [=[
# Command line
This page is written by `cmake --build --preset release --target cli_docs` from the program's own help, and a test compares
the two. In this source tree the program is `./plat`.

Results and summaries go to stdout, messages and progress to stderr. An output that exists is an error unless `--overwrite` is
given. Wherever a raster is read, GDAL's virtual paths work: `/vsicurl/…`, `/vsis3/…`, `/vsizip/…`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | an unexpected error |
| 2 | a wrong option or argument |
| 3 | something cannot be read or written |
| 4 | the data cannot be used: no CRS, no bands, no labels |
| 5 | the model cannot be used |
| 6 | done, but some tiles failed, which are marked as nodata, or some prompts, or an output beside the main one |
| 130 | interrupted |

]=])
string(APPEND text "## plat\n```text\n${top}```\n")
foreach(command IN LISTS commands)
  string(STRIP "${command}" command)
  execute_process(COMMAND ${PLAT} ${command} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
  string(APPEND text "\n## plat ${command}\n```text\n${help}```\n")
  # A verb may have verbs of its own.
  set(parts)
  if(help MATCHES "\nSubcommands:\n(.*)")
    string(REGEX MATCHALL "(^|\n)  [a-z]+ " parts "${CMAKE_MATCH_1}")
  endif()
  foreach(part IN LISTS parts)
    string(STRIP "${part}" part)
    execute_process(COMMAND ${PLAT} ${command} ${part} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
    string(APPEND text "\n## plat ${command} ${part}\n```text\n${help}```\n")
  endforeach()
endforeach()
file(WRITE ${OUT} "${text}")
if(DEFINED SAME_AS)
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${OUT} ${SAME_AS} RESULT_VARIABLE different)
  if(different)
    message(FATAL_ERROR "${SAME_AS} is not what --help says; write it anew: cmake --build --preset release --target cli_docs")
  endif()
endif()
