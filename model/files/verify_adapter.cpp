// SPDX-License-Identifier: Apache-2.0
#include "model/files/verify_adapter.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/safetensors.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

namespace plat::detail {
namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

std::string plain_name(const std::string& name) {
  return name.starts_with(kAdapterPrefix) ? name.substr(std::strlen(kAdapterPrefix)) : name;
}

Shapes shapes_of(const std::string& folder) {
  Shapes shapes;
  for (const std::string& path : weight_files(folder)) {
    const SafetensorsFile file(path);
    for (const auto& [name, tensor] : file.tensors()) shapes[plain_name(name)] = tensor.shape;
  }
  return shapes;
}

/// Parts that a fine-tune may add to a network.
bool is_added_part(const std::string& name) {
  return name.starts_with("class_decoder.") || name.find(".adapter.") != std::string::npos;
}

void check_factor(const std::string& name, const Shapes& own, const Shapes& base, const std::string& where) {
  const std::string layer = name.substr(0, name.find(".lora_"));
  const auto weight = base.find(layer + ".weight");
  const auto a = own.find(layer + ".lora_A.weight"), b = own.find(layer + ".lora_B.weight");
  if (weight == base.end()) throw ModelError(where + " adapts a layer that the base does not have");
  if (a == own.end() || b == own.end()) throw ModelError(where + " lacks the other factor of its product");
  const bool fits = weight->second.size() == 2 && a->second.size() == 2 && b->second.size() == 2 &&
                    a->second[0] == b->second[1] && b->second[0] == weight->second[0] &&
                    a->second[1] == weight->second[1];
  if (!fits) throw ModelError(where + " does not fit the layer that it adapts");
}

void check_numbers(const TensorView& tensor, const std::string& where) {
  if (tensor.type == TensorType::Int64) return;
  const std::vector<float> values = float_values(tensor);
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    throw ModelError(where + " holds numbers that are not finite; the training went wrong or the file is damaged");
  }
}

}  // namespace

void check_adapter(const std::string& folder, const AdapterBase& base) {
  const Adapter adapter = read_adapter(folder, base);
  const Shapes there = shapes_of(adapter.base);
  const SafetensorsFile file(adapter.weights);
  Shapes own;
  for (const auto& [name, tensor] : file.tensors()) own[plain_name(name)] = tensor.shape;
  for (const auto& [key, tensor] : file.tensors()) {
    const std::string name = plain_name(key), where = adapter.weights + ": the tensor '" + name + "'";
    const auto replaced = there.find(name);
    if (name.find(".lora_") != std::string::npos) {
      check_factor(name, own, there, where);
    } else if (replaced != there.end()) {
      if (replaced->second != tensor.shape) throw ModelError(where + " has another shape than the base's");
    } else if (!is_added_part(name)) {
      throw ModelError(where + " is none of the base's, nor of a part that a fine-tune adds");
    }
    check_numbers(tensor, where);
  }
}

}  // namespace plat::detail
