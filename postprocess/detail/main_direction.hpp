// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <vector>

namespace plat::detail {

/// Likely directions of a building's walls in radians, in [0, pi/2), best first, at most three: those that most of the
/// outline's length keeps to (or crosses at a right angle), and that of the smallest rectangle around it.
std::vector<double> main_directions(const Ring& ring, double tolerance);

}  // namespace plat::detail
