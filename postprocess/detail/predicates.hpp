// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

namespace plat::detail {

/// On which side of the line a -> b the point c lies: 1 left (y upward), -1 right, 0 exactly on it. Exact for any finite
/// coordinates whose products neither overflow nor underflow.
int side_of(const Point& a, const Point& b, const Point& c);

/// How two segments meet.
enum class Contact {
  None,
  Point,     ///< in one point that is an end of at least one of them
  Crossing,  ///< in one point inside both
  Overlap,   ///< along a stretch
};

/// Exact. Segments must not be points.
Contact contact(const Point& a, const Point& b, const Point& c, const Point& d);

}  // namespace plat::detail
