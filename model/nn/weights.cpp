// SPDX-License-Identifier: Apache-2.0
#include "model/nn/weights.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/model_folder.hpp"
#include "model/files/safetensors.hpp"
#include "model/nn/lora.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace plat::nn {
namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// All parameters and buffers but the counters of batch normalisation, which have no influence on anything.
NamedTensors state_of(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) {
    if (!item.key().ends_with("num_batches_tracked")) state.emplace_back(item.key(), item.value());
  }
  return state;
}

at::ScalarType scalar_type(TensorType type) {
  switch (type) {
    case TensorType::Float32: return at::kFloat;
    case TensorType::Float16: return at::kHalf;
    case TensorType::BFloat16: return at::kBFloat16;
    case TensorType::Int64: break;
  }
  return at::kLong;
}

std::string text_of(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

/// A tensor of a file. The bytes may begin at an address that does not fit their type: they are copied, not looked at in
/// place.
at::Tensor values_of(const TensorView& from) {
  at::Tensor values = at::empty(from.shape, scalar_type(from.type));
  if (!from.bytes.empty()) std::memcpy(values.data_ptr(), from.bytes.data(), from.bytes.size());
  return values;
}

void copy_into(const at::Tensor& target, const TensorView& from, const std::string& what) {
  if (target.sizes() != at::IntArrayRef(from.shape)) {
    throw ModelError(what + " has the shape " + text_of(from.shape) + " where the configuration makes it " +
                     text_of(target.sizes()));
  }
  const at::Tensor values = values_of(from);
  if (values.is_floating_point() && !at::isfinite(values).all().item<bool>())
    throw ModelError(what + " holds numbers that are not finite; the training went wrong or the file is damaged");
  target.copy_(values);
}

/// What an adapter's file adds: tensors that replace those of the same name, and LoRA's factors.
struct AdapterTensors {
  explicit AdapterTensors(const std::string& path) : file(path) {
    for (const auto& [key, view] : file.tensors()) {
      std::string name = key.starts_with(kAdapterPrefix) ? key.substr(std::strlen(kAdapterPrefix)) : key;
      const auto factor = name.find(".lora_");
      if (factor == std::string::npos) {
        replaced.emplace(std::move(name), &view);
      } else if (name.ends_with(".lora_A.weight") || name.ends_with(".lora_B.weight")) {
        (name[factor + 6] == 'A' ? a : b).emplace(name.substr(0, factor), &view);
      } else {
        throw ModelError(path + ": the tensor '" + key + "' belongs to no adapter that plat knows");
      }
    }
  }
  SafetensorsFile file;
  std::map<std::string, const TensorView*> replaced, a, b;
};

void apply(const AdapterTensors& adapter, const LoraScaling& scaling, const NamedTensors& state) {
  const auto find = [&](const std::string& name) {
    const auto found = std::find_if(state.begin(), state.end(), [&](const auto& item) { return item.first == name; });
    if (found == state.end())
      throw ModelError(adapter.file.path() + ": adapts '" + name + "', which the base does not have");
    return found->second;
  };
  const std::string where = adapter.file.path() + ": the tensor '";
  for (const auto& [name, view] : adapter.replaced) copy_into(find(name), *view, where + name + "'");
  for (const auto& [name, view] : adapter.a) {
    const at::Tensor weight = find(name + ".weight");
    const auto b = adapter.b.find(name);
    if (b == adapter.b.end()) throw ModelError(where + name + ".lora_B.weight' is missing");
    const at::Tensor left = values_of(*b->second).to(at::kFloat), right = values_of(*view).to(at::kFloat);
    if (left.dim() != 2 || right.dim() != 2 || left.size(1) != right.size(0) || weight.dim() != 2 ||
        left.size(0) != weight.size(0) || right.size(1) != weight.size(1)) {
      throw ModelError(where + name + ".lora_A.weight' does not fit the layer that it adapts");
    }
    weight.add_(at::matmul(left, right), scaling.of(name));
  }
}

/// Names that may be missing in a file.
using MayMiss = std::function<bool(const std::string&)>;

void load(torch::nn::Module& module, const std::string& path, const MayMiss& may_miss);

void load_folder(torch::nn::Module& module, const std::string& folder, const MayMiss& may_miss) {
  const auto base = read_model_folder(folder).base;
  if (!base) return load(module, (std::filesystem::path(folder) / kWeightsFile).string(), may_miss);
  const Adapter adapter = read_adapter(folder, *base);
  const AdapterTensors tensors(adapter.weights);
  load_folder(module, adapter.base,
              [&](const std::string& name) { return tensors.replaced.contains(name) || may_miss(name); });
  const at::NoGradGuard no_grad;
  apply(tensors, adapter.scaling, state_of(module));
}

void load(torch::nn::Module& module, const std::string& path, const MayMiss& may_miss) {
  const SafetensorsFile file(path);
  const at::NoGradGuard no_grad;
  // One tensor may have two names (the position encoding); a file that has one of them is complete.
  std::set<const void*> loaded;
  NamedTensors missing;
  for (const auto& [name, tensor] : state_of(module)) {
    const auto found = file.tensors().find(name);
    if (found == file.tensors().end()) {
      missing.emplace_back(name, tensor);
      continue;
    }
    copy_into(tensor, found->second, path + ": the tensor '" + name + "'");
    loaded.insert(tensor.unsafeGetTensorImpl());
  }
  for (const auto& [name, tensor] : missing) {
    if (loaded.contains(tensor.unsafeGetTensorImpl()) || may_miss(name)) continue;
    throw ModelError(path + ": the tensor '" + name + "' is missing; the file does not belong to this configuration");
  }
}

}  // namespace

void load_weights(torch::nn::Module& module, const std::string& path) {
  load(module, path, [](const std::string&) { return false; });
}

void load_model(torch::nn::Module& module, const std::string& folder, const MayMiss& fresh) {
  load_folder(module, folder, [&](const std::string& name) { return fresh && fresh(name); });
}

namespace {

/// Tensors on their way to a file, which must stay as long as the views of them.
class Outgoing {
 public:
  void add(const std::string& name, const at::Tensor& tensor, WeightType type) {
    const bool integer = tensor.scalar_type() == at::kLong;
    const bool half = !integer && type == WeightType::Float16;
    kept_.push_back(tensor.detach().to(at::kCPU, integer ? at::kLong : half ? at::kHalf : at::kFloat).contiguous());
    const at::Tensor& values = kept_.back();
    TensorView view;
    view.type = integer ? TensorType::Int64 : half ? TensorType::Float16 : TensorType::Float32;
    view.shape = values.sizes().vec();
    view.bytes = {static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()};
    tensors_.emplace(name, view);
  }
  void write(const std::string& path, std::map<std::string, std::string> metadata) const {
    // transformers reads no file that does not say which framework's layout it has.
    metadata["format"] = "pt";
    write_safetensors(path, tensors_, metadata);
  }

 private:
  std::vector<at::Tensor> kept_;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace

void save_weights(const torch::nn::Module& module, const std::string& path, WeightType type,
                  const std::map<std::string, std::string>& metadata) {
  const at::NoGradGuard no_grad;
  Outgoing out;
  std::set<const void*> written;  // a tensor with two names is written once, as transformers does
  for (const auto& [name, tensor] : state_of(module)) {
    if (written.insert(tensor.unsafeGetTensorImpl()).second) out.add(name, tensor, type);
  }
  out.write(path, metadata);
}

void save_adapter(const torch::nn::Module& network, const std::set<std::string>& names, const std::string& path) {
  const at::NoGradGuard no_grad;
  Outgoing out;
  for (const auto& [name, tensor] : state_of(network)) {
    const bool factor = name.find(".lora_") != std::string::npos;
    const bool statistic = name.starts_with("class_decoder.") && name.find(".running_") != std::string::npos;
    if ((names.contains(name) && !factor) || statistic) out.add(kAdapterPrefix + name, tensor, WeightType::Float32);
  }
  for (const auto& item : network.named_modules("", /*include_self=*/false)) {
    const auto* linear = item.value()->as<TunedLinearImpl>();
    if (linear == nullptr || !linear->has_lora()) continue;
    const auto [a, b] = linear->factors();
    out.add(kAdapterPrefix + item.key() + ".lora_A.weight", a, WeightType::Float32);
    out.add(kAdapterPrefix + item.key() + ".lora_B.weight", b, WeightType::Float32);
  }
  out.write(path, {});
}

Sam load_sam(const std::string& folder) {
  const ModelFolder model = read_model_folder(folder);
  Sam sam(model.config);
  load_model(*sam, folder);
  sam->eval();
  return sam;
}

}  // namespace plat::nn
