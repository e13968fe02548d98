// SPDX-License-Identifier: Apache-2.0
#include "change/object_store.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cmath>

namespace plat {
namespace {

bool is_share(float value) { return value >= 0 && value <= 1; }

bool is_finite(const Ring& ring) {
  return std::all_of(ring.begin(), ring.end(),
                     [](const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); });
}

template <typename T>
int64_t bytes_of(const std::vector<T>& values) {
  return static_cast<int64_t>(values.capacity() * sizeof(T));
}

}  // namespace

void ObjectStore::reserve(int64_t objects, int64_t vertices) {
  const auto count = static_cast<std::size_t>(objects);
  points_.reserve(static_cast<std::size_t>(vertices));
  first_point_.reserve(count + 1);
  first_ring_.reserve(count + 1);
  facts_.reserve(count);
  areas_.reserve(count);
}

int64_t ObjectStore::add(const MultiPolygon& outline, const ObjectFacts& facts) {
  if (!is_share(facts.score) || !is_share(facts.unseen_later) || !is_share(facts.unseen_earlier)) {
    throw DataError("an object's score and unseen shares must lie between 0 and 1");
  }
  for (const Polygon& polygon : outline) {
    if (!is_finite(polygon.exterior) || !std::all_of(polygon.holes.begin(), polygon.holes.end(), is_finite)) {
      throw DataError("an object has a coordinate that is not a number; repair or remove it");
    }
  }
  double sum = 0;
  const auto add_ring = [&](const Ring& ring, double size) {
    points_.insert(points_.end(), ring.begin(), ring.end());
    first_point_.push_back(static_cast<int64_t>(points_.size()));
    sum += size;
  };
  for (const Polygon& given : outline) {
    const Polygon polygon = oriented(given);
    const double size = signed_area(polygon.exterior);
    if (!(size > 0)) continue;
    add_ring(polygon.exterior, size);
    for (const Ring& hole : polygon.holes) {
      if (const double missing = signed_area(hole); missing < 0) add_ring(hole, missing);
    }
  }
  first_ring_.push_back(static_cast<int64_t>(first_point_.size()) - 1);
  facts_.push_back(facts);
  areas_.push_back(std::max(0.0, sum));
  return size() - 1;
}

MultiPolygon ObjectStore::outline(int64_t object) const {
  MultiPolygon polygons;
  for (int64_t which = 0; which < rings(object); ++which) {
    const std::span<const Point> points = ring(object, which);
    Ring copy(points.begin(), points.end());
    if (signed_area(copy) > 0) {
      polygons.push_back({std::move(copy), {}});
    } else {
      polygons.back().holes.push_back(std::move(copy));
    }
  }
  return polygons;
}

double ObjectStore::perimeter(int64_t object) const {
  double length = 0;
  for (int64_t which = 0; which < rings(object); ++which) {
    const std::span<const Point> points = ring(object, which);
    for (std::size_t i = 0, j = points.size() - 1; i < points.size(); j = i++) {
      length += std::hypot(points[i].x - points[j].x, points[i].y - points[j].y);
    }
  }
  return length;
}

Bounds ObjectStore::bounds(int64_t object) const {
  Bounds box;
  for (int64_t which = 0; which < rings(object); ++which) {
    for (const Point& point : ring(object, which)) box.add(point);
  }
  return box;
}

std::span<const Point> ObjectStore::ring(int64_t object, int64_t which) const {
  const auto at = static_cast<std::size_t>(first_ring_[static_cast<std::size_t>(object)] + which);
  const auto first = static_cast<std::size_t>(first_point_[at]);
  return std::span(points_).subspan(first, static_cast<std::size_t>(first_point_[at + 1]) - first);
}

int64_t ObjectStore::bytes() const {
  return bytes_of(points_) + bytes_of(first_point_) + bytes_of(first_ring_) + bytes_of(facts_) + bytes_of(areas_);
}

}  // namespace plat
