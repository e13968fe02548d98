// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"

#include <map>
#include <string>

namespace plat::nn {

/// How save_weights stores floating-point tensors.
enum class WeightType { Float32, Float16 };

/// Reads tensors of a safetensors file into the parameters and buffers of the same names (converted to their type).
/// Throws ModelError naming the first tensor that is missing or has another shape. Tensors of the file that the module
/// does not have are ignored.
void load_weights(torch::nn::Module& module, const std::string& path);

/// Writes all parameters and buffers to a safetensors file (to a temporary name first, then renamed).
void save_weights(const torch::nn::Module& module, const std::string& path, WeightType type = WeightType::Float32,
                  const std::map<std::string, std::string>& metadata = {});

/// Builds the network that a model folder describes and loads its weights; in eval mode on the CPU.
Sam load_sam(const std::string& folder);

}  // namespace plat::nn
