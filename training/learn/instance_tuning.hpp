// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "evaluation/counts.hpp"
#include "training/data/training_data.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace plat {

/// The training pixels of scenes as areas that a network can be measured on, in order, until they hold `most_pixels` at the
/// model's resolution. Of a scene that alone holds more, there are square pieces with objects.
std::vector<ValidationArea> training_areas(const std::vector<LabelledScene>& scenes, double gsd_m, int64_t most_pixels);

/// Compares the objects that thresholds make of an area's maps with the true ones, at IoU 0.5. Objects are formed with what
/// lies around the area in view, then cut by it like the true ones; those below `min_object_px` pixels do not count.
ObjectCounts count_objects(const Image<float>& maps, const ValidationArea& area, const InstanceThresholds& thresholds,
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
