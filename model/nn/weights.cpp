// SPDX-License-Identifier: Apache-2.0
#include "model/nn/weights.hpp"

#include "core/error.hpp"
#include "model/model_folder.hpp"
#include "model/safetensors.hpp"

#include <cstring>
#include <filesystem>
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

void copy_into(const at::Tensor& target, const TensorView& from, const std::string& what) {
  if (target.sizes() != at::IntArrayRef(from.shape)) {
    throw ModelError(what + " has the shape " + text_of(from.shape) + " where the configuration makes it " +
                     text_of(target.sizes()));
  }

  // The bytes may begin at an address that does not fit their type: they are copied, not looked at in place.
  const auto type = scalar_type(from.type);
  at::Tensor values = at::empty(from.shape, type);
  if (!from.bytes.empty()) std::memcpy(values.data_ptr(), from.bytes.data(), from.bytes.size());
  target.copy_(values);
}

}  // namespace

void load_weights(torch::nn::Module& module, const std::string& path) {
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
    if (loaded.contains(tensor.unsafeGetTensorImpl())) continue;
    throw ModelError(path + ": the tensor '" + name + "' is missing; the file does not belong to this configuration");
  }
}

void save_weights(const torch::nn::Module& module, const std::string& path, WeightType type,
                  const std::map<std::string, std::string>& metadata) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> kept;  // what the views below look at
  std::map<std::string, TensorView> tensors;
  std::set<const void*> written;  // a tensor with two names is written once, as transformers does
  for (const auto& [name, tensor] : state_of(module)) {
    if (!written.insert(tensor.unsafeGetTensorImpl()).second) continue;
    const bool integer = tensor.scalar_type() == at::kLong;
    const bool half = !integer && type == WeightType::Float16;
    kept.push_back(tensor.detach().to(at::kCPU, integer ? at::kLong : half ? at::kHalf : at::kFloat).contiguous());
    const at::Tensor& values = kept.back();
    TensorView view;
    view.type = integer ? TensorType::Int64 : half ? TensorType::Float16 : TensorType::Float32;
    view.shape = values.sizes().vec();
    view.bytes = {static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()};
    tensors.emplace(name, view);
  }
  // transformers reads no file that does not say which framework's layout it has.
  auto with_format = metadata;
  with_format["format"] = "pt";
  write_safetensors(path, tensors, with_format);
}

Sam load_sam(const std::string& folder) {
  const ModelFolder model = read_model_folder(folder);
  Sam sam(model.config);
  load_weights(*sam, (std::filesystem::path(folder) / kWeightsFile).string());
  sam->eval();
  return sam;
}

}  // namespace plat::nn
