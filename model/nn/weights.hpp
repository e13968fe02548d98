// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"

#include <functional>
#include <map>
#include <set>
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

/// Reads the weights of a model folder or, with its base and LoRA merged, of an adapter folder. Tensors that
/// `fresh` is true of may be missing and keep their values. Throws as load_weights does, IoError.
void load_model(torch::nn::Module& module, const std::string& folder,
                const std::function<bool(const std::string& name)>& fresh = {});

/// Writes parameters of a network by name, its LoRA, and the buffers below `class_decoder.` as an adapter folder's tensors,
/// in float32.
void save_adapter(const torch::nn::Module& network, const std::set<std::string>& names, const std::string& path);

/// Builds the network that a model folder describes and loads its weights; in eval mode on the CPU.
Sam load_sam(const std::string& folder);

}  // namespace plat::nn
