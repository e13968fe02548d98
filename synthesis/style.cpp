// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "synthesis/random.hpp"
#include "synthesis/scene.hpp"

#include <algorithm>
#include <string>

namespace plat {

void SceneStyle::validate() const {
  const auto check = [](const char* name, double value, double low, double high) {
    if (value >= low && value <= high) return;
    throw UsageError(std::string(name) + " is " + std::to_string(value) + "; it must lie between " +
                     std::to_string(low) + " and " + std::to_string(high));
  };
  check("gsd_m", gsd_m, 0.05, 2);
  check("density", density, 0, 1);
  check("density_spread", density_spread, 0, 1);
  check("green", green, 0, 1);
  check("industry", industry, 0, 1);
  check("sun_elevation_deg", sun_elevation_deg, 15, 85);
  check("sun_strength", sun_strength, 0, 1);
  check("lean", lean, 0, 0.3);
  check("street_curvature", street_curvature, 0, 1);
  check("exposure", exposure, 0.2, 3);
  check("contrast", contrast, 0.2, 3);
  check("saturation", saturation, 0, 2);
  check("warmth", warmth, -0.3, 0.3);
  check("haze", haze, 0, 0.5);
  check("blur_px", blur_px, 0, 3);
  check("sharpening", sharpening, 0, 2);
  check("noise", noise, 0, 30);
}

SceneStyle random_style(uint64_t seed) {
  detail::Random random(seed ^ 0x5ce0e57e1eULL);
  SceneStyle style;
  const double region = random.uniform();
  style.region = region < 0.4    ? Region::DenseTown
                 : region < 0.62 ? Region::Suburb
                 : region < 0.77 ? Region::EuropeanTown
                 : region < 0.9  ? Region::Village
                                 : Region::DryTown;
  const bool town = style.region != Region::Suburb && style.region != Region::Village;
  style.gsd_m = std::exp(random.uniform(std::log(0.15), std::log(0.6)));
  style.density = town ? random.uniform(0.45, 1.0) : random.uniform(0.3, 0.7);
  style.density_spread = random.uniform(0.05, 0.35);
  style.green = style.region == Region::DryTown ? random.uniform(0, 0.25) : random.uniform(0.1, 1.0);
  style.industry = random.uniform() < 0.5 ? 0.05 : random.uniform(0, 0.3);
  style.sun_azimuth_deg = random.uniform(0, 360);
  style.sun_elevation_deg = random.uniform(28, 75);
  style.sun_strength = random.chance(0.2) ? random.uniform(0.1, 0.6) : random.uniform(0.7, 1.0);
  style.lean = random.chance(0.5) && style.region != Region::DenseTown && style.region != Region::DryTown
                   ? random.uniform(0.02, 0.25)
                   : 0;
  style.lean_azimuth_deg = random.uniform(0, 360);
  style.street_angle_deg = random.uniform(0, 90);
  style.street_curvature = random.uniform(0.1, 1.0);
  style.exposure = std::exp(random.normal(0.0, 0.2));
  style.contrast = std::exp(random.normal(0.05, 0.15));
  style.saturation = random.uniform(0.55, 1.35);
  style.warmth = random.normal(0, 0.03);
  style.haze = random.chance(0.3) ? random.uniform(0.05, 0.25) : random.uniform(0, 0.05);
  style.blur_px = random.uniform(0.3, 1.0);
  style.sharpening = random.uniform(0, 0.9);
  style.noise = random.uniform(0.5, 4);
  style.exposure = std::clamp(style.exposure, 0.5, 1.8);
  style.contrast = std::clamp(style.contrast, 0.7, 1.5);
  style.warmth = std::clamp(style.warmth, -0.1, 0.1);
  return style;
}

}  // namespace plat
