// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "training/samples/random.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace plat {

/// A prompt for one object: either a point and a placeholder, or the two corners of a box, as SAM encodes them.
struct SampledPrompt {
  std::array<float, 4> coordinates{};        ///< col, row, col, row; the top-left pixel's centre is (0, 0)
  std::array<int64_t, 2> labels = {-1, -1};  ///< 1 a point on the object, 2 and 3 corners, -1 nothing
  bool known = false;                        ///< off where the crop has no object to ask for
};

struct PromptSet {
  std::vector<SampledPrompt> prompts;
  Image<float> masks;  ///< one band a prompt, a quarter of the crop's size: share of each cell that the object covers
};

/// Draws objects of a crop at random, with repetition, and asks for each by a point on it or by its bounding box with
/// corners moved by up to 10 %. Objects of `least_px` pixels or fewer are not asked for.
PromptSet sample_prompts(const Image<int32_t>& labels, int64_t count, Random& random, int64_t least_px = 100);

}  // namespace plat
