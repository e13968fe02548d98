// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/labelled_scene.hpp"
#include "training/samples/random.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace plat::test {

inline Polygon rectangle(double left, double top, double width, double height) {
  return {{{left, top}, {left + width, top}, {left + width, top + height}, {left, top + height}}, {}};
}

/// A scene of bright rectangles on dark noise, on a grid in UTM metres; every rectangle is an object. The rectangles keep
/// off each other.
inline LabelledScene drawn_world(int64_t size, double gsd_m, uint64_t seed) {
  Random random(seed);
  Image<uint8_t> pixels(size, size, 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<uint8_t>(40 + random.integer(30));
  std::vector<MultiPolygon> objects;
  constexpr int64_t kCell = 48;
  for (int64_t row = 0; row + kCell <= size; row += kCell) {
    for (int64_t col = 0; col + kCell <= size; col += kCell) {
      const int64_t width = 16 + random.integer(20);
      const int64_t height = 16 + random.integer(20);
      const int64_t left = col + 4 + random.integer(6);
      const int64_t top = row + 4 + random.integer(6);
      objects.push_back({rectangle(static_cast<double>(left), static_cast<double>(top), static_cast<double>(width),
                                   static_cast<double>(height))});
      for (int64_t r = top; r < top + height; ++r) {
        for (int64_t c = left; c < left + width; ++c) {
          for (int64_t b = 0; b < 3; ++b) pixels.at(c, r, b) = static_cast<uint8_t>(200 + random.integer(40));
        }
      }
    }
  }
  Grid grid;
  grid.width = size;
  grid.height = size;
  grid.world_from_pixel = {500000, gsd_m, 0, 3000000, 0, -gsd_m};
  grid.crs = Crs::from_text("EPSG:32645");
  return make_scene("drawn", std::move(pixels), grid, gsd_m, std::move(objects));
}

}  // namespace plat::test
