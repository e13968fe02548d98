// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/labelled_scene.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// How validation is kept apart.
struct SplitOptions {
  double fraction = 0.15;  ///< share of the labelled area, in [0, 0.9]
  double block_m = 100;    ///< largest side of a block, metres, > 0; small data gets smaller ones
  uint64_t seed = 1;
};

/// What a split came to.
struct SplitReport {
  std::string how;  ///< for people
  double block_m = 0;
  int64_t blocks = 0;
  int64_t validation_blocks = 0;
  int64_t redraws = 0;  ///< draws that left one side without objects
};

/// Gives whole blocks of the ground to validation (PixelUse::Validate). The blocks form one grid of equal areas over all
/// scenes, so ground that several scenes show falls on one side whichever shows it; scenes without georeference are blocks of
/// their own, or are cut into blocks where they are few. Draws that leave a side without objects are repeated. The same
/// scenes, options and seed give the same split.
SplitReport split_on_ground(std::vector<LabelledScene>& scenes, const SplitOptions& options);

/// The side of the blocks, metres, over scenes with so much labelled area of which the coarsest has this resolution.
double block_side_m(double area_m2, double coarsest_m, const SplitOptions& options);

/// Objects whose middle lies on pixels of a use.
int64_t objects_on(const LabelledScene& scene, PixelUse use);

}  // namespace plat
