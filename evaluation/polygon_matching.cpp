// SPDX-License-Identifier: Apache-2.0
#include "evaluation/polygon_matching.hpp"

#include "core/cancel.hpp"
#include "geo/bounds_index.hpp"
#include "geo/overlay.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <utility>

namespace plat {
namespace {

/// Below this, an overlap is of no interest to anyone who looks at errors.
constexpr double kWorthKnowing = 0.05;
/// Areas of one rectangle that agree this well differ by rounding only.
constexpr double kSame = 0.9999;

double box_area(const Bounds& a, const Bounds& b) {
  const double width = std::min(a.max_x, b.max_x) - std::max(a.min_x, b.min_x);
  const double height = std::min(a.max_y, b.max_y) - std::max(a.min_y, b.min_y);
  return width > 0 && height > 0 ? width * height : 0;
}

double ratio(double common, double area_a, double area_b) {
  const double together = area_a + area_b - common;
  return together > 0 ? std::clamp(common / together, 0.0, 1.0) : 0.0;
}

}  // namespace

double intersection_over_union(const MultiPolygon& a, const MultiPolygon& b) {
  return ratio(intersection_area(a, b), area(a), area(b));
}

std::vector<Overlap> find_overlaps(std::span<const MultiPolygon> predicted, std::span<const MultiPolygon> truth,
                                   double least) {
  std::vector<Bounds> boxes;
  std::vector<double> areas;
  boxes.reserve(truth.size());
  areas.reserve(truth.size());
  for (const MultiPolygon& polygons : truth) {
    boxes.push_back(bounds(polygons));
    areas.push_back(area(polygons));
  }
  const BoundsIndex index(boxes);
  std::vector<Overlap> overlaps;
  for (std::size_t p = 0; p < predicted.size(); ++p) {
    throw_if_cancelled();
    const Bounds box = bounds(predicted[p]);
    const double own_area = area(predicted[p]);
    for (const int64_t t : index.find(box)) {
      const auto i = static_cast<std::size_t>(t);
      // No more can be common than the boxes share and the smaller area has.
      const double most = std::min({box_area(box, boxes[i]), own_area, areas[i]});
      if (most <= 0 || ratio(most, own_area, areas[i]) <= least) continue;
      const double iou = ratio(intersection_area(predicted[p], truth[i]), own_area, areas[i]);
      if (iou > least) overlaps.push_back({static_cast<int64_t>(p), t, iou});
    }
  }
  return overlaps;
}

std::vector<std::size_t> find_repeated(std::span<const MultiPolygon> objects) {
  std::map<std::array<double, 4>, std::vector<std::size_t>> first;  // different ones, by their rectangle
  std::vector<std::size_t> repeated;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    throw_if_cancelled();
    const Bounds box = bounds(objects[i]);
    std::vector<std::size_t>& there = first[{box.min_x, box.min_y, box.max_x, box.max_y}];
    const bool known = std::ranges::any_of(
        there, [&](std::size_t j) { return intersection_over_union(objects[j], objects[i]) > kSame; });
    (known ? repeated : there).push_back(i);
  }
  return repeated;
}

Matching match_polygons(std::span<const MultiPolygon> predicted, std::span<const MultiPolygon> truth, double iou,
                        std::span<const int64_t> order) {
  return match_greedily(static_cast<int64_t>(predicted.size()), static_cast<int64_t>(truth.size()),
                        find_overlaps(predicted, truth, std::min(iou, kWorthKnowing)), iou, order);
}

}  // namespace plat
