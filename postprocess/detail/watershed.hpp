// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat::detail {

/// Pixels that a watershed must not enter.
inline constexpr uint16_t kOutside = 0xFFFF;

/// Marks with 1..count the deepest pixel (the first of them, row-major) of each minimum of `relief` that is at least `depth`
/// deep: from it one must climb by that much to reach lower ground (the minimum's dynamics, Grimaud 1992). The lowest pixel
/// of each 4-connected part is always marked. `labels` is zero elsewhere; returns the count. Pixels of kOutside are walls;
/// depth is 1 or more. Linear in the pixels and the range of heights but for a logarithm.
int32_t mark_minima(const Image<uint16_t>& relief, uint16_t depth, Image<int32_t>& labels);

/// Grows the non-zero labels over all pixels of `relief` that are not kOutside and 4-connected to one, lowest pixels
/// first, equally high ones in the order in which they were reached (seeds in row-major order). Linear in the pixels and
/// the range of heights. Same result as a priority queue ordered by height, then by time.
void flood(const Image<uint16_t>& relief, Image<int32_t>& labels);

}  // namespace plat::detail
