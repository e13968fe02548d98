// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/samples/crop_sampler.hpp"
#include "training/train_options.hpp"

#include <cstdint>
#include <memory>

namespace plat {

/// Crops of the scenes that the base is distilled on, without labels and prompts; null where there are none.
std::unique_ptr<CropSampler> distil_sampler(const TrainOptions& options);
/// Labelled crops of the scenes that are replayed; null where there are none.
std::unique_ptr<CropSampler> replay_sampler(const TrainOptions& options);

/// What the scenes of both take in memory, with those on which forgetting is measured, told from their headers.
int64_t rehearsal_bytes(const TrainOptions& options);

/// How crops of a run are cut.
CropOptions crop_options(const TrainOptions& options);

}  // namespace plat
