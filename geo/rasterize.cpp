// SPDX-License-Identifier: Apache-2.0
#include "geo/rasterize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace plat {
namespace {

/// Where an outline crosses the line through the centres of one row of pixels.
struct Crossing {
  int64_t row;
  double col;
};

/// The first pixel whose centre lies at or after a position: an edge through a centre gives the pixel to the polygon on
/// its right (or below), so that polygons that share an edge share no pixel and leave none out.
double first_centre(double position) { return std::ceil(position - 0.5); }

bool is_usable(const Ring& ring) {
  return ring.size() >= 3 &&
         std::all_of(ring.begin(), ring.end(), [](const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
}

void add_crossings(const Ring& ring, int64_t height, std::vector<Crossing>& crossings) {
  if (!is_usable(ring)) return;
  for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    // From top to bottom whichever way the ring runs, so that neighbours compute the same crossing.
    const Point& top = ring[i].y <= ring[j].y ? ring[i] : ring[j];
    const Point& bottom = ring[i].y <= ring[j].y ? ring[j] : ring[i];
    const auto limit = static_cast<double>(height);
    const auto row_begin = static_cast<int64_t>(std::clamp(first_centre(top.y), 0.0, limit));
    const auto row_end = static_cast<int64_t>(std::clamp(first_centre(bottom.y), 0.0, limit));
    if (row_begin >= row_end) continue;
    const double slope = (bottom.x - top.x) / (bottom.y - top.y);
    for (int64_t row = row_begin; row < row_end; ++row) {
      const double col = top.x == bottom.x ? top.x : top.x + (static_cast<double>(row) + 0.5 - top.y) * slope;
      crossings.push_back({row, col});
    }
  }
}

template <typename T>
void burn(const Polygon& polygon, T value, Image<T>& image, std::vector<Crossing>& crossings) {
  crossings.clear();
  add_crossings(polygon.exterior, image.height(), crossings);
  for (const Ring& hole : polygon.holes) add_crossings(hole, image.height(), crossings);
  std::sort(crossings.begin(), crossings.end(),
            [](const Crossing& a, const Crossing& b) { return a.row != b.row ? a.row < b.row : a.col < b.col; });
  const auto limit = static_cast<double>(image.width());
  // Rings are closed, so each row has an even number of crossings.
  for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
    const auto begin = static_cast<int64_t>(std::clamp(first_centre(crossings[i].col), 0.0, limit));
    const auto end = static_cast<int64_t>(std::clamp(first_centre(crossings[i + 1].col), 0.0, limit));
    if (begin >= end) continue;
    const auto row = image.row(crossings[i].row);
    std::fill(row.begin() + begin, row.begin() + end, value);
  }
}

}  // namespace

Image<int32_t> rasterize_labels(std::span<const MultiPolygon> polygons_in_pixels, int64_t width, int64_t height) {
  Image<int32_t> image(width, height);
  std::vector<Crossing> crossings;
  int32_t value = 0;
  for (const MultiPolygon& polygons : polygons_in_pixels) {
    ++value;
    for (const Polygon& polygon : polygons) burn(polygon, value, image, crossings);
  }
  return image;
}

Image<uint8_t> rasterize_mask(std::span<const MultiPolygon> polygons_in_pixels, int64_t width, int64_t height) {
  Image<uint8_t> image(width, height);
  std::vector<Crossing> crossings;
  for (const MultiPolygon& polygons : polygons_in_pixels) {
    for (const Polygon& polygon : polygons) burn(polygon, uint8_t{1}, image, crossings);
  }
  return image;
}

}  // namespace plat
