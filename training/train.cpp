// SPDX-License-Identifier: Apache-2.0
#include "training/train.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/thread_budget.hpp"
#include "model/nn/loaded_sam.hpp"
#include "training/data/drawn_scenes.hpp"
#include "training/forgetting/rehearsal_data.hpp"
#include "training/learn/training_steps.hpp"
#include "training/model_results.hpp"
#include "training/start_model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace plat {
namespace {

/// Random weights or those of the start, or where an earlier part of the run left them.
void start_or_resume(nn::TrainState& state, const TrainOptions& options, const RunFolder& folder) {
  nn::load_start(state, options);
  // A run that was stopped before its first checkpoint begins again.
  if (options.resume && folder.has_begun()) nn::load_state(state, folder.checkpoint());
}

TrainSummary train_in_phases(const TrainOptions& given) {
  RunFolder folder(given.output);
  TrainOptions resolved_options = resolved(given);
  if (!resolved_options.dry_run) folder.check(resolved_options);
  TrainingPlan plan = plan_training(std::move(resolved_options));
  const TrainOptions& options = plan.options;
  TrainSummary planned;
  planned.data = plan.data.json;
  if (options.dry_run) return planned;

  const int threads = ThreadBudget::make(options.threads).total;
  // Parts of a batch run side by side, so each needs one thread only, and sums never depend on their number.
  at::set_num_threads(1);
  at::manual_seed(options.seed);
  nn::TrainState state(plan.model.config, options.method, options.optimizer, plan.device);
  start_or_resume(state, options, folder);
  // All that can be refused has been read.
  folder.open(options);
  folder.write_data(plan.data);
  if (options.resume) {
    folder.rewind_metrics(state.step, state.validated);
    log_info("resuming after step " + std::to_string(state.step));
  }
  const nn::Validator validator(options, plan.model.description, folder, std::move(plan.data.validation));
  CropSampler sampler(std::move(plan.data.scenes), crop_options(options), options.seed);
  if (options.drawn_share > 0) sampler.add_drawn(std::make_shared<DrawnScenes>(), options.drawn_share);
  if (!plan.data.negatives.empty()) sampler.add_negatives(std::move(plan.data.negatives), options.data.negatives.share);
  const auto say_stopped = [&state] {
    log_info("stopped after step " + std::to_string(state.step) + "; go on with --resume");
  };
  try {
    nn::learn_steps(plan, sampler, folder, validator, threads, state);
  } catch (const Cancelled&) {
    // An earlier run gives way to one that has learned.
    if (state.step == 0 && folder.waits()) throw;
    nn::save_run(options, state, folder);
    say_stopped();
    throw;
  }
  nn::save_run(options, state, folder);
  // Stopped anywhere in what follows, a resumed run does it again from the same state.
  try {
    return nn::write_model(plan, sampler.scenes(), validator, folder, threads, state);
  } catch (const Cancelled&) {
    say_stopped();
    throw;
  }
}

}  // namespace

TrainSummary train(const TrainOptions& options) {
  options.validate();
  try {
    return nn::translated("the network failed", [&options] { return train_in_phases(options); });
  } catch (const std::filesystem::filesystem_error& error) {
    throw IoError(error.path1().string() + ": " + error.code().message());
  }
}

}  // namespace plat
