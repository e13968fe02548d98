// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace plat::test {

/// Labels drawn pixel by pixel: rough, with many corners that touch. `density` of 0 gives an empty image.
inline Image<int32_t> random_labels(int64_t width, int64_t height, int32_t labels, double density, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Image<int32_t> image(width, height);
  for (int32_t& label : std::span(image.data(), image.size())) {
    if (uniform(random) < density) label = 1 + static_cast<int32_t>(uniform(random) * labels);
  }
  return image;
}

/// Sums of random bumps in [0, 1]: smooth maps as a network makes them.
inline std::vector<float> random_bumps(int64_t width, int64_t height, int bumps, double radius, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<float> out(static_cast<std::size_t>(width * height), 0.0F);
  for (int i = 0; i < bumps; ++i) {
    const double x = uniform(random) * static_cast<double>(width);
    const double y = uniform(random) * static_cast<double>(height);
    const double size = radius * (0.4 + uniform(random));
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t c = 0; c < width; ++c) {
        const double distance = std::hypot(static_cast<double>(c) - x, static_cast<double>(r) - y) / size;
        float& value = out[static_cast<std::size_t>(r * width + c)];
        value = std::max(value, static_cast<float>(std::max(0.0, 1 - distance * distance)));
      }
    }
  }
  return out;
}

/// Whether a point lies inside a ring, by counting the edges to its left (even-odd). Edges that two rings share are judged
/// alike whatever their direction.
inline bool ring_contains(const Ring& ring, double x, double y) {
  bool inside = false;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const bool rising = ring[i].y < ring[(i + 1) % ring.size()].y;
    const Point& a = ring[rising ? i : (i + 1) % ring.size()];
    const Point& b = ring[rising ? (i + 1) % ring.size() : i];
    if ((a.y > y) != (b.y > y) && a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x) < x) inside = !inside;
  }
  return inside;
}

/// Draws polygons pixel centre by pixel centre, independently of any scan-line fill.
inline void draw(Image<int32_t>& image, const MultiPolygon& polygons, int32_t label) {
  for (const Polygon& polygon : polygons) {
    double left = 1e300, right = -1e300, top = 1e300, bottom = -1e300;
    for (const Point& p : polygon.exterior) {
      left = std::min(left, p.x), right = std::max(right, p.x), top = std::min(top, p.y),
      bottom = std::max(bottom, p.y);
    }
    for (auto r = std::max<int64_t>(0, std::llround(std::floor(top)));
         r < image.height() && static_cast<double>(r) < bottom; ++r) {
      for (auto c = std::max<int64_t>(0, std::llround(std::floor(left)));
           c < image.width() && static_cast<double>(c) < right; ++c) {
        const double x = static_cast<double>(c) + 0.5;
        const double y = static_cast<double>(r) + 0.5;
        bool inside = ring_contains(polygon.exterior, x, y);
        for (const Ring& hole : polygon.holes) inside = inside && !ring_contains(hole, x, y);
        if (inside) image.at(c, r) = label;
      }
    }
  }
}

/// Twice the area of a ring, with the sign of its turn (exact for pixel corners).
inline double twice_area(const Ring& ring) {
  double sum = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    sum += a.x * b.y - b.x * a.y;
  }
  return sum;
}

inline double polygon_area(const Polygon& polygon) {
  double sum = std::abs(twice_area(polygon.exterior));
  for (const Ring& hole : polygon.holes) sum -= std::abs(twice_area(hole));
  return sum / 2;
}

}  // namespace plat::test
