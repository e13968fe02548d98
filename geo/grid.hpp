// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <cstdint>

namespace plat {

/// x = x0 + col * col_dx + row * row_dx, y = y0 + col * col_dy + row * row_dy; pixel (0, 0)'s outer corner is (x0, y0).
struct Affine {
  double x0 = 0;
  double col_dx = 1;
  double row_dx = 0;
  double y0 = 0;
  double col_dy = 0;
  double row_dy = 1;

  Point operator()(const Point& pixel) const;
  /// The map back; throws DataError when the transform is singular.
  Affine inverse() const;
  /// Whether columns run east and rows run south, without rotation.
  bool north_up() const { return row_dx == 0 && col_dy == 0 && col_dx > 0 && row_dy < 0; }
  bool operator==(const Affine&) const = default;
};

/// Where pixels lie on the ground: size, transform and CRS. Pixels have no coordinates until a Grid is attached.
struct Grid {
  int64_t width = 0;
  int64_t height = 0;
  Affine world_from_pixel;
  Crs crs;

  Window window() const { return {0, 0, width, height}; }
  /// The grid of a part; the window may reach outside.
  Grid sub(const Window& part) const;
  /// Outer bounds in CRS units.
  Bounds world_bounds() const;
  /// Ground sample distance in metres at the centre of the grid (square root of the pixel's ground area).
  /// Without a CRS the pixel size is taken as metres.
  double ground_sample_distance_m() const;
  /// A polygon of this grid's pixel frame in world coordinates, and back.
  Polygon to_world(const Polygon& pixel) const;
  Polygon to_pixel(const Polygon& world) const;
};

}  // namespace plat
