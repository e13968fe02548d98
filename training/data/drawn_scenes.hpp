// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/labelled_scene.hpp"

namespace plat {

/// Invented scenes in random styles, their roofs as objects (synthesis/scene.hpp).
class DrawnScenes : public SceneSource {
 public:
  LabelledScene scene(uint64_t seed, int64_t size, double gsd_m) const override;
};

}  // namespace plat
