// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/geometry.hpp"
#include "training/data/scene_loader.hpp"
#include "training/labels/class_choice.hpp"
#include "training/labels/label_set.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plat {

/// How labels fared on their way onto a scene.
struct LabelCounts {
  int64_t outside = 0;      ///< of labels made for the image, objects that lie outside it
  int64_t repaired = 0;     ///< invalid outlines that were made valid
  int64_t lost = 0;         ///< invalid outlines without any area
  int64_t duplicates = 0;   ///< objects that are there twice; once is enough
  int64_t overlapping = 0;  ///< objects of which a tenth or more belongs to another, too
  int64_t tiny = 0;         ///< objects smaller than four pixels of the model
  int64_t frames = 0;       ///< objects that cover nearly the whole image beside others: rather its frame

  void add(const LabelCounts& other);
};

/// The labels of a scene in its pixels, one polygon an object.
struct PlacedLabels {
  std::vector<MultiPolygon> objects;
  std::vector<MultiPolygon> unknown;  ///< areas that are not to be used
  Window covered;                     ///< where labels were drawn
  LabelCounts counts;
};

/// Carries labels onto a scene, mends what can be mended, and counts what is wrong. `own` labels were made for this image
/// and cover all of it. Throws DataError where they cannot be placed at all: pixels on an image of another size, or a CRS
/// missing on one side.
PlacedLabels place_labels(const std::vector<std::shared_ptr<const LabelSet>>& labels, const ClassChoice& choice,
                          const SceneFrame& scene, bool own, double gsd_m);

}  // namespace plat
