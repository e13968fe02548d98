// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

namespace plat::detail {

/// Area that two polygons share divided by the area that either covers, in [0, 1]. Measured along a few hundred lines
/// (exactly along each), so good to about a part in a thousand; works for polygons that are not valid too (even-odd).
double overlap(const Polygon& a, const Polygon& b);

}  // namespace plat::detail
