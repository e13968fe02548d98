// SPDX-License-Identifier: Apache-2.0
#include "training/learn/training_steps.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/progress.hpp"
#include "training/learn/encoded_cache.hpp"
#include "training/learn/learner.hpp"
#include "training/learn/schedule.hpp"
#include "training/samples/sample_queue.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace plat::nn {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double done(const TrainOptions& options, const TrainState& state) {
  if (options.steps) return static_cast<double>(state.step) / static_cast<double>(*options.steps);
  return state.seconds / (*options.minutes * 60);
}

bool gave_up(const TrainOptions& options, const TrainState& state) {
  return options.patience > 0 && state.stale >= options.patience;
}

std::string cache_folder(const TrainOptions& options, const RunFolder& folder) {
  return options.method.cache.empty() ? folder.embeddings() : options.method.cache;
}

void record(const TrainOptions& options, const RunFolder& folder, TrainState& state, const StepLoss& loss,
            double rate) {
  if (!std::isfinite(loss.total)) {
    throw ModelError("the loss is no number after step " + std::to_string(state.step) +
                     ": train with a lower --learning-rate");
  }
  // The running mean of the last fifty steps or so, unbiased at the start.
  const double fresh = std::max(0.02, 1.0 / static_cast<double>(state.step));
  state.loss += (loss.total - state.loss) * fresh;
  if (state.step % options.log_every != 0) return;
  const nlohmann::ordered_json line = {{"step", state.step},        {"seconds", std::round(state.seconds * 10) / 10},
                                       {"learning_rate", rate},     {"loss", loss.total},
                                       {"smooth_loss", state.loss}, {"extent", loss.extent},
                                       {"boundary", loss.boundary}, {"distance", loss.distance},
                                       {"prompt", loss.prompt},     {"distil", loss.distil}};
  folder.add_metrics(line.dump());
  log_debug(line.dump());
}

}  // namespace

void save_run(const TrainOptions& options, const TrainState& state, RunFolder& folder) {
  enter_phase(options, "saving");
  save_state(state, folder.checkpoint());
  folder.replace_earlier();
}

void learn_steps(const TrainingPlan& plan, const CropSampler& sampler, RunFolder& folder, const Validator& validator,
                 int threads, TrainState& state) {
  const TrainOptions& options = plan.options;
  const RepeatedSamples& views = plan.views;
  Learner learner(options, plan.model.description, state, threads);
  const int64_t count = learner.samples_per_step();
  const bool cached = options.method.frozen_encoder() && views.count() > 0;
  EncodedCache cache(cache_folder(options, folder),
                     cached ? encoder_key(options.init, options.method.precision, plan.device) : "");
  if (cached) learner.use_cache(&cache);
  const auto make = [&](int64_t number) {
    const int64_t view = views.sample(number);
    Random random(options.seed, (uint64_t{1} << 43) + static_cast<uint64_t>(view));
    const bool replay = plan.replayed && random.chance(options.forgetting.replay_share);
    return (replay ? *plan.replayed : sampler).sample(view);
  };
  SampleQueue queue(make, state.step * count, options.workers, 3 * options.batch);
  std::optional<SampleQueue> others;
  const int64_t other_count = learner.unlabelled_per_step();
  if (plan.unlabelled) {
    others.emplace([&](int64_t number) { return plan.unlabelled->sample(number); }, state.step * other_count, 1,
                   2 * other_count);
  }
  enter_phase(options, "steps");
  auto last = Clock::now();
  // The run may have been stopped in the middle of a validation.
  validator.validate_if_due(state);
  while (done(options, state) < 1 && !gave_up(options, state)) {
    throw_if_cancelled();
    std::vector<Sample> samples;
    for (int64_t i = 0; i < count; ++i) samples.push_back(queue.take());
    std::vector<Sample> crops;
    for (int64_t i = 0; i < other_count; ++i) crops.push_back(others->take());
    const double rate = learning_rate(options.optimizer, state.step, done(options, state));
    record(options, folder, state, learner.step(samples, crops, rate), rate);
    state.seconds += seconds_since(last);
    last = Clock::now();
    validator.validate_if_due(state);
    // The first step shows that the run can learn.
    if (state.step % options.save_every == 0 || state.step == 1) {
      save_run(options, state, folder);
      cache.move_to(cache_folder(options, folder));
    }
    state.seconds += seconds_since(last);
    last = Clock::now();
    plat::report(options.progress, std::min(1.0, done(options, state)));
  }
  if (gave_up(options, state)) {
    log_info("no validation was better for " + std::to_string(state.stale) + " times: the run ends after step " +
             std::to_string(state.step));
  }
  if (cache.found() + cache.made() > 0) {
    log_info("the encoder ran for " + std::to_string(cache.made()) + " crops; " + std::to_string(cache.found()) +
             " times its results were on disk");
  }
}

}  // namespace plat::nn
