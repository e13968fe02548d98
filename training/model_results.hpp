// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/learn/validator.hpp"
#include "training/training_plan.hpp"

#include <vector>

namespace plat::nn {

/// Ends a run: chooses weights and thresholds, writes the model folder and, where not everything learned, the adapter, measures the
/// model as its users will, and what it forgot. Changes the state, which is saved no more. The folders get their names once whole.
TrainSummary write_model(TrainingPlan& plan, const std::vector<LabelledScene>& scenes, const Validator& validator,
                         const RunFolder& folder, int threads, TrainState& state);

}  // namespace plat::nn
