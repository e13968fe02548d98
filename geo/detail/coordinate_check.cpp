// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/coordinate_check.hpp"

#include "core/error.hpp"

namespace plat::detail {
namespace {

// No frame on the Earth counts further, whatever its unit. PROJ wraps longitudes, so it would find a place for any number.
constexpr double kFarthest = 1e9;

}  // namespace

CoordinateCheck::CoordinateCheck(const Crs& crs) : degrees_(crs.is_geographic()) {
  if (degrees_ || crs.empty()) return;
  try {
    to_degrees_.emplace(crs, Crs::wgs84());
  } catch (const DataError&) {
    // A frame of its own, such as a building site's: then only the size of its numbers can be wrong.
  }
}

bool CoordinateCheck::fits(const Bounds& box) const {
  if (degrees_) return box.min_x >= -360 && box.max_x <= 360 && box.min_y >= -90.001 && box.max_y <= 90.001;
  if (!(box.min_x >= -kFarthest && box.min_y >= -kFarthest && box.max_x <= kFarthest && box.max_y <= kFarthest)) {
    return false;
  }
  if (!to_degrees_) return true;
  try {
    (*to_degrees_)(Point{box.min_x, box.min_y});
    (*to_degrees_)(Point{box.max_x, box.max_y});
    return true;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace plat::detail
