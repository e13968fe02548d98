// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/instance_thresholds.hpp"
#include "model/nn/sam.hpp"
#include "training/data/training_data.hpp"
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
};

/// The three maps of an area in [0, 1], from overlapping tiles blended as extraction does.
Image<float> predict_area(Sam& network, const Image<float>& pixels, const ValidationOptions& options);
/// Measures a network (in eval mode) on areas.
ValidationFigures validate(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options);
/// The thresholds with which a network (in eval mode) finds most objects on areas, from those of the options on.
TunedThresholds tune(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options);

}  // namespace plat::nn
