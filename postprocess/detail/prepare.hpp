// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <span>
#include <vector>

namespace plat::detail {

/// Drops holes that are smaller than the tolerance squared and that no other polygon fills.
std::vector<Polygon> without_small_holes(std::span<const Polygon> polygons, double tolerance);

/// Parts polygons that barely touch: where two share less than about twice the tolerance of border with free space at both
/// ends, or only a corner, both draw back by a hundredth of the tolerance. Such a contact is chance (two houses that stand
/// close), and a common wall that short would leave no straight wall on either side.
std::vector<Polygon> without_short_contacts(std::span<const Polygon> polygons, double tolerance);

}  // namespace plat::detail
