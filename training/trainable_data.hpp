// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/training_data.hpp"
#include "training/train_options.hpp"

namespace plat {

/// Throws UsageError or DataError where a run could learn nothing from data, or has nothing to choose by; warns where nothing
/// is kept out for validation.
void require_trainable(const TrainingData& data, const TrainOptions& options);

}  // namespace plat
