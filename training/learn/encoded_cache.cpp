// SPDX-License-Identifier: Apache-2.0
#include "training/learn/encoded_cache.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/model_folder.hpp"
#include "model/files/safetensors.hpp"
#include "model/files/sha256.hpp"

#include <ATen/ATen.h>
#include <c10/core/DeviceType.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace plat::nn {
namespace {

namespace fs = std::filesystem;

using Part = std::pair<const char*, at::Tensor Encoded::*>;
/// Where a file says what its tensors sum up to.
constexpr const char* kChecksum = "sha256";
constexpr std::array<Part, 4> kParts = {{{"embedding", &Encoded::embedding},
                                         {"stride2", &Encoded::stride2},
                                         {"stride4", &Encoded::stride4},
                                         {"stride8", &Encoded::stride8}}};

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

/// The parts rounded, rows first, as they lie in a file.
std::map<std::string, at::Tensor> rounded(const Encoded& encoded) {
  std::map<std::string, at::Tensor> halves;
  for (const auto& [name, member] : kParts) {
    const at::Tensor& part = encoded.*member;
    if (part.defined()) halves[name] = part.to(at::kCPU, at::kHalf).contiguous(at::MemoryFormat::Contiguous);
  }
  return halves;
}

Encoded restored(const std::map<std::string, at::Tensor>& halves) {
  Encoded encoded;
  for (const auto& [name, member] : kParts) {
    const auto found = halves.find(name);
    if (found != halves.end()) encoded.*member = found->second.to(at::kFloat);
  }
  return encoded;
}

using TensorViews = std::map<std::string, TensorView>;

/// Tells whether a file is still as it was written.
std::string checksum(const TensorViews& views) {
  Sha256 sum;
  for (const auto& [name, view] : views) {
    std::string text = name;
    for (const int64_t side : view.shape) text += " " + std::to_string(side);
    sum.add(std::as_bytes(std::span(text)));
    sum.add(view.bytes);
  }
  return sum.finish();
}

/// What a file holds; unset where there is none, or none that is whole.
std::optional<std::map<std::string, at::Tensor>> read(const std::string& path) {
  if (!fs::exists(path)) return std::nullopt;
  try {
    const SafetensorsFile file(path);
    const auto sum = file.metadata().find(kChecksum);
    if (sum == file.metadata().end() || sum->second != checksum(file.tensors())) throw ModelError("not as written");
    std::map<std::string, at::Tensor> halves;
    for (const auto& [name, view] : file.tensors()) {
      if (view.type != TensorType::Float16) throw ModelError("not of this cache");
      at::Tensor half = at::empty(view.shape, at::kHalf);
      std::memcpy(half.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
      halves[name] = half;
    }
    return halves;
  } catch (const Error&) {
    log_warning(path + ": is damaged, so it is made again");
    return std::nullopt;
  }
}

}  // namespace

std::string encoder_key(const std::string& model, const std::string& precision, const at::Device& device) {
  // Raised with each change of the encoder's code that changes its results.
  constexpr int kEncoderVersion = 1;
  std::string key = "encoder " + std::to_string(kEncoderVersion) + "\nprecision " + precision + "\ndevice " +
                    c10::DeviceTypeName(device.type(), true) + "\n";
  for (const std::string& file : weight_files(model)) key += sha256_of_file(file) + "\n";
  for (const std::string& folder : {model, base_of(model)}) {
    for (const char* name : {kConfigFile, kAdapterConfigFile}) {
      const std::string file = folder + "/" + name;
      if (fs::exists(file)) key += sha256_of_file(file) + "\n";
    }
  }
  return key;
}

EncodedCache::EncodedCache(std::string folder, std::string encoder)
    : folder_(std::move(folder)), encoder_(std::move(encoder)) {}

Encoded EncodedCache::get(const at::Tensor& pixels, const std::function<Encoded(const at::Tensor&)>& encode) {
  std::array<std::vector<at::Tensor>, kParts.size()> parts;
  for (int64_t i = 0; i < pixels.size(0); ++i) {
    const Encoded one = get_one(pixels.narrow(0, i, 1), encode);
    for (std::size_t p = 0; p < kParts.size(); ++p) {
      const at::Tensor& part = one.*kParts[p].second;
      if (part.defined()) parts[p].push_back(part);
    }
  }
  Encoded all;
  for (std::size_t p = 0; p < kParts.size(); ++p) {
    if (!parts[p].empty()) all.*kParts[p].second = at::cat(parts[p]).to(pixels.device());
  }
  return all;
}

Encoded EncodedCache::get_one(const at::Tensor& pixels, const std::function<Encoded(const at::Tensor&)>& encode) {
  Sha256 sum;
  sum.add(std::as_bytes(std::span(encoder_)));
  sum.add(bytes_of(pixels.cpu().contiguous(at::MemoryFormat::Contiguous)));
  const std::string path = folder_ + "/" + sum.finish() + ".safetensors";
  if (const auto halves = read(path)) {
    ++found_;
    return restored(*halves);
  }
  const std::map<std::string, at::Tensor> halves = rounded(encode(pixels));
  TensorViews views;
  for (const auto& [name, half] : halves) views[name] = {TensorType::Float16, half.sizes().vec(), bytes_of(half)};
  fs::create_directories(folder_);
  write_safetensors(path, views, {{kChecksum, checksum(views)}});
  ++made_;
  return restored(halves);
}

int64_t encoded_bytes(const SamConfig& config, int64_t crop) {
  const auto layer = [crop](int64_t stride, int64_t channels) { return crop / stride * (crop / stride) * channels; };
  int64_t values = layer(16, config.prompt_encoder.hidden_size);
  int64_t stride = 2;
  for (const int64_t channels : config.feature_dims()) {
    values += layer(stride, channels);
    stride *= 2;
  }
  constexpr int64_t kHeader = 512;
  return 2 * values + kHeader;
}

}  // namespace plat::nn
