// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace plat {

/// What two model folders were compared by.
struct ComparedPredictions {
  int64_t tile_size = 0;
  int64_t class_maps = 0;    ///< bands, each of a whole tile
  int64_t prompt_masks = 0;  ///< alternatives for a point and the mask of a box
};

/// Loads two model or adapter folders and runs both on the same drawn tile, on the CPU in float32: class maps, and masks of a
/// point and of a box. Throws ModelError where a text that a run depends on, or a single bit of a result, differs, or where
/// results are no numbers.
ComparedPredictions require_same_predictions(const std::string& before, const std::string& after);

}  // namespace plat
