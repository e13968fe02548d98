// SPDX-License-Identifier: Apache-2.0
#include "training/learn/parameter_count.hpp"

#include "model/nn/parameter_list.hpp"

namespace plat {

ParameterCount count_parameters(const SamConfig& config, const MethodOptions& method) {
  ParameterCount count;
  for (const auto& [name, size] : nn::parameter_list(config)) {
    count.all += size;
    if (learns(method, config, name)) count.learned += size;
  }
  return count;
}

}  // namespace plat
