// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"

#include <c10/core/Device.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace plat::nn {

/// Tells an encoder's results from another's: by the weights and shape of a model folder, the precision in which they are
/// made, the kind of device, and the encoder's code.
std::string encoder_key(const std::string& model, const std::string& precision, const at::Device& device);

/// What a frozen encoder makes of crops, kept on disk in float16: one safetensors file a crop, named by the encoder and the
/// crop's pixels. Files that are damaged are made again. Thread-safe, and several programs may share a folder.
class EncodedCache {
 public:
  /// `encoder`: its key. The folder is made when something is kept.
  EncodedCache(std::string folder, std::string encoder);

  /// What the encoder makes of each of B crops (B, 3, S, S): from disk, or from `encode`, which takes one crop, and then
  /// kept. Rounded to float16 either way, so that it makes no difference which. Throws IoError where the disk is full.
  Encoded get(const at::Tensor& pixels, const std::function<Encoded(const at::Tensor&)>& encode);
  /// The folder has another name from now on. Not while another thread asks for something.
  void move_to(std::string folder) { folder_ = std::move(folder); }
  int64_t found() const { return found_; }
  int64_t made() const { return made_; }

 private:
  Encoded get_one(const at::Tensor& pixels, const std::function<Encoded(const at::Tensor&)>& encode);

  std::string folder_;
  std::string encoder_;
  std::atomic<int64_t> found_ = 0;
  std::atomic<int64_t> made_ = 0;
};

/// Bytes that the cache takes for a crop of this size.
int64_t encoded_bytes(const SamConfig& config, int64_t crop);

}  // namespace plat::nn
