// SPDX-License-Identifier: Apache-2.0
#include "geo/geometry.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace plat {
namespace {

double ring_length(const Ring& ring) {
  double length = 0;
  for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    length += std::hypot(ring[i].x - ring[j].x, ring[i].y - ring[j].y);
  }
  return length;
}

/// Whether a ray to the right crosses the ring an odd number of times.
bool crosses_odd(const Ring& ring, const Point& point) {
  bool odd = false;
  for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    const Point& a = ring[i];
    const Point& b = ring[j];
    if ((a.y > point.y) != (b.y > point.y) && point.x < a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x)) odd = !odd;
  }
  return odd;
}

}  // namespace

std::string text_of(const Point& point) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.10g, %.10g", point.x, point.y);
  return text.data();
}

void Bounds::add(const Point& point) {
  if (empty()) {
    *this = {point.x, point.y, point.x, point.y};
    return;
  }
  min_x = std::min(min_x, point.x);
  min_y = std::min(min_y, point.y);
  max_x = std::max(max_x, point.x);
  max_y = std::max(max_y, point.y);
}

void Bounds::add(const Bounds& other) {
  if (other.empty()) return;
  add(Point{other.min_x, other.min_y});
  add(Point{other.max_x, other.max_y});
}

bool Bounds::intersects(const Bounds& other) const {
  return !empty() && !other.empty() && min_x <= other.max_x && other.min_x <= max_x && min_y <= other.max_y &&
         other.min_y <= max_y;
}

Point centre(const Bounds& box) { return {(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2}; }

Point middle_in_degrees(const std::vector<Point>& places) {
  Bounds box;
  Bounds eastward;
  for (const Point& place : places) {
    box.add(place);
    eastward.add(Point{place.x < 0 ? place.x + 360 : place.x, place.y});
  }
  if (eastward.max_x - eastward.min_x < box.max_x - box.min_x) box = eastward;
  const double x = (box.min_x + box.max_x) / 2;
  return {x > 180 ? x - 360 : x, (box.min_y + box.max_y) / 2};
}

double signed_area(const Ring& ring) {
  if (ring.size() < 3) return 0;
  // Relative to the first vertex: world coordinates are millions, and their products would lose the small areas.
  const Point origin = ring.front();
  double doubled = 0;
  for (std::size_t i = 1; i + 1 < ring.size(); ++i) {
    doubled +=
        (ring[i].x - origin.x) * (ring[i + 1].y - origin.y) - (ring[i + 1].x - origin.x) * (ring[i].y - origin.y);
  }
  return doubled / 2;
}

double area(const Polygon& polygon) {
  double sum = std::abs(signed_area(polygon.exterior));
  for (const Ring& hole : polygon.holes) sum -= std::abs(signed_area(hole));
  return std::max(0.0, sum);
}

double area(const MultiPolygon& polygons) {
  double sum = 0;
  for (const Polygon& polygon : polygons) sum += area(polygon);
  return sum;
}

double perimeter(const Polygon& polygon) {
  double length = ring_length(polygon.exterior);
  for (const Ring& hole : polygon.holes) length += ring_length(hole);
  return length;
}

Bounds bounds(const Ring& ring) {
  Bounds box;
  for (const Point& point : ring) box.add(point);
  return box;
}

Bounds bounds(const Polygon& polygon) { return bounds(polygon.exterior); }

Bounds bounds(const MultiPolygon& polygons) {
  Bounds box;
  for (const Polygon& polygon : polygons) box.add(bounds(polygon));
  return box;
}

std::size_t corner_count(const MultiPolygon& polygons) {
  std::size_t count = 0;
  for (const Polygon& polygon : polygons) {
    count += polygon.exterior.size();
    for (const Ring& hole : polygon.holes) count += hole.size();
  }
  return count;
}

bool contains(const Polygon& polygon, const Point& point) {
  bool inside = crosses_odd(polygon.exterior, point);
  for (const Ring& hole : polygon.holes) inside ^= crosses_odd(hole, point);
  return inside;
}

Polygon oriented(Polygon polygon) {
  if (signed_area(polygon.exterior) < 0) std::reverse(polygon.exterior.begin(), polygon.exterior.end());
  for (Ring& hole : polygon.holes) {
    if (signed_area(hole) > 0) std::reverse(hole.begin(), hole.end());
  }
  return polygon;
}

}  // namespace plat
