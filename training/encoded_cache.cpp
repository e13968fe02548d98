// SPDX-License-Identifier: Apache-2.0
#include "training/encoded_cache.hpp"

#include "core/error.hpp"
#include "model/safetensors.hpp"
#include "model/sha256.hpp"

#include <ATen/ATen.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace plat::nn {
namespace {

namespace fs = std::filesystem;

using Part = std::pair<const char*, at::Tensor Encoded::*>;
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

std::map<std::string, at::Tensor> read(const std::string& path) {
  const SafetensorsFile file(path);
  std::map<std::string, at::Tensor> halves;
  for (const auto& [name, view] : file.tensors()) {
    at::Tensor half = at::empty(view.shape, at::kHalf);
    if (half.nbytes() != view.bytes.size()) throw ModelError(path + ": is no file of embeddings; delete it");
    std::memcpy(half.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
    halves[name] = half;
  }
  return halves;
}

}  // namespace

EncodedCache::EncodedCache(std::string folder, std::string model)
    : folder_(std::move(folder)), model_(std::move(model)) {}

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
  sum.add(std::as_bytes(std::span(model_)));
  sum.add(bytes_of(pixels.cpu().contiguous(at::MemoryFormat::Contiguous)));
  const std::string path = folder_ + "/" + sum.finish() + ".safetensors";
  if (fs::exists(path)) {
    ++found_;
    return restored(read(path));
  }
  const std::map<std::string, at::Tensor> halves = rounded(encode(pixels));
  std::map<std::string, TensorView> views;
  for (const auto& [name, half] : halves) views[name] = {TensorType::Float16, half.sizes().vec(), bytes_of(half)};
  fs::create_directories(folder_);
  write_safetensors(path, views);
  ++made_;
  return restored(halves);
}

int64_t encoded_bytes(const SamConfig& config, int64_t crop) {
  const auto layer = [crop](int64_t stride, int64_t channels) { return crop / stride * (crop / stride) * channels; };
  int64_t values = layer(16, config.prompt_encoder.hidden_size);
  if (const auto* tiny = std::get_if<TinyVitConfig>(&config.vision)) {
    values += layer(2, tiny->embed_dims[0] / 2) + layer(4, tiny->embed_dims[0]) + layer(8, tiny->embed_dims[1]);
  }
  constexpr int64_t kHeader = 512;
  return 2 * values + kHeader;
}

}  // namespace plat::nn
