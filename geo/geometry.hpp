// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace plat {

/// A position; pixels (col, row from the top-left corner) or world coordinates (x, y), as the name at hand tells.
struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
};

/// "x, y" for people, with ten digits at most.
std::string text_of(const Point& point);

/// A closed line without its repeated last vertex.
using Ring = std::vector<Point>;

/// An area with holes.
struct Polygon {
  Ring exterior;
  std::vector<Ring> holes;
  bool operator==(const Polygon&) const = default;
};

using MultiPolygon = std::vector<Polygon>;

/// An axis-parallel rectangle; empty until a point is added.
struct Bounds {
  double min_x = 1;
  double min_y = 1;
  double max_x = 0;
  double max_y = 0;

  bool empty() const { return min_x > max_x || min_y > max_y; }
  void add(const Point& point);
  void add(const Bounds& other);
  bool intersects(const Bounds& other) const;
};

Point centre(const Bounds& box);
/// The middle of the rectangle round places in degrees, the short way round the Earth: places on both sides of the
/// antimeridian have it between them.
Point middle_in_degrees(const std::vector<Point>& places);
/// Shoelace area of a ring: positive when it runs counter-clockwise with y upward.
double signed_area(const Ring& ring);
/// Area without holes, in squared coordinate units, never negative.
double area(const Polygon& polygon);
double area(const MultiPolygon& polygons);
/// Length of all rings.
double perimeter(const Polygon& polygon);
Bounds bounds(const Ring& ring);
Bounds bounds(const Polygon& polygon);
Bounds bounds(const MultiPolygon& polygons);
/// Corners of all rings.
std::size_t corner_count(const MultiPolygon& polygons);
/// Whether a point lies in a polygon (even-odd rule; holes are outside).
bool contains(const Polygon& polygon, const Point& point);
/// The same polygon with its exterior counter-clockwise (y upward) and its holes clockwise (RFC 7946).
Polygon oriented(Polygon polygon);

}  // namespace plat
