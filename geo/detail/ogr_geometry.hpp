// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/gdal_handles.hpp"
#include "geo/geometry.hpp"

#include <vector>

namespace plat::detail {

/// The polygons in a geometry of any type: curves become lines, heights are dropped, points and lines are left out.
/// Invalid polygons are kept as they are, rings without three vertices or with infinite ones are not.
MultiPolygon polygons_of(OGRGeometryH geometry, bool swap_axes = false);
/// The finite points in a geometry of points or of collections that hold some; vertices of lines and rings are left out.
std::vector<Point> points_of(OGRGeometryH geometry, bool swap_axes = false);
/// GDAL's geometry for one polygon (wkbPolygon).
GeometryHandle to_ogr(const Polygon& polygon);
/// GDAL's geometry for all of them (wkbMultiPolygon).
GeometryHandle to_ogr(const MultiPolygon& polygons);

}  // namespace plat::detail
