// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "training/data/labelled_scene.hpp"
#include "training/data/scene_loader.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// Images without any object, all of whose pixels with data are background for training, never for validation.
struct NegativeOptions {
  std::vector<std::string> paths;  ///< rasters, or folders of them
  double share = 0.1;              ///< of the crops that show them, in [0, 0.9]; among them their areas decide
  /// Throws UsageError naming the option.
  void validate() const;
};

/// Largest side of what is held of such an image, in pixels: the middle of it.
inline constexpr int64_t kLargestNegative = 4096;

/// An image without objects as its header tells it.
struct PlannedNegative {
  std::string image;
  SceneFrame frame;
  Window part;  ///< of the frame, that is held
  /// Whether crops take its pixels for those of the model: it is coarser than twice the model, and would be a blur without any
  /// texture at the model's resolution.
  bool pixel_by_pixel = false;
};

/// Opens the images. Throws IoError, DataError where there is none, UsageError.
std::vector<PlannedNegative> plan_negatives(const NegativeOptions& negatives, const SceneOptions& options);

/// Takes ground that scenes with labels show out of one that has none, so that they alone teach it, or nothing does. Returns how many
/// pixels are left for training.
int64_t hide_ground_of(LabelledScene& negative, const std::vector<LabelledScene>& scenes);

/// Reads one, as a scene whose gsd_m is what crops take it for. Throws IoError, DataError.
LabelledScene load_negative(const PlannedNegative& planned, double gsd_m);

}  // namespace plat
