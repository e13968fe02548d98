// SPDX-License-Identifier: Apache-2.0
#include "pipeline/result_checks.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

namespace plat {
namespace {

/// A map whose values differ by less than this says the same everywhere.
constexpr float kConstant = 0.01F;
/// A class that covers more than this share of a scene of some size is hardly right.
constexpr double kNearlyEverything = 0.98;
/// Scenes smaller than this may well be one object or none.
constexpr int64_t kEnoughPixels = 128 * 128;

std::string two_decimals(float value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2f", static_cast<double>(value));
  return text.data();
}

}  // namespace

ResultChecks::ResultChecks(const std::vector<ClassPlan>& classes) {
  for (const ClassPlan& plan : classes) classes_.push_back({plan});
}

void ResultChecks::add(const MapBlock& block) {
  const std::span<const uint8_t> valid = block.valid.band(0);
  valid_pixels_ += std::count_if(valid.begin(), valid.end(), [](uint8_t v) { return v != 0; });
  for (ClassState& state : classes_) {
    const std::span<const float> extent = block.maps.band(state.plan.first_band + static_cast<int>(ClassMap::Extent));
    const auto threshold = static_cast<float>(state.plan.thresholds.extent);
    for (std::size_t i = 0; i < valid.size(); ++i) {
      if (valid[i] == 0) continue;
      state.lowest = std::min(state.lowest, extent[i]);
      state.highest = std::max(state.highest, extent[i]);
      if (extent[i] >= threshold) ++state.above;
    }
  }
}

std::vector<std::string> ResultChecks::warnings(int64_t objects) const {
  std::vector<std::string> found;
  for (const ClassState& state : classes_) {
    if (valid_pixels_ < kEnoughPixels) break;
    if (state.highest - state.lowest < kConstant) {
      found.push_back("the map of class '" + state.plan.name + "' is constant (" + two_decimals(state.lowest) +
                      " everywhere): the scene is blank, or its bands or values are not what the model expects.");
    } else if (static_cast<double>(state.above) > kNearlyEverything * static_cast<double>(valid_pixels_)) {
      found.push_back("class '" + state.plan.name +
                      "' covers nearly the whole scene: its bands or values may not be what the model expects.");
    }
  }
  if (objects == 0) {
    std::string text = "no object was found";
    for (const ClassState& state : classes_) {
      text += state.plan.name.empty() ? ""
                                      : "; the largest probability of '" + state.plan.name + "' is " +
                                            two_decimals(std::max(0.0F, state.highest)) + ", its threshold " +
                                            two_decimals(static_cast<float>(state.plan.thresholds.extent));
    }
    found.push_back(text + ".");
  }
  return found;
}

}  // namespace plat
