// SPDX-License-Identifier: Apache-2.0
#include "model/segmenter.hpp"

#include "core/error.hpp"
#include "model/files/model_folder.hpp"
#include "model/prompt_segmenter.hpp"
#include "model/sam_segmenter.hpp"
#include "model/threshold_segmenter.hpp"

namespace plat {
namespace {

constexpr const char* kThreshold = "threshold";

#ifndef PLAT_WITH_TORCH
[[noreturn]] void fail_without_torch(const std::string& folder) {
  read_model_folder(folder);  // what is wrong with the folder is the more useful message
  throw ModelError(folder +
                   ": this build of plat has no LibTorch and runs no networks; build it with PLAT_WITH_TORCH=ON");
}
#endif

}  // namespace

std::unique_ptr<Segmenter> open_segmenter(const std::string& folder, const std::string& device, Precision precision) {
  if (folder == kThreshold) return std::make_unique<ThresholdSegmenter>();
#ifdef PLAT_WITH_TORCH
  return open_sam_segmenter(folder, device, precision);
#else
  static_cast<void>(device), static_cast<void>(precision);
  fail_without_torch(folder);
#endif
}

std::unique_ptr<PromptSegmenter> open_prompt_segmenter(const std::string& folder, const std::string& device,
                                                       Precision precision) {
  if (folder == kThreshold) throw ModelError("the threshold model answers no prompts; name a SAM model's folder");
#ifdef PLAT_WITH_TORCH
  return open_sam_prompt_segmenter(folder, device, precision);
#else
  static_cast<void>(device), static_cast<void>(precision);
  fail_without_torch(folder);
#endif
}

}  // namespace plat
