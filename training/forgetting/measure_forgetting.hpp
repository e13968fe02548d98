// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/forgetting/forgetting_report.hpp"
#include "training/train_options.hpp"

#include <string>

namespace plat {

/// Whether a run says what its model forgot.
bool measures_forgetting(const TrainOptions& options);
/// Throws, before any training, where the data to measure on cannot be used: IoError, DataError, ModelError.
void check_retained_data(const TrainOptions& options, int64_t tile_size);

/// Asks the model that a run began with and the one it wrote for the same objects by the same prompts (retained_objects.hpp):
/// its deepest pixel, three pixels inside, its box. A mask is taken by SAM's rule. `threads` tiles are computed side by side;
/// their number changes nothing. Each model sees tiles of its own size, and the ground that both see counts. Throws
/// ModelError, IoError, DataError, Cancelled.
ForgettingReport measure_forgetting(const TrainOptions& options, const std::string& model, int threads);

}  // namespace plat
