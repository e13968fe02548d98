// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/image.hpp"
#include "model/files/model_folder.hpp"
#include "model/nn/sam.hpp"
#include "model/precision.hpp"

#include <c10/util/Exception.h>

#include <memory>
#include <new>
#include <string>

namespace plat::nn {

/// Whether torch got no memory: a processor's allocator says so in words alone.
inline bool is_out_of_memory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string(error.what_without_backtrace()).find("can't allocate memory") != std::string::npos;
}

/// Runs `work` with torch's errors as ModelErrors, whose text leaves the stack trace out, or as std::bad_alloc.
template <typename Work>
auto translated(const std::string& what, const Work& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) throw std::bad_alloc();
    std::string text = error.what_without_backtrace();
    text = text.substr(0, text.find('\n'));
    throw ModelError(what + ": " + text);
  }
}

/// Makes the calling thread's work in torch that thread's alone: torch keeps its number of threads for each of them.
void use_one_thread();

/// A network that is ready to run, and what it expects. Thread-safe.
class LoadedSam {
 public:
  /// `device`: auto, cpu, cuda or cuda:N. Throws UsageError, IoError or ModelError saying what does not fit.
  LoadedSam(const std::string& folder, const std::string& device, Precision precision);

  const ModelDescription& description() const { return model_.description; }
  const SamConfig& config() const { return model_.config; }
  /// torch's modules have no const methods; in eval mode forward passes only read.
  SamImpl& network() const { return *sam_; }
  at::Device device() const { return device_; }

  /// A tile as the network takes it, (1, bands, tile_size, tile_size) on the device. Throws ModelError for another size.
  at::Tensor normalised(const Image<float>& pixels) const;

 private:
  void check_precision(const std::string& folder, Precision precision) const;
  void check_hardware(const std::string& folder, Precision precision) const;

  ModelFolder model_;
  at::Device device_;
  std::shared_ptr<SamImpl> sam_;
};

}  // namespace plat::nn
