// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace plat::detail {

/// An edge: from vertex `index` of a ring to the next one. Rings are numbered from the exterior (0) through the holes.
struct EdgeRef {
  std::size_t ring = 0;
  std::size_t index = 0;
  bool operator==(const EdgeRef&) const = default;
};

/// A point in which two rings touch.
struct Touch {
  std::size_t ring_a = 0;
  std::size_t ring_b = 0;
  Point point;
};

/// How the rings of a polygon meet.
struct Contacts {
  std::vector<EdgeRef>
      conflicts;               ///< edges that cross, overlap or touch others where they must not; each once, in order
  std::vector<Touch> touches;  ///< where different rings touch in a point; may hold one twice
};

/// Pointers to the exterior and the holes.
std::vector<const Ring*> rings_of(const Polygon& polygon);

/// Finds all contacts of edges except those of neighbours at their common vertex. Rings must have 3 or more vertices, no
/// two equal ones in a row. Sweeps from left to right.
Contacts find_contacts(std::span<const Ring* const> rings);

}  // namespace plat::detail
