// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace plat::nn {

/// Names and sizes of all parameters of the network of a configuration, without building its encoder.
std::map<std::string, int64_t> parameter_list(const SamConfig& config);

}  // namespace plat::nn
