// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"
#include "tests/geo/raster_fixture.hpp"

#include <cmath>

namespace plat::test {

/// A smooth landscape over the world coordinates of UTM zone 45, with waves of 35 to 41 m.
inline double landscape(const Point& p) {
  return 100 + 50 * std::sin((p.x - 500'000) / 6.5) * std::cos((p.y - 3'000'000) / 5.5) + 0.1 * (p.x - 500'000);
}

/// The landscape seen through a transform, one metre a pixel, as floats.
inline RasterFixture view(int width, int height, const Affine& transform) {
  RasterFixture f;
  f.width = width;
  f.height = height;
  f.type = GDT_Float32;
  f.transform = transform;
  f.value = [transform](int col, int row, int) { return landscape(transform({col + 0.5, row + 0.5})); };
  return f;
}

inline constexpr Affine kNorthUp{500'000, 1, 0, 3'000'000, 0, -1};
inline constexpr Affine kRotated{500'000, 0.8, 0.6, 3'000'000, 0.6, -0.8};

/// Options for a ground sample distance.
inline RasterOptions at_gsd(double gsd) {
  RasterOptions options;
  options.gsd_m = gsd;
  return options;
}

}  // namespace plat::test
