// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"
#include "training/data/training_data.hpp"
#include "training/memory_plan.hpp"
#include "training/samples/crop_sampler.hpp"
#include "training/samples/repeated_samples.hpp"
#include "training/train_options.hpp"

#include <c10/core/Device.h>

#include <memory>

namespace plat {

/// All that is decided and read before a run computes or writes anything.
struct TrainingPlan {
  TrainOptions options;  ///< with the values that depend on others filled in
  ModelFolder model;     ///< what the model folder that the run leaves will say
  at::Device device;
  TrainMemory memory;
  TrainingData data;
  RepeatedSamples views{0, 0};              ///< which crops repeat
  std::unique_ptr<CropSampler> replayed;    ///< null where nothing is replayed
  std::unique_ptr<CropSampler> unlabelled;  ///< null where nothing is distilled on other scenes
};

/// Plans a run, says what will learn and what it takes, refuses what does not fit, and only then reads the data. The options are
/// resolved(). Throws UsageError, IoError, DataError, ModelError.
TrainingPlan plan_training(TrainOptions options);

/// Tells whoever asked which phase of a run begins.
void enter_phase(const TrainOptions& options, const char* name);

}  // namespace plat
