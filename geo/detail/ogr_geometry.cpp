// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/ogr_geometry.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace plat::detail {
namespace {

Ring ring_of(OGRGeometryH line, bool swap_axes) {
  const int count = OGR_G_GetPointCount(line);
  if (count < 3) return {};
  std::vector<double> x(static_cast<std::size_t>(count));
  std::vector<double> y(x.size());
  OGR_G_GetPoints(line, x.data(), sizeof(double), y.data(), sizeof(double), nullptr, 0);
  if (swap_axes) x.swap(y);
  Ring ring;
  ring.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) return {};
    ring.push_back({x[i], y[i]});
  }
  if (ring.front() == ring.back()) ring.pop_back();
  return ring.size() < 3 ? Ring{} : ring;
}

void collect(OGRGeometryH geometry, bool swap_axes, MultiPolygon& out) {
  const OGRwkbGeometryType type = wkbFlatten(OGR_G_GetGeometryType(geometry));
  if (type == wkbPolygon || type == wkbTriangle) {
    const int rings = OGR_G_GetGeometryCount(geometry);
    if (rings == 0) return;
    Polygon polygon;
    polygon.exterior = ring_of(OGR_G_GetGeometryRef(geometry, 0), swap_axes);
    if (polygon.exterior.empty()) return;
    for (int i = 1; i < rings; ++i) {
      Ring hole = ring_of(OGR_G_GetGeometryRef(geometry, i), swap_axes);
      if (!hole.empty()) polygon.holes.push_back(std::move(hole));
    }
    out.push_back(std::move(polygon));
  } else if (type != wkbPoint && type != wkbLineString) {
    for (int i = 0; i < OGR_G_GetGeometryCount(geometry); ++i) {
      collect(OGR_G_GetGeometryRef(geometry, i), swap_axes, out);
    }
  }
}

void collect_points(OGRGeometryH geometry, bool swap_axes, std::vector<Point>& out) {
  const OGRwkbGeometryType type = wkbFlatten(OGR_G_GetGeometryType(geometry));
  if (type == wkbPoint) {
    if (OGR_G_IsEmpty(geometry) != 0) return;
    Point point{OGR_G_GetX(geometry, 0), OGR_G_GetY(geometry, 0)};
    if (swap_axes) std::swap(point.x, point.y);
    if (std::isfinite(point.x) && std::isfinite(point.y)) out.push_back(point);
  } else if (type == wkbMultiPoint || type == wkbGeometryCollection) {
    for (int i = 0; i < OGR_G_GetGeometryCount(geometry); ++i) {
      collect_points(OGR_G_GetGeometryRef(geometry, i), swap_axes, out);
    }
  }
}

void add_ring(OGRGeometryH polygon, const Ring& ring) {
  OGRGeometryH line = OGR_G_CreateGeometry(wkbLinearRing);
  OGR_G_SetPointCount(line, static_cast<int>(ring.size()) + 1);
  for (std::size_t i = 0; i <= ring.size(); ++i) {
    const Point& point = ring[i % ring.size()];
    OGR_G_SetPoint_2D(line, static_cast<int>(i), point.x, point.y);
  }
  OGR_G_AddGeometryDirectly(polygon, line);
}

}  // namespace

MultiPolygon polygons_of(OGRGeometryH geometry, bool swap_axes) {
  MultiPolygon out;
  // Asked for the types and not for bent sides: a curve type with straight sides only is no polygon to OGR either.
  if (OGR_G_HasCurveGeometry(geometry, FALSE) != 0) {
    const GeometryHandle linear(OGR_G_GetLinearGeometry(geometry, 0, nullptr));
    if (linear) collect(linear.get(), swap_axes, out);
  } else {
    collect(geometry, swap_axes, out);
  }
  return out;
}

std::vector<Point> points_of(OGRGeometryH geometry, bool swap_axes) {
  std::vector<Point> out;
  collect_points(geometry, swap_axes, out);
  return out;
}

GeometryHandle to_ogr(const Polygon& polygon) {
  GeometryHandle out(OGR_G_CreateGeometry(wkbPolygon));
  if (!polygon.exterior.empty()) add_ring(out.get(), polygon.exterior);
  for (const Ring& hole : polygon.holes) {
    if (!hole.empty()) add_ring(out.get(), hole);
  }
  return out;
}

GeometryHandle to_ogr(const MultiPolygon& polygons) {
  GeometryHandle out(OGR_G_CreateGeometry(wkbMultiPolygon));
  for (const Polygon& polygon : polygons) OGR_G_AddGeometryDirectly(out.get(), to_ogr(polygon).release());
  return out;
}

}  // namespace plat::detail
