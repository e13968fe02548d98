// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat::detail {

/// Pixels that a watershed must not enter.
inline constexpr uint16_t kOutside = 0xFFFF;

/// Grows the non-zero labels over all pixels of `relief` that are not kOutside and 4-connected to one, lowest pixels
/// first, equally high ones in the order in which they were reached (seeds in row-major order). Linear in the pixels and
/// the range of heights. Same result as a priority queue ordered by height, then by time.
void flood(const Image<uint16_t>& relief, Image<int32_t>& labels);

}  // namespace plat::detail
