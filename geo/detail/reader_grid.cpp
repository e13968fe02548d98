// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/reader_grid.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace plat::detail {
namespace {

// GDAL counts columns and rows in 32 bits.
constexpr double kMaxSize = 2'147'483'647;
// Positions of a rectangle that were meant to lie on a pixel's edge may miss it by rounding.
constexpr double kSnap = 1e-6;

struct PixelSize {
  double x;
  double y;
};

/// Lengths in metres of a pixel's sides at the centre of a grid.
PixelSize ground_pixel(const Grid& grid) {
  const GroundMeasure ground(grid.crs);
  const double col = static_cast<double>(grid.width) / 2;
  const double row = static_cast<double>(grid.height) / 2;
  const Affine& map = grid.world_from_pixel;
  PixelSize size{ground.distance_m(map({col - 0.5, row}), map({col + 0.5, row})),
                 ground.distance_m(map({col, row - 0.5}), map({col, row + 0.5}))};
  return size;
}

std::string text_of(const Bounds& box) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%.10g, %.10g, %.10g, %.10g", box.min_x, box.min_y, box.max_x, box.max_y);
  return text.data();
}

int64_t clamped(double value, int64_t limit) {
  return static_cast<int64_t>(std::clamp(value, 0.0, static_cast<double>(limit)));
}

}  // namespace

Grid with_gsd(const Grid& grid, double gsd_m) {
  if (!(gsd_m > 0) || !std::isfinite(gsd_m)) {
    throw UsageError("a ground sample distance must be a positive number of metres, not " + std::to_string(gsd_m));
  }
  const PixelSize pixel = ground_pixel(grid);
  if (!(pixel.x > 0) || !(pixel.y > 0))
    throw DataError("the raster's pixels have no size on the ground; check its CRS");
  if (std::abs(pixel.x / gsd_m - 1) <= kGsdTolerance && std::abs(pixel.y / gsd_m - 1) <= kGsdTolerance) return grid;
  const double width = std::max(1.0, std::round(static_cast<double>(grid.width) * pixel.x / gsd_m));
  const double height = std::max(1.0, std::round(static_cast<double>(grid.height) * pixel.y / gsd_m));
  if (width > kMaxSize || height > kMaxSize) {
    throw UsageError("at " + std::to_string(gsd_m) +
                     " m the raster would be wider than 2^31 pixels; ask for a larger one");
  }
  Grid out = grid;
  out.width = static_cast<int64_t>(width);
  out.height = static_cast<int64_t>(height);
  out.world_from_pixel.col_dx *= static_cast<double>(grid.width) / width;
  out.world_from_pixel.row_dy *= static_cast<double>(grid.height) / height;
  return out;
}

Window window_of(const Grid& grid, const Bounds& box, const std::string& path) {
  if (box.empty()) throw UsageError("the rectangle " + text_of(box) + " is empty; give xmin, ymin, xmax, ymax");
  const Polygon pixels = grid.to_pixel(
      {{{box.min_x, box.max_y}, {box.max_x, box.max_y}, {box.max_x, box.min_y}, {box.min_x, box.min_y}}, {}});
  const Bounds at = bounds(pixels);
  const int64_t col = clamped(std::floor(at.min_x + kSnap), grid.width);
  const int64_t row = clamped(std::floor(at.min_y + kSnap), grid.height);
  const int64_t col_end = clamped(std::ceil(at.max_x - kSnap), grid.width);
  const int64_t row_end = clamped(std::ceil(at.max_y - kSnap), grid.height);
  const Window window{col, row, col_end - col, row_end - row};
  if (window.empty()) {
    throw DataError(path + ": the rectangle " + text_of(box) + " lies outside the scene, which covers " +
                    text_of(grid.world_bounds()) + " in " + grid.crs.name());
  }
  return window;
}

}  // namespace plat::detail
