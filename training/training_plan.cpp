// SPDX-License-Identifier: Apache-2.0
#include "training/training_plan.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "core/memory.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/scene_loader.hpp"
#include "training/data/training_data.hpp"
#include "training/forgetting/measure_forgetting.hpp"
#include "training/forgetting/rehearsal_data.hpp"
#include "training/learn/encoded_cache.hpp"
#include "training/learn/parameter_count.hpp"
#include "training/start_model.hpp"
#include "training/train_options.hpp"

#include <algorithm>
#include <utility>

namespace plat {
namespace {

/// Says what will learn and what the run takes, throws where that does not fit, and only then reads the pixels.
void load_data(TrainingPlan& plan) {
  const TrainOptions& options = plan.options;
  limit_gdal_cache(kSceneCacheBytes);
  const int64_t allowed = parse_memory(options.method.ram);
  TrainingDataLoader loader(with_room_for_tiles(options.data, plan.model.description));
  const ParameterCount count = count_parameters(plan.model.config, options.method);
  plan.memory = plan_memory(plan.model.config, options, count.all, count.learned, resident_memory() + kUntouchedBytes);
  plan.memory.data = loader.memory();
  plan.memory.rehearsal = rehearsal_bytes(options);
  if (options.tune_thresholds != "none") plan.memory.tuning = tuning_bytes(tuning_pixels(allowed));
  log_info("method " + options.method.method + ": " + describe(plan.memory));
  // What a graphics card holds its driver says soon enough.
  plan.device.is_cpu() ? require_memory(plan.memory, plan.model.config, options, allowed)
                       : require_data_memory(plan.memory.beside_card(), allowed);
  plan.data = loader.load();
}

/// Decides how many crops repeat, and says what the encoder's results of them take on disk.
void plan_views(TrainingPlan& plan) {
  const TrainOptions& options = plan.options;
  RepeatedSamples& views = plan.views;
  const MethodOptions& method = options.method;
  const int64_t areas = std::max<int64_t>(1, plan.data.training_pixels / (options.crop.size * options.crop.size));
  views = RepeatedSamples(method.view_count() * areas, options.seed);
  if (views.count() == 0) return;
  std::string text = std::to_string(views.count()) + " crops repeat: " + std::to_string(method.view_count()) +
                     " views of an area of " + std::to_string(areas) + " crops";
  if (method.frozen_encoder()) {
    const int64_t each = nn::encoded_bytes(plan.model.config, options.crop.size),
                  most = parse_memory(method.cache_size);
    if (each * views.count() > most) {
      throw UsageError("what the encoder makes of " + std::to_string(views.count()) + " crops takes " +
                       format_memory(each * views.count()) + ", more than --cache-size allows (" + format_memory(most) +
                       "); pass a larger one, or --views " + std::to_string(most / (each * areas)));
    }
    text += "; what the encoder makes of them takes up to " + format_memory(each * views.count()) + " on disk";
  }
  log_info(text);
}

/// Throws UsageError or DataError where a run could learn nothing from data, or has nothing to choose by; warns where nothing
/// is kept out for validation.
void require_trainable(const TrainingData& data, const TrainOptions& options) {
  if (data.validation.empty())
    log_warning("no validation area: nothing will say how well the model does on unseen ground");
  const bool chooses = options.tune_thresholds == "validation" || options.patience > 0 || options.keep == "best";
  if (data.validation_objects == 0 && chooses)
    throw UsageError(
        "--patience, --keep best and --tune-thresholds validation need objects in the validation area to choose by; "
        "keep ground with objects out (--val-fraction, --val-bbox, --leave-out), or leave them away");
  // Crops without any object teach a network to see none, whatever its loss says.
  if (!data.teaches && (options.drawn_share <= 0 || data.training_pixels == 0))
    throw DataError(
        "no object lies on a pixel for training: all are in the validation area, where the labels are unknown or "
        "where the imagery has no data; keep less out (--val-fraction, --val-bbox, --leave-out), or name data with "
        "objects "
        "elsewhere");
}

}  // namespace

void enter_phase(const TrainOptions& options, const char* name) {
  log_debug(std::string("phase: ") + name);
  if (options.on_phase) options.on_phase(name);
}

TrainingPlan plan_training(TrainOptions given) {
  TrainingPlan plan{.options = std::move(given),
                    .model = {},
                    .device = at::kCPU,
                    .memory = {},
                    .data = {},
                    .replayed = nullptr,
                    .unlabelled = nullptr};
  const TrainOptions& options = plan.options;
  plan.model = describe_model(options);
  plan.device = nn::training_device(options.method);
  enter_phase(options, "data");
  load_data(plan);
  for (const std::string& line : options.dry_run ? plan.data.report : plan.data.summary) log_info(line);
  require_trainable(plan.data, options);
  plan.replayed = replay_sampler(options);
  plan.unlabelled = distil_sampler(options);
  plan_views(plan);
  check_retained_data(options, plan.model.description.tile_size);
  return plan;
}

}  // namespace plat
