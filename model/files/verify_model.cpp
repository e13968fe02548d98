// SPDX-License-Identifier: Apache-2.0
#include "model/files/verify_model.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/model_folder.hpp"
#include "model/files/sha256.hpp"
#include "model/files/verify_adapter.hpp"
#include "model/import/catalogue.hpp"
#include "model/import/sam_shapes.hpp"
#include "model/import/transformers_names.hpp"
#include "model/import/weights_file.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <vector>

namespace plat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kClassPart = "class_decoder.";

void check_numbers(const detail::StoredTensor& tensor, const std::string& where) {
  std::vector<std::byte> buffer;
  const auto values = float_values(detail::packed(tensor, detail::Precision::Kept, buffer, where));
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    throw ModelError(where + " holds numbers that are not finite; the training went wrong or the file is damaged");
  }
}

VerifiedModel::File file_of(const std::string& path) {
  const std::string sum = sha256_of_file(path);
  const auto known = find_by_sha256(sum);
  return {path, sum, known ? known->name : ""};
}

/// The base of a folder that holds an adapter; nothing for other models and files.
std::optional<AdapterBase> base_of_adapter(const std::string& path) {
  const fs::path root(path);
  if (!fs::is_regular_file(root / kAdapterWeightsFile)) return std::nullopt;
  return read_model_folder(path).base;
}

VerifiedModel verify_adapter(const std::string& path, const AdapterBase& base) {
  VerifiedModel result = verify_model(base_of(path));
  detail::check_adapter(path, base);
  const SafetensorsFile file((fs::path(path) / kAdapterWeightsFile).string());
  for (const auto& [name, tensor] : file.tensors()) {
    int64_t count = 1;
    for (const int64_t side : tensor.shape) count *= side;
    result.parameters += count;
    ++result.tensors;
  }
  result.files.push_back(file_of(file.path()));
  return result;
}

}  // namespace

VerifiedModel verify_model(const std::string& path) {
  if (const auto base = base_of_adapter(path)) return verify_adapter(path, *base);
  if (fs::is_directory(path) && !fs::is_regular_file(fs::path(path) / kConfigFile)) {
    throw ModelError(path + ": has no " + kConfigFile +
                     ", without which no model opens; copy it from where the folder came from");
  }
  const detail::WeightsFile checkpoint(path);
  detail::NamedTensors tensors = detail::transformers_names(checkpoint.tensors(), path);
  detail::TensorShapes shapes;
  bool has_classes = false;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(kClassPart)) {
      has_classes = true;
    } else {
      shapes[name] = tensor.shape;
    }
  }
  const bool folder = fs::is_directory(path);
  const SamConfig config = folder ? read_model_folder(path).config : detail::config_of(shapes, path);
  detail::check_shapes(shapes, config, path);
  if (folder && has_classes != (config.class_decoder.classes > 0)) {
    throw ModelError(path + ": its weights and its config.json disagree on whether it has classes");
  }

  VerifiedModel result;
  result.architecture = config.architecture();
  for (const auto& [name, tensor] : tensors) {
    check_numbers(tensor, path + ": '" + name + "'");
    int64_t count = 1;
    for (const int64_t side : tensor.shape) count *= side;
    result.parameters += count;
    ++result.tensors;
  }
  for (const std::string& file : checkpoint.files()) {
    result.files.push_back(file_of(file));
  }
  return result;
}

}  // namespace plat
