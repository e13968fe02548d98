// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/training_data.hpp"

#include <cstdint>
#include <vector>

namespace plat {

/// The validation pixels of a scene at the model's resolution, with some context: an area for each group of them that lies
/// together, so that what lies between is neither held nor looked at. No pixel counts in two areas.
/// Throws UsageError where they would take more than `memory_bytes` (0: no limit) at that resolution.
std::vector<ValidationArea> validation_areas(const LabelledScene& scene, double gsd_m, int64_t memory_bytes);

}  // namespace plat
