// SPDX-License-Identifier: Apache-2.0
#include "geo/grid.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cmath>

namespace plat {
namespace {

template <typename Map>
Ring map_ring(const Ring& ring, const Map& map) {
  Ring out;
  out.reserve(ring.size());
  for (const Point& point : ring) out.push_back(map(point));
  return out;
}

Polygon map_polygon(const Polygon& polygon, const Affine& map) {
  Polygon out{map_ring(polygon.exterior, map), {}};
  out.holes.reserve(polygon.holes.size());
  for (const Ring& hole : polygon.holes) out.holes.push_back(map_ring(hole, map));
  return out;
}

/// A square of pixels round the centre of a grid, in world coordinates.
Polygon centre_square(const Grid& grid, double size) {
  const double col = static_cast<double>(grid.width) / 2;
  const double row = static_cast<double>(grid.height) / 2;
  const double half = size / 2;
  return grid.to_world(Polygon{
      {{col - half, row - half}, {col + half, row - half}, {col + half, row + half}, {col - half, row + half}}, {}});
}

}  // namespace

Point Affine::operator()(const Point& pixel) const {
  return {x0 + pixel.x * col_dx + pixel.y * row_dx, y0 + pixel.x * col_dy + pixel.y * row_dy};
}

Affine Affine::inverse() const {
  const double determinant = col_dx * row_dy - row_dx * col_dy;
  if (!std::isfinite(determinant) || determinant == 0) {
    throw DataError("the raster's transform maps its pixels to a line or a point; fix its georeferencing");
  }
  Affine out;
  out.col_dx = row_dy / determinant;
  out.row_dx = -row_dx / determinant;
  out.col_dy = -col_dy / determinant;
  out.row_dy = col_dx / determinant;
  out.x0 = -(x0 * out.col_dx + y0 * out.row_dx);
  out.y0 = -(x0 * out.col_dy + y0 * out.row_dy);
  return out;
}

Grid Grid::sub(const Window& part) const {
  Grid out = *this;
  out.width = part.width;
  out.height = part.height;
  const Point corner = world_from_pixel({static_cast<double>(part.col), static_cast<double>(part.row)});
  out.world_from_pixel.x0 = corner.x;
  out.world_from_pixel.y0 = corner.y;
  return out;
}

Bounds Grid::world_bounds() const {
  const auto w = static_cast<double>(width);
  const auto h = static_cast<double>(height);
  Bounds out;
  for (const Point& corner : {Point{0, 0}, Point{w, 0}, Point{w, h}, Point{0, h}}) out.add(world_from_pixel(corner));
  return out;
}

double Grid::ground_sample_distance_m() const {
  const GroundMeasure ground(crs);
  const double pixel_m = std::sqrt(ground.area_m2(centre_square(*this, 1)));
  // Areas of a few square centimetres lose digits in degrees: measure a square of ten metres instead.
  constexpr double kLeast = 10;
  if (!(pixel_m > 0) || pixel_m >= kLeast) return pixel_m;
  const double pixels = kLeast / pixel_m;
  return std::sqrt(ground.area_m2(centre_square(*this, pixels))) / pixels;
}

Polygon Grid::to_world(const Polygon& pixel) const { return map_polygon(pixel, world_from_pixel); }

Polygon Grid::to_pixel(const Polygon& world) const {
  // Relative to the corner first: x0 in the inverse would lose digits of coordinates that are millions of metres.
  Affine linear = world_from_pixel;
  linear.x0 = 0;
  linear.y0 = 0;
  const Affine back = linear.inverse();
  const auto map = [&](const Point& p) { return back({p.x - world_from_pixel.x0, p.y - world_from_pixel.y0}); };
  Polygon out{map_ring(world.exterior, map), {}};
  out.holes.reserve(world.holes.size());
  for (const Ring& hole : world.holes) out.holes.push_back(map_ring(hole, map));
  return out;
}

}  // namespace plat
