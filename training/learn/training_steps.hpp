// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/learn/validator.hpp"
#include "training/training_plan.hpp"

namespace plat::nn {

/// Lets a run learn, step by step, until its steps or minutes are done or validation gains nothing any more; validates, notes
/// the losses and saves its state on the way. `sampler` gives the crops. Throws Cancelled, ModelError, IoError.
void learn_steps(const TrainingPlan& plan, const CropSampler& sampler, RunFolder& folder, const Validator& validator,
                 int threads, TrainState& state);

/// Saves what a run needs to go on.
void save_run(const TrainOptions& options, const TrainState& state, RunFolder& folder);

}  // namespace plat::nn
