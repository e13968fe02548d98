// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/labelled_scene.hpp"
#include "training/labels/check_finding.hpp"
#include "training/labels/label_shift.hpp"
#include "training/labels/labels_on_scene.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace plat {

/// What the counts of all scenes with so many objects say.
std::vector<Finding> describe(const LabelCounts& counts, int64_t objects);

/// How labels lie against the images.
struct ShiftCheck {
  std::vector<LabelShift> scenes;  ///< one a scene; those whose labels are too few to tell are not clear
  std::vector<Finding> findings;   ///< over all scenes of one resolution together
};

/// Estimates by how much labels are shifted against the images, for each scene and for all scenes of one resolution
/// together. With `fix`, moves the labels where that is clear: by the scene's own shift, else by that of all.
ShiftCheck check_shift(std::vector<LabelledScene>& scenes, bool fix);

}  // namespace plat
