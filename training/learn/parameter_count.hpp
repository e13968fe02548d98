// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"
#include "training/method_options.hpp"

#include <cstdint>

namespace plat {

/// Numbers of a network's parameters.
struct ParameterCount {
  int64_t all = 0;
  int64_t learned = 0;
};

/// Counts them without building the network.
ParameterCount count_parameters(const SamConfig& config, const MethodOptions& method);

}  // namespace plat
