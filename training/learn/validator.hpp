// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/data/training_data.hpp"
#include "training/learn/train_state.hpp"
#include "training/learn/validation.hpp"
#include "training/run_folder.hpp"
#include "training/train_options.hpp"

#include <vector>

namespace plat::nn {

/// Measures a run's average on the ground kept out, tells the figures, and keeps the best weights.
class Validator {
 public:
  /// All arguments but the areas must outlive this.
  Validator(const TrainOptions& options, const ModelDescription& model, const RunFolder& folder,
            std::vector<ValidationArea> areas)
      : options_(options), model_(model), folder_(folder), areas_(std::move(areas)) {}

  bool has_areas() const { return !areas_.empty(); }
  /// Measures after each validate_every steps.
  void validate_if_due(TrainState& state) const;
  /// Measures now; `keep`: as the best weights where they are. Nothing where there is no area.
  ValidationFigures validate(TrainState& state, bool keep) const;
  /// Chooses how the model's objects are told apart, on the area that the options name.
  TunedThresholds tune(TrainState& state, const std::vector<LabelledScene>& scenes) const;

 private:
  ValidationOptions settings() const;
  const TrainOptions& options_;
  const ModelDescription& model_;
  const RunFolder& folder_;
  std::vector<ValidationArea> areas_;
};

}  // namespace plat::nn
