// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace plat {

/// Names of the files in an adapter folder, peft's (https://github.com/huggingface/peft). Beside them stand the texts of a
/// model folder; where another program wrote the adapter, those of the base count.
inline constexpr const char* kAdapterConfigFile = "adapter_config.json";
inline constexpr const char* kAdapterWeightsFile = "adapter_model.safetensors";
/// What peft puts before the names of a model's tensors.
inline constexpr const char* kAdapterPrefix = "base_model.model.";

/// How the products of LoRA's factors are scaled, as peft's LoraConfig says it.
struct LoraScaling {
  int64_t rank = 8;
  double alpha = 8;
  std::map<std::string, int64_t> ranks;   ///< of modules whose name ends like the key
  std::map<std::string, double> alphas;   ///< the same
  bool by_root = false;                   ///< alpha over the root of the rank, not the rank
  std::vector<std::string> modules = {};  ///< last parts of the names of the adapted layers
  double of(const std::string& module) const;
};

/// What an adapter folder completes and with what. `folder` must be one: its model has a `base`.
struct Adapter {
  std::string base;     ///< folder of the base, found and, where a checksum is known, checked
  std::string weights;  ///< the file of the adapter's tensors
  LoraScaling scaling;
};

/// Throws ModelError where the base is not there or is another one, or LoRA is used in a way that plat does not know.
Adapter read_adapter(const std::string& folder, const AdapterBase& base);
/// Writes adapter_config.json. Throws IoError.
void write_lora_config(const std::string& folder, const LoraScaling& scaling, const AdapterBase& base);

/// The folder of the base that an adapter folder completes; a model folder itself.
std::string base_of(const std::string& folder);
/// The files that a model's weights are read from: one, or those of a base and of its adapters.
std::vector<std::string> weight_files(const std::string& folder);

/// The base at `folder` as an adapter folder at `from` names it: by a path that holds as long as both move together.
AdapterBase describe_base(const std::string& folder, const std::string& from);

}  // namespace plat
