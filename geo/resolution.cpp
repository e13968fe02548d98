// SPDX-License-Identifier: Apache-2.0
#include "geo/resolution.hpp"

namespace plat {
namespace {

constexpr double kSameResolution = 1.05;
constexpr double kFarTooCoarse = 3.0;

}  // namespace

bool same_resolution(double gsd_m, double other_gsd_m) {
  const double ratio = gsd_m / other_gsd_m;
  return ratio < kSameResolution && ratio > 1 / kSameResolution;
}

bool far_too_coarse(double scene_gsd_m, double model_gsd_m) { return scene_gsd_m / model_gsd_m > kFarTooCoarse; }

bool resampled_for_model(double scene_gsd_m, double model_gsd_m) {
  return !same_resolution(scene_gsd_m, model_gsd_m) && !far_too_coarse(scene_gsd_m, model_gsd_m);
}

}  // namespace plat
