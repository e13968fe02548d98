// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <optional>

namespace plat::detail {

/// Tells whether coordinates can be those of a CRS at all. One per thread.
class CoordinateCheck {
 public:
  explicit CoordinateCheck(const Crs& crs);
  /// Whether both corners of a rectangle have a place on the Earth. Without a CRS, whether any frame has numbers of that size.
  bool fits(const Bounds& box) const;

 private:
  bool degrees_;
  std::optional<CrsTransform> to_degrees_;  ///< unset for degrees, and for a CRS that is not tied to the Earth
};

}  // namespace plat::detail
