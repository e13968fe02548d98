// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

namespace plat {

/// Removes vertices that move the outline less than `tolerance` (Visvalingam/Douglas-Peucker as documented in the .cpp)
/// without making it invalid; rings that would collapse are kept as they are (exterior) or dropped (holes).
Polygon simplify(const Polygon& polygon, double tolerance);
/// Whether rings do not cross or touch themselves or each other, holes lie inside, and nothing is degenerate.
bool is_valid(const Polygon& polygon);

}  // namespace plat
