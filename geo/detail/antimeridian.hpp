// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

namespace plat::detail {

/// Polygons in degrees, cut at 180° so that each part keeps within [-180, 180] (RFC 7946, section 3.1.9). An edge longer
/// than half the globe is taken to run the short way, over the antimeridian; a ring round a pole is closed over it.
/// Polygons that do not reach the antimeridian come back as they are.
MultiPolygon cut_at_antimeridian(const MultiPolygon& polygons);

}  // namespace plat::detail
