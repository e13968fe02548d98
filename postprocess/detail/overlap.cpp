// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/overlap.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace plat::detail {
namespace {

constexpr int kLines = 257;

// Where horizontal lines at even distances enter and leave a polygon.
class Sections {
 public:
  Sections(const Polygon& polygon, double bottom, double step) : crossings_(kLines) {
    add(polygon.exterior, bottom, step);
    for (const Ring& hole : polygon.holes) add(hole, bottom, step);
    for (auto& line : crossings_) std::ranges::sort(line);
  }
  const std::vector<double>& line(std::size_t i) const { return crossings_[i]; }

 private:
  void add(const Ring& ring, double bottom, double step) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Point& a = ring[i];
      const Point& b = ring[i + 1 < ring.size() ? i + 1 : 0];
      if (a.y == b.y) continue;
      const double low = std::min(a.y, b.y);
      const double high = std::max(a.y, b.y);
      const double first = std::max(0.0, std::ceil((low - bottom) / step));
      for (auto k = static_cast<std::size_t>(first); k < crossings_.size(); ++k) {
        const double y = bottom + static_cast<double>(k) * step;
        if (y < low) continue;
        if (y >= high) break;
        crossings_[k].push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
      }
    }
  }
  std::vector<std::vector<double>> crossings_;
};

double covered(const std::vector<double>& line) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < line.size(); i += 2) sum += line[i + 1] - line[i];
  return sum;
}

double covered_by_both(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0, k = 0; i + 1 < a.size() && k + 1 < b.size();) {
    sum += std::max(0.0, std::min(a[i + 1], b[k + 1]) - std::max(a[i], b[k]));
    if (a[i + 1] < b[k + 1]) {
      i += 2;
    } else {
      k += 2;
    }
  }
  return sum;
}

}  // namespace

double overlap(const Polygon& a, const Polygon& b) {
  Bounds box = bounds(a);
  box.add(bounds(b));
  if (box.empty() || !(box.max_y > box.min_y)) return 0;
  const double step = (box.max_y - box.min_y) / kLines;
  const double bottom = box.min_y + step / 2;
  const Sections in_a(a, bottom, step);
  const Sections in_b(b, bottom, step);
  double both = 0;
  double sum = 0;
  for (std::size_t i = 0; i < kLines; ++i) {
    both += covered_by_both(in_a.line(i), in_b.line(i));
    sum += covered(in_a.line(i)) + covered(in_b.line(i));
  }
  return sum > both ? both / (sum - both) : 0;
}

}  // namespace plat::detail
