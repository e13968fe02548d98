// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <memory>

namespace plat {

/// Whether every ring is simple and holes lie inside their exteriors (OGC validity).
bool is_valid(const MultiPolygon& polygons);
/// The same area as valid polygons: crossings become vertices, both halves of a bow-tie are kept. Valid input comes back
/// unchanged; lines and points that are left over are dropped.
MultiPolygon make_valid(const MultiPolygon& polygons);

/// The common part of two areas, exact up to rounding; both must be valid. Throws DataError when the overlay fails.
MultiPolygon intersection(const MultiPolygon& a, const MultiPolygon& b);
/// What of an area another leaves, exact up to rounding; both must be valid. Throws DataError when the overlay fails.
MultiPolygon difference(const MultiPolygon& a, const MultiPolygon& b);
/// The area of the common part in squared coordinate units.
double intersection_area(const MultiPolygon& a, const MultiPolygon& b);
/// The rectangle as a polygon.
Polygon to_polygon(const Bounds& bounds);

/// Cuts many objects to one area, which may be intricate: what lies wholly inside or outside is told by an index.
/// Not thread-safe.
class AreaClipper {
 public:
  /// The area is made valid.
  explicit AreaClipper(const MultiPolygon& area);
  ~AreaClipper();
  AreaClipper(AreaClipper&&) noexcept;
  /// The part of a valid object inside the area: the object itself when it lies inside, empty when outside.
  MultiPolygon operator()(const MultiPolygon& object) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
