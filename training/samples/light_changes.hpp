// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "training/samples/random.hpp"

#include <utility>

namespace plat {

/// What lies between sun, ground and sensor, and how often. Chances are in [0, 1]; ranges are drawn from uniformly.
struct LightOptions {
  double haze = 0.12;                                 ///< chance of a veil of bright, bluish grey, thicker to one side
  std::pair<double, double> haze_cover = {0.1, 0.5};  ///< share of the light that comes from the veil, in [0, 1]
  double sun = 0.15;                                  ///< chance that the light falls off from one side to the other
  double log_sun = 0.35;  ///< gain at either side is exp of a number in [-this, this], and its inverse at the other
  double shadow = 0.12;   ///< chance of a shadow with straight, soft edges: a half plane, or a band
  std::pair<double, double> shadow_depth = {0.25, 0.65};  ///< share of the light that it takes, in [0, 1]
  std::pair<double, double> shadow_edge = {1, 12};        ///< width of the edge, pixels, more than 0
  /// Throws UsageError naming the field.
  void validate() const;
};

/// Changes red, green and blue in 0..255 as weather and what stands around might have. Values may leave that range.
void change_light(Image<float>& pixels, Random& random, const LightOptions& options);

}  // namespace plat
