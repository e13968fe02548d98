// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/training_data.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace plat {

/// Model pixels shown around a validation area.
inline constexpr int64_t kValidationContext = 64;

/// What a pixel of a validation area takes, in bytes: its colours, its label and whether it counts; and the three maps that
/// are made of it.
inline constexpr double kValidationBytesPerPixel = 3 * 4 + 4 + 1 + 3 * 4;

/// The validation pixels of scenes at the model's resolution, with some context: an area for each group of them that lies
/// together, so that what lies between is neither held nor looked at. No pixel counts in two areas.
/// Throws UsageError where all of them would take more than `memory_bytes` (0: no limit) at that resolution.
std::vector<ValidationArea> validation_areas(std::span<const LabelledScene> scenes, double gsd_m, int64_t memory_bytes);

}  // namespace plat
