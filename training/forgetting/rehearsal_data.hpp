// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/samples/crop_sampler.hpp"
#include "training/train_options.hpp"

#include <memory>

namespace plat {

/// Crops of the scenes that the base is distilled on, without labels and prompts; null where there are none.
std::unique_ptr<CropSampler> distil_sampler(const TrainOptions& options);
/// Labelled crops of the scenes that are replayed; null where there are none.
std::unique_ptr<CropSampler> replay_sampler(const TrainOptions& options);

/// How crops of a run are cut.
CropOptions crop_options(const TrainOptions& options);

}  // namespace plat
