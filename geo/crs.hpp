// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <memory>
#include <span>
#include <string>

namespace plat {

/// A coordinate reference system. Coordinates are always in the order x (east, longitude), y (north, latitude).
/// A cheap immutable value; empty when unknown. Thread-safe.
class Crs {
 public:
  Crs() = default;
  /// From "EPSG:32644", WKT, PROJJSON, a PROJ string or anything else that PROJ knows; throws DataError naming `text`.
  static Crs from_text(const std::string& text);
  static Crs wgs84();

  bool empty() const { return wkt_.empty(); }
  /// WKT 2; empty for the empty CRS.
  const std::string& wkt() const { return wkt_; }
  /// Short name for people: "EPSG:3857" where an authority code is known, else the CRS's own name, else "no CRS".
  std::string name() const;
  /// Whether coordinates are longitude and latitude in degrees.
  bool is_geographic() const;
  /// Whether both name the same system (PROJ's equivalence, axis order ignored).
  bool same_as(const Crs& other) const;

 private:
  std::string wkt_;
};

/// Carries coordinates from one CRS to another. One per thread: not thread-safe.
class CrsTransform {
 public:
  /// Throws DataError when either CRS is empty or no operation joins them.
  CrsTransform(const Crs& from, const Crs& to);
  ~CrsTransform();
  CrsTransform(CrsTransform&&) noexcept;
  CrsTransform& operator=(CrsTransform&&) noexcept;

  /// Throws DataError when a point has no image in the target CRS.
  Point operator()(const Point& point) const;
  Polygon operator()(const Polygon& polygon) const;
  MultiPolygon operator()(const MultiPolygon& polygons) const;
  /// Bounds of the image of a rectangle, its edges sampled.
  Bounds operator()(const Bounds& bounds) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True areas on the ground in m², whatever the CRS (Web Mercator stretches, degrees are no metres): geodesic on the
/// CRS's own ellipsoid. Without a CRS, coordinates are taken as metres. One per thread.
class GroundMeasure {
 public:
  explicit GroundMeasure(const Crs& crs);
  ~GroundMeasure();
  GroundMeasure(GroundMeasure&&) noexcept;
  GroundMeasure& operator=(GroundMeasure&&) noexcept;

  double area_m2(const Polygon& polygon) const;
  double perimeter_m(const Polygon& polygon) const;
  /// Ground distance in metres between two positions.
  double distance_m(const Point& a, const Point& b) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
