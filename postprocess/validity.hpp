// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

namespace plat {

/// Whether a polygon is valid as OGC Simple Features define it: coordinates are finite, rings have an area, do not cross
/// or touch themselves and do not cross each other; holes lie inside the exterior and outside each other; rings touch each
/// other at single points only, and so that the inside stays in one piece. Exact: no tolerance is involved. Does not look
/// at the rings' directions.
bool is_valid(const Polygon& polygon);

}  // namespace plat
