// SPDX-License-Identifier: Apache-2.0
#include "geo/overlay.hpp"

#include "core/error.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/ogr_geometry.hpp"

#include <utility>

namespace plat {
namespace {

/// One polygon as such: a multipolygon of one costs GEOS a needless union of its parts.
detail::GeometryHandle compact(const MultiPolygon& polygons) {
  return polygons.size() == 1 ? detail::to_ogr(polygons.front()) : detail::to_ogr(polygons);
}

using Overlay = OGRGeometryH (*)(OGRGeometryH, OGRGeometryH);

MultiPolygon overlay(Overlay operation, const MultiPolygon& a, const MultiPolygon& b) {
  const detail::GdalErrors errors;
  const detail::GeometryHandle left = compact(a);
  const detail::GeometryHandle right = compact(b);
  const detail::GeometryHandle result(operation(left.get(), right.get()));
  if (!result) throw DataError("two polygons cannot be overlaid; make them valid first" + errors.suffix());
  return detail::polygons_of(result.get());
}

}  // namespace

bool is_valid(const MultiPolygon& polygons) {
  // GDAL tells the reason of an invalid polygon as a warning; here the answer is enough.
  const detail::GdalErrors errors;
  return OGR_G_IsValid(compact(polygons).get()) != 0;
}

MultiPolygon make_valid(const MultiPolygon& polygons) {
  if (is_valid(polygons)) return polygons;
  const detail::GdalErrors errors;
  const detail::GeometryHandle broken = compact(polygons);
  const detail::GeometryHandle valid(OGR_G_MakeValid(broken.get()));
  if (!valid) throw DataError("a polygon cannot be made valid; repair or remove it" + errors.suffix());
  return detail::polygons_of(valid.get());
}

MultiPolygon intersection(const MultiPolygon& a, const MultiPolygon& b) {
  if (!bounds(a).intersects(bounds(b))) return {};
  return overlay(OGR_G_Intersection, a, b);
}

MultiPolygon difference(const MultiPolygon& a, const MultiPolygon& b) {
  if (!bounds(a).intersects(bounds(b))) return a;
  return overlay(OGR_G_Difference, a, b);
}

double intersection_area(const MultiPolygon& a, const MultiPolygon& b) {
  if (!bounds(a).intersects(bounds(b))) return 0;
  return area(overlay(OGR_G_Intersection, a, b));
}

Polygon to_polygon(const Bounds& bounds) {
  return {{{bounds.min_x, bounds.min_y},
           {bounds.max_x, bounds.min_y},
           {bounds.max_x, bounds.max_y},
           {bounds.min_x, bounds.max_y}},
          {}};
}

struct AreaClipper::Impl {
  MultiPolygon area;
  Bounds box;
  detail::GeometryHandle geometry;
  detail::UniqueHandle<OGRPreparedGeometryH, OGRDestroyPreparedGeometry> prepared;
};

AreaClipper::AreaClipper(const MultiPolygon& area) : impl_(std::make_unique<Impl>()) {
  impl_->area = make_valid(area);
  impl_->box = bounds(impl_->area);
  impl_->geometry = compact(impl_->area);
  impl_->prepared.reset(OGRCreatePreparedGeometry(impl_->geometry.get()));
}

AreaClipper::~AreaClipper() = default;
AreaClipper::AreaClipper(AreaClipper&&) noexcept = default;

MultiPolygon AreaClipper::operator()(const MultiPolygon& object) const {
  if (!impl_->box.intersects(bounds(object))) return {};
  if (impl_->prepared) {
    const detail::GdalErrors errors;
    const detail::GeometryHandle geometry = compact(object);
    if (OGRPreparedGeometryContains(impl_->prepared.get(), geometry.get()) != 0) return object;
    if (OGRPreparedGeometryIntersects(impl_->prepared.get(), geometry.get()) == 0) return {};
  }
  return intersection(impl_->area, object);
}

}  // namespace plat
