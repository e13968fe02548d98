// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "synthesis/plan.hpp"

namespace plat::detail {

/// What a roof is covered with.
struct Cover {
  RoofMaterial material;
  Color color;
};

/// A colour of the same kind: its brightness varies by the deviation `amount`, its tint by a sixth of that.
Color varied(const Color& c, Random& random, double amount);
Cover metal_cover(Random& random);
Cover concrete_cover(Random& random);
/// What pitched roofs of a region are covered with.
Cover pitched_cover(Region region, Random& random);

}  // namespace plat::detail
