# SPDX-License-Identifier: Apache-2.0
# cmake -DROOT=<project> -DWORK=<folder> -P faults.cmake: a small tree with one fault of each kind is drawn into WORK, and
# the checks of the tree must name each of them, and accept the tree without them.
cmake_minimum_required(VERSION 3.25)

function(draw path)
  list(JOIN ARGN "\n" content)
  file(WRITE ${WORK}/${path} "${content}\n")
endfunction()

# Runs a check on WORK; says what it printed in ${output} and whether it passed in ${passed}.
macro(run check)
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${WORK} -P ${ROOT}/cmake/check_${check}.cmake
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
endmacro()

set(spdx "// SPDX-License-Identifier: Apache-2.0")
file(REMOVE_RECURSE ${WORK})
draw(docs/architecture.md "## Folders" "| folder | job | may include | third party |" "|---|---|---|---|"
     "| core | basics | – | fmt |" "| model | nets, and more | core | json, torch in `nn/` and `sam_a.cpp` |"
     "| training | learns | core, model, model/nn | torch |" "| tool | runs | all above | – |" "## Next")
draw(core/CMakeLists.txt "plat_library(core HEADERS a.hpp shown.hpp" "  SOURCES a.cpp)")
draw(core/a.hpp "${spdx}" "#pragma once" "#include <vector>")
draw(core/a.cpp "${spdx}" "#include \"core/a.hpp\"" "#include <fmt/format.h>")
draw(model/nn/net.hpp "${spdx}" "#pragma once" "#include <torch/nn/module.h>")
draw(model/sam_a.cpp "${spdx}" "#include \"model/nn/net.hpp\"" "#include <torch/torch.h>" "#include <nlohmann/json.hpp>")
draw(training/t.cpp "${spdx}" "#include \"model/nn/net.hpp\"")
draw(tool/main.cpp "${spdx}" "#include \"core/a.hpp\"" "#include \"training/t.hpp\"")
foreach(check IN ITEMS layers names tree)
  run(${check})
  if(NOT result EQUAL 0)
    message(SEND_ERROR "${check} rejects a tree without fault:\n${output}")
  endif()
endforeach()

draw(core/plan.hpp "${spdx}" "#pragma once" "namespace plat {" "struct Plan {" "};" "class Ahead;" "}  // namespace plat")
draw(model/ahead.cpp "${spdx}" "namespace plat {" "namespace {" "struct Plan {};" "}  // namespace" "class Ahead {};"
     "namespace nn {" "struct Plan {};" "}  // namespace nn" "}  // namespace plat")
run(names)
if(NOT result EQUAL 0)
  message(SEND_ERROR "the check of names rejects types that differ:\n${output}")
endif()
draw(tool/plan.cpp "${spdx}" "namespace plat {" "class Plan final : public Base {" "};" "}  // namespace plat")
draw(tool/nested.cpp "${spdx}" "namespace plat::nn {" "enum class Plan : int { A };" "}  // namespace plat::nn")
run(names)
foreach(fault IN ITEMS "tool/plan.cpp: plat::Plan .*core/plan.hpp" "tool/nested.cpp: plat::nn::Plan .*model/ahead.cpp")
  if(NOT output MATCHES "${fault}" OR result EQUAL 0)
    message(SEND_ERROR "the check of names does not say '${fault}':\n${output}")
  endif()
endforeach()
foreach(path IN ITEMS core/plan.hpp model/ahead.cpp tool/plan.cpp tool/nested.cpp)
  file(REMOVE ${WORK}/${path})
endforeach()

draw(core/b.cpp "${spdx}")
draw(core/up.hpp "${spdx}" "#pragma once" "#include \"model/x.hpp\"")
draw(core/shown.hpp "${spdx}" "#pragma once" "#include <fmt/core.h>")
draw(model/other.cpp "${spdx}" "#include <torch/torch.h>" "#include \"model/nn/net.hpp\"")
draw(tool/relative.cpp "${spdx}" "#include \"../core/a.hpp\"")
draw(tool/local.cpp "${spdx}" "#include \"a.hpp\"")
draw(tool/fenced.cpp "${spdx}" "#include \"model/nn/net.hpp\"")
draw(tool/foreign.cpp "${spdx}" "#include <gdal.h>")
draw(tool/unknown.cpp "${spdx}" "#include <strange/library.hpp>")
draw(core/own.hpp "${spdx}" "#pragma once" "#include <fmt/core.h>")
draw(tool/own.cpp "${spdx}" "#include \"core/own.hpp\"")
draw(extra/unit.cpp "${spdx}")
run(layers)
foreach(fault IN ITEMS "core/b.cpp: stands in no list" "core/up.hpp: .*core may not include model"
        "core/shown.hpp: a header that others see" "model/other.cpp: includes <torch" "model/other.cpp: includes \"model/nn"
        "tool/relative.cpp: .*from the project's root" "tool/local.cpp: .*from the project's root"
        "tool/fenced.cpp: .*does not open model/nn to tool" "tool/foreign.cpp: .*does not give GDAL"
        "tool/unknown.cpp: .*no third party"
        "tool/own.cpp: .*does not list as a header for others" "extra/unit.cpp: .*does not name the folder extra")
  if(NOT output MATCHES "${fault}" OR result EQUAL 0)
    message(SEND_ERROR "the layer check does not say '${fault}':\n${output}")
  endif()
endforeach()

draw(tool/licence.cpp "int x;")
draw(.deps/torch/torch.hpp "not ours: no line of SPDX")
draw(tool/guard.hpp "${spdx}" "int y;")
string(REPEAT "int z;\n" 401 long)
draw(tool/long.cpp "${spdx}" "${long}")
string(CONCAT path "/ho" "me/somebody")
draw(README.md "Built in ${path}.")
run(tree)
foreach(fault IN ITEMS "tool/licence.cpp: .*SPDX" "tool/guard.hpp: .*pragma" "tool/long.cpp: .*split it" "README.md: has no place")
  if(NOT output MATCHES "${fault}" OR result EQUAL 0 OR output MATCHES "torch.hpp")
    message(SEND_ERROR "the check of the tree does not say '${fault}':\n${output}")
  endif()
endforeach()
