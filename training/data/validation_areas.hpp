// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "training/data/labelled_scene.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace plat {

/// Model pixels looked at around the pixels of a validation area that count.
inline constexpr int64_t kValidationContext = 64;
/// Areas of more model pixels are cut.
inline constexpr int64_t kLargestValidationArea = int64_t{1} << 22;
/// What a pixel of the area at work takes, in bytes: three maps and whether they are valid, its label and whether that counts,
/// and what looking for objects there takes.
inline constexpr double kValidationBytesPerPixel = 3 * 4 + 1 + 4 + 1 + 32;

/// A part of a scene at the model's resolution on which the network is measured. It holds no pixels.
struct ValidationArea {
  /// Must stay where it is: a vector of scenes may be moved, but neither copied nor added to.
  const LabelledScene* scene = nullptr;
  PixelUse use = PixelUse::Validate;  ///< of the pixels that count
  Window window;                      ///< of scene->model, all that is looked at
  /// Cells of kAreaCell pixels of the scene, beginning with the cell (first_cell_col, first_cell_row): 1 where pixels count here,
  /// not in another area. Empty: everywhere.
  Image<uint8_t> cells = {};
  int64_t first_cell_col = 0;
  int64_t first_cell_row = 0;
};

/// Side of the cells that areas are made of, in pixels of the scene: pixels no farther apart lie together.
inline constexpr int64_t kAreaCell = 16;

/// The truth in a validation area.
struct AreaTruth {
  Image<int32_t> labels;
  Image<uint8_t> counts;  ///< 1 where it counts
};

/// Draws it.
AreaTruth truth_of(const ValidationArea& area);

/// The validation pixels of scenes at the model's resolution, with some context: an area for each group of them that lies
/// together, so that what lies between is not looked at. No pixel counts in two areas. A group of more than
/// kLargestValidationArea pixels is cut.
std::vector<ValidationArea> validation_areas(std::span<const LabelledScene> scenes);

}  // namespace plat
