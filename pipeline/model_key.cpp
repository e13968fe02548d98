// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_key.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace plat {
namespace fs = std::filesystem;

std::string model_key(const std::string& folder, const std::string& device, Precision precision) {
  std::string key;
  for (const std::string& file : weight_files(folder)) {
    std::error_code error;
    const fs::path weights = fs::canonical(file, error);
    const auto size = error ? 0 : fs::file_size(weights, error);
    const auto changed = error ? fs::file_time_type() : fs::last_write_time(weights, error);
    if (error) throw IoError(folder + ": its weights cannot be read: " + error.message() + ". Check the model folder.");
    key += "model " + weights.string() + '|' + std::to_string(size) + '|' +
           std::to_string(changed.time_since_epoch().count()) + '\n';
  }
  key += "device " + device + "\nprecision " + to_text(precision) + '\n';
  for (const char* name : {kConfigFile, kPreprocessorFile}) {
    std::ifstream file(fs::path(folder) / name, std::ios::binary);
    key.append(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return key;
}

}  // namespace plat
