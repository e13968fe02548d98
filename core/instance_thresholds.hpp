// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat {

/// How the three maps of a class become objects. A model carries them (model/model_description.hpp) and the instance step
/// applies them (postprocess/instances.hpp); they stand here because neither of the two may include the other.
struct InstanceThresholds {
  double extent = 0.5;         ///< probability from which a pixel belongs to the class, in (0, 1)
  double seed_distance = 0.4;  ///< distance less weighted boundary from which a pixel seeds an object, in (0, 1)
  double boundary_weight = 1;  ///< how much the boundary map raises the watershed's relief, >= 0
  int64_t min_seed_px = 8;     ///< seeds of fewer pixels at the model's resolution are noise, >= 1
  double min_area_m2 = 4;      ///< smaller objects are dropped, >= 0
};

}  // namespace plat
