// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/antimeridian.hpp"

#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/ogr_geometry.hpp"

#include <algorithm>
#include <cmath>

namespace plat::detail {
namespace {

bool reaches(const Ring& ring) {
  for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
    if (std::abs(ring[i].x) > 180 || std::abs(ring[i].x - ring[j].x) > 180) return true;
  }
  return false;
}

/// Longitudes that run on past 180° instead of jumping.
Ring unwrapped(const Ring& ring) {
  Ring out = ring;
  for (std::size_t i = 1; i < out.size(); ++i) {
    out[i].x = out[i - 1].x + std::remainder(ring[i].x - ring[i - 1].x, 360.0);
  }
  const double closing = out.back().x + std::remainder(ring.front().x - ring.back().x, 360.0) - out.front().x;
  if (std::abs(closing) > 180) {
    // The ring runs once round the globe: close it over the pole on its side.
    const double pole = out.front().y < 0 ? -90 : 90;
    out.push_back({out.front().x + closing, out.front().y});
    out.push_back({out.back().x, pole});
    out.push_back({out.front().x, pole});
  }
  return out;
}

Polygon box(double min_x, double max_x) { return {{{min_x, -90}, {max_x, -90}, {max_x, 90}, {min_x, 90}}, {}}; }

void shift(MultiPolygon& polygons, double degrees) {
  for (Polygon& polygon : polygons) {
    for (Point& point : polygon.exterior) point.x += degrees;
    for (Ring& hole : polygon.holes) {
      for (Point& point : hole) point.x += degrees;
    }
  }
}

void cut(const Polygon& polygon, MultiPolygon& out) {
  Polygon whole{unwrapped(polygon.exterior), {}};
  const Bounds extent = bounds(whole.exterior);
  const double middle = (extent.min_x + extent.max_x) / 2;
  for (const Ring& hole : polygon.holes) {
    Ring moved = unwrapped(hole);
    const double turns = std::round((middle - bounds(moved).min_x) / 360) * 360;
    for (Point& point : moved) point.x += turns;
    whole.holes.push_back(std::move(moved));
  }
  const GdalErrors quiet;
  const GeometryHandle source = to_ogr(whole);
  const auto first = static_cast<int>(std::floor((extent.min_x + 180) / 360));
  const auto last = static_cast<int>(std::floor((extent.max_x + 180) / 360));
  for (int turn = first; turn <= last; ++turn) {
    const GeometryHandle part(
        OGR_G_Intersection(source.get(), to_ogr(box(-180 + 360.0 * turn, 180 + 360.0 * turn)).get()));
    if (!part) {
      // Invalid rings cannot be cut (GEOS refuses them): better in one piece than lost.
      out.push_back(polygon);
      return;
    }
    MultiPolygon pieces = polygons_of(part.get());
    shift(pieces, -360.0 * turn);
    out.insert(out.end(), pieces.begin(), pieces.end());
  }
}

}  // namespace

MultiPolygon cut_at_antimeridian(const MultiPolygon& polygons) {
  if (std::none_of(polygons.begin(), polygons.end(), [](const Polygon& p) { return reaches(p.exterior); })) {
    return polygons;
  }
  MultiPolygon out;
  for (const Polygon& polygon : polygons) {
    if (reaches(polygon.exterior)) {
      cut(polygon, out);
    } else {
      out.push_back(polygon);
    }
  }
  return out;
}

}  // namespace plat::detail
