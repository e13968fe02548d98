// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/prompt_segmenter.hpp"
#include "model/segmenter.hpp"

#include <memory>
#include <string>

namespace plat {

/// SAM networks behind plat's interfaces; only in builds with torch. The first call of each sets torch to one thread
/// per call for the whole process: tiles in parallel waste less than threads within a tile, and give the same bytes for
/// any number of threads.
std::unique_ptr<Segmenter> open_sam_segmenter(const std::string& folder, const std::string& device,
                                              Precision precision);
std::unique_ptr<PromptSegmenter> open_sam_prompt_segmenter(const std::string& folder, const std::string& device,
                                                           Precision precision);

}  // namespace plat
