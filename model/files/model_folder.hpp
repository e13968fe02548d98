// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model_description.hpp"
#include "model/sam_config.hpp"

#include <optional>
#include <string>

namespace plat {

/// Which model an adapter folder completes.
struct AdapterBase {
  std::string folder;  ///< path from the adapter's folder, or a name
  std::string sha256;  ///< of the base's last file of weights; empty where it is not known
};

/// The texts of a model folder: config.json and preprocessor_config.json in transformers' layout, with a `plat` section
/// that says what a run needs to know (docs/formats.md). The weights beside them are model.safetensors.
struct ModelFolder {
  ModelDescription description;
  SamConfig config;
  std::optional<AdapterBase> base;  ///< set where the folder holds an adapter (adapter_folder.hpp), not whole weights
};

/// Names of the files in a model folder.
inline constexpr const char* kConfigFile = "config.json";
inline constexpr const char* kPreprocessorFile = "preprocessor_config.json";
inline constexpr const char* kWeightsFile = "model.safetensors";

/// Reads config.json and preprocessor_config.json. A folder of transformers' SamModel without a `plat` section gets a
/// description without classes; a folder of peft's without config.json has its base's. Throws ModelError naming the file and the key: a file is missing or no JSON, an unknown
/// key in the `plat` section, a number out of range.
ModelFolder read_model_folder(const std::string& folder);

/// Writes both files into a folder that exists, each to a temporary name first, then renamed. Throws IoError or, where
/// description and configuration contradict each other, ModelError.
void write_model_folder(const ModelFolder& model, const std::string& folder);

}  // namespace plat
