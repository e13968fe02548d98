// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/normalization.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"

#include <cstdint>

namespace plat {

inline constexpr int64_t kMostPixelPairs = 200'000;

/// How the pixels of a later scene become 0..255, decided once for a pair.
struct MatchedScaling {
  Scaling scaling;  ///< where the pair is normalized: the scene's curves, then the scaling of the scene before
  RadiometricFit fit;
};

/// Values of the pixels that both scenes show, on a regular lattice over their common grid: streamed in strips, from overviews where there
/// are any, damage and huge undeclared fill values passed over.
PixelPairs sample_pairs(RasterReader& before, RasterReader& after, int64_t most_pixels = kMostPixelPairs);

/// Scales a later scene by its own values (default_scaling), or as the scene before once it is normalized. Throws
/// DataError where a normalization that was asked for, other than Auto, cannot be.
MatchedScaling match_scaling(RasterReader& before, const Scaling& of_before, RasterReader& after, Normalization wanted);

}  // namespace plat
