// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "training/data/image_rules.hpp"
#include "training/data/labelled_scene.hpp"
#include "training/data/scene_loader.hpp"
#include "training/labels/labels_on_scene.hpp"

#include <string>

namespace plat {

/// A scene whose labels are known and whose pixels are not.
struct PlannedScene {
  std::string name;
  SceneFrame frame;
  PlacedLabels labels;  ///< in pixels of `part`
  ImageRule rule;
  Window part = {};  ///< of the frame, that is held

  /// Holds of the scene the part that its labels cover, with so many pixels around it, and moves the labels there, which are in
  /// pixels of the frame.
  void hold_labelled(double context);
  /// How many pixels of the model's resolution some pixels of the scene make.
  double model_pixels(double pixels) const;
};

/// Reads what is held of a scene; pixels are for training where labels tell what lies there. Throws IoError, DataError.
LabelledScene load_planned(PlannedScene planned);

}  // namespace plat
