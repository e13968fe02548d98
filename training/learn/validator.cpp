// SPDX-License-Identifier: Apache-2.0
#include "training/learn/validator.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "model/nn/weights.hpp"
#include "training/learn/instance_tuning.hpp"
#include "training/memory_plan.hpp"
#include "training/samples/batch.hpp"
#include "training/training_plan.hpp"

#include <algorithm>
#include <string>

namespace plat::nn {
namespace {

std::string fixed(double value) {
  std::string text = std::to_string(value);
  return text.substr(0, text.find('.') + 4);
}

}  // namespace

ValidationOptions Validator::settings() const {
  ValidationOptions settings;
  settings.mean = band_tensor(model_.mean);
  settings.deviation = band_tensor(model_.deviation);
  settings.tile_size = model_.tile_size;
  settings.overlap = model_.overlap;
  settings.thresholds = model_.classes.front().thresholds;
  settings.tuning_pixels = tuning_pixels(parse_memory(options_.method.ram));
  return settings;
}

void Validator::validate_if_due(TrainState& state) const {
  if (state.step == state.validated || state.step % options_.validate_every != 0) return;
  validate(state, true);
  state.validated = state.step;
}

ValidationFigures Validator::validate(TrainState& state, bool keep) const {
  if (areas_.empty()) return {};
  enter_phase(options_, "validation");
  const ValidationFigures result = nn::validate(state.average, areas_, settings());
  folder_.add_figures(state.step, state.seconds, result, false);
  log_info("step " + std::to_string(state.step) + ", " + std::to_string(static_cast<int>(state.seconds / 60)) +
           " min: loss " + fixed(state.loss) + ", validation pixel IoU " + fixed(result.pixel_iou) + ", object F1 " +
           fixed(result.object_f1));
  if (!keep) return result;
  const double score = result.object_f1 + result.pixel_iou;
  state.stale = score > state.best_score ? 0 : state.stale + 1;
  state.best_score = std::max(state.best_score, score);
  if (result.object_f1 > state.best_f1) {
    state.best_f1 = result.object_f1;
    save_weights(*state.average, folder_.best());
  }
  return result;
}

TunedThresholds Validator::tune(TrainState& state, const std::vector<LabelledScene>& scenes) const {
  const ValidationOptions how = settings();
  const bool own = options_.tune_thresholds == "training";
  const TunedThresholds tuned = nn::tune(state.average, own ? training_areas(scenes, how.tuning_pixels) : areas_, how);
  const InstanceThresholds& thresholds = tuned.thresholds;
  log_info("thresholds chosen on the " + options_.tune_thresholds + " area, object F1 there " + fixed(tuned.object_f1) +
           ": extent " + fixed(thresholds.extent) + ", boundary weight " + fixed(thresholds.boundary_weight) +
           ", smoothing " + fixed(thresholds.smoothing_px) + " px, seed contrast " + fixed(thresholds.seed_contrast) +
           ", least score " + fixed(thresholds.min_score));
  return tuned;
}

}  // namespace plat::nn
