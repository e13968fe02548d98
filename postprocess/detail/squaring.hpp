// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"
#include "postprocess/regularize.hpp"

#include <vector>

namespace plat::detail {

/// The direction whose walls explain a ring best.
double best_direction(const Ring& ring, double tolerance);
/// Drops corners of a ring, or of an open path between its ends, that lie within a straight line.
std::vector<Point> without_idle_corners(std::vector<Point> points, bool closed, double tolerance);
/// Whether a squared polygon is valid and like enough to its original.
bool accepted(const Polygon& squared, const Polygon& original, const RegularizeOptions& options);

}  // namespace plat::detail
