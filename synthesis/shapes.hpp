// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// A shape that was drawn.
struct DrawnShape {
  std::string kind;  ///< ellipse, triangle, star, cross or blob
  Polygon outline;   ///< in pixel coordinates
};

/// An invented image of things that mean nothing, as Segment Anything outlines them: no kind of land cover.
struct DrawnShapes {
  Image<float> pixels;  ///< red, green, blue in 0..255, whole numbers
  std::vector<DrawnShape> shapes;
};

/// Draws up to twelve shapes of plain or striped colours apart from each other on a clouded ground, each between a twelfth
/// and a third of the shorter side across, but never below ten pixels. All lie inside. The same arguments give the same
/// image. Thread-safe.
DrawnShapes draw_shapes(int64_t width, int64_t height, uint64_t seed);

}  // namespace plat
