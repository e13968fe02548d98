// SPDX-License-Identifier: Apache-2.0
#include "training/trainable_data.hpp"

#include "core/error.hpp"
#include "core/log.hpp"

namespace plat {

void require_trainable(const TrainingData& data, const TrainOptions& options) {
  if (data.validation.empty())
    log_warning("no validation area: nothing will say how well the model does on unseen ground");
  const bool chooses = options.tune_thresholds == "validation" || options.patience > 0 || options.keep == "best";
  if (data.validation_objects == 0 && chooses)
    throw UsageError(
        "--patience, --keep best and --tune-thresholds validation need objects in the validation area to choose by; "
        "keep ground with objects out (--val-fraction, --val-bbox), or leave them away");
  // Crops without any object teach a network to see none, whatever its loss says.
  if (!data.teaches && (options.drawn_share <= 0 || data.training_pixels == 0))
    throw DataError(
        "no object lies on a pixel for training: all are in the validation area, where the labels are unknown or "
        "where the imagery has no data; keep less out (--val-fraction, --val-bbox), or name data with objects "
        "elsewhere");
}

}  // namespace plat
