// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"

#include <cstdint>

namespace plat {

/// One part of the ground at two dates, in grey: single-band images of one size, and where both have data.
struct BlockPair {
  Image<float> before;
  Image<float> after;
  Image<uint8_t> valid;
};

/// How far one image of a block lies from the other.
struct BlockMatch {
  Point shift;        ///< pixels: what `before` shows at p, `after` shows at p + shift
  double peak = 0;    ///< correlation of the gradients there: 1 for equal images, about 0.05 for unrelated ones
  double second = 0;  ///< the highest other peak: near `peak` where the ground repeats itself (rows of equal roofs)
};

/// Finds the shift of up to `largest` pixels each way at which the directions of two images' gradients agree best: correlation
/// of complex gradients, whose lengths are compressed so that light and colour count little (orientation correlation: Fitch,
/// Kadyrov, Christmas, Kittler, BMVC 2002), normalized; between pixels by the Fourier transform evaluated on a finer lattice (Guizar-Sicairos, Thurman,
/// Fienup, Optics Letters 33, 2008). `largest` is at most a quarter of the block's side; blocks have at least 32 pixels a side.
BlockMatch match_block(const BlockPair& block, int64_t largest);

}  // namespace plat
