// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <compare>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace plat::detail {

/// A line through points, closed or open.
struct Chain {
  std::span<const Point> points;
  bool closed = true;
};

/// An edge: from point `index` of a chain to the next one.
struct EdgeRef {
  std::size_t chain = 0;
  std::size_t index = 0;
  auto operator<=>(const EdgeRef&) const = default;
};

/// A point in which two chains touch.
struct Touch {
  std::size_t chain_a = 0;
  std::size_t chain_b = 0;
  Point point;
};

/// How chains meet.
struct Contacts {
  /// Pairs of edges that cross or overlap, or touch within one chain; each once, in order, the lesser first.
  std::vector<std::pair<EdgeRef, EdgeRef>> conflicts;
  /// Where different chains touch in a point; may hold one twice.
  std::vector<Touch> touches;
};

/// The exterior and the holes of a polygon, in this order.
std::vector<Chain> chains_of(const Polygon& polygon);

/// Finds all contacts of edges except those of neighbours at their common vertex. No point of a chain may equal the next.
Contacts find_contacts(std::span<const Chain> chains);

}  // namespace plat::detail
