// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/instance_thresholds.hpp"
#include "model/nn/sam.hpp"
#include "postprocess/stitcher.hpp"
#include "training/data/validation_areas.hpp"
#include "training/learn/instance_tuning.hpp"
#include "training/train_options.hpp"

#include <cstdint>
#include <vector>

namespace plat::nn {

/// How pixels become what the network takes and its maps become objects.
struct ValidationOptions {
  at::Tensor mean;       ///< (1, 3, 1, 1), of pixels in 0..255
  at::Tensor deviation;  ///< the same
  int64_t tile_size = 512;
  int64_t overlap = 128;
  InstanceThresholds thresholds;
  int64_t min_object_px = 25;  ///< smaller objects, predicted or true, do not count (pixels of the model's resolution)
  int64_t tuning_pixels = 16'000'000;  ///< thresholds are chosen on areas of no more pixels in all, the first ones
};

/// The three maps of an area in [0, 1]: what extraction's tiles of the whole scene give there, mirrored, filled where data are
/// missing, and blended as there. Of a scene of which a part is held, what lies outside it counts as missing.
MapBlock predict_area(Sam& network, const ValidationArea& area, const ValidationOptions& options);
/// Measures a network (in eval mode) on areas, one after the other.
ValidationFigures validate(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options);
/// The thresholds with which a network (in eval mode) finds most objects on areas, from those of the options on.
TunedThresholds tune(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options);

}  // namespace plat::nn
