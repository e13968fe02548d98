// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/instance_thresholds.hpp"
#include "evaluation/counts.hpp"
#include "postprocess/stitcher.hpp"
#include "training/data/validation_areas.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace plat {

/// The training pixels of scenes as areas that a network can be measured on, in order, until they hold `most_pixels` at the
/// model's resolution. Of a scene that alone holds more, or more than an area may, there are square pieces with objects. The
/// scenes must outlive the areas.
std::vector<ValidationArea> training_areas(std::span<const LabelledScene> scenes, int64_t most_pixels);

/// Compares the objects that thresholds make of an area's maps with the true ones, at IoU 0.5. Objects are formed with what
/// lies around the area in view, then cut by it like the true ones; those below `min_object_px` pixels do not count.
ObjectCounts count_objects(const MapBlock& found, const AreaTruth& truth, const InstanceThresholds& thresholds,
                           int64_t min_object_px);

/// Thresholds and what they achieve.
struct TunedThresholds {
  InstanceThresholds thresholds;
  double object_f1 = 0;
};

/// Looks for the thresholds that give the best object F1 (`count` tells what some achieve): one of them at a time goes
/// through a list of values while the others stay, round by round, until a round changes nothing. A value must better the
/// one at hand by 0.002, so that the ones to begin with stay where others are no better. min_area_m2 and close_gap_px are
/// left as they are.
TunedThresholds tune_thresholds(const InstanceThresholds& first,
                                const std::function<ObjectCounts(const InstanceThresholds&)>& count);

}  // namespace plat
