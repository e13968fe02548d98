// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat {

/// How the three maps of a class become objects. A model carries them (model/model_description.hpp) and the instance step
/// applies them (postprocess/instances.hpp); they stand here because neither of the two may include the other.
struct InstanceThresholds {
  double extent = 0.5;            ///< probability from which a pixel belongs to the class, in (0, 1)
  double boundary_weight = 0.25;  ///< how much the boundary map raises the watershed's relief, >= 0
  double smoothing_px = 2;  ///< deviation of the Gaussian that smooths the relief, pixels of the model, in [0, 20]
  /// How far the relief must fall from the top of the lower of two touching objects to the saddle between them, in (0, 1]:
  /// less is taken for one object.
  double seed_contrast = 0.3;
  double min_score = 0.7;  ///< objects with a lower mean probability are dropped, in [0, 1]
  double min_area_m2 = 4;  ///< smaller objects are dropped, >= 0
  /// Objects between which lie no more pixels of the model than this grow towards each other and come to share a line, as
  /// neighbouring fields do; in [0, 20], 0 leaves gaps as they are.
  double close_gap_px = 0;
};

}  // namespace plat
