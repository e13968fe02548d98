// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/detail/gdal_handles.hpp"

namespace plat::detail {

/// GDAL's object for a CRS, with x before y; null for the empty CRS.
SrsHandle to_srs(const Crs& crs);
/// What a GeoPackage calls coordinates of a plane without a CRS; from_srs makes the empty CRS of it again.
SrsHandle undefined_cartesian();
/// The horizontal part of a CRS of GDAL's (heights are not plat's business); empty for null.
Crs from_srs(OGRSpatialReferenceH srs);
/// The geographic CRS that a CRS is built on; null when it has none (engineering and empty CRSs).
SrsHandle geographic_base(const Crs& crs);
/// Metres in one unit of a projected or engineering CRS; 1 where it does not say.
double metres_per_unit(const Crs& crs);

}  // namespace plat::detail
