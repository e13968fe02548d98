// SPDX-License-Identifier: Apache-2.0
#include "training/train.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/staged_path.hpp"
#include "core/thread_budget.hpp"
#include "geo/gdal_session.hpp"
#include "model/nn/loaded_sam.hpp"
#include "model/nn/weights.hpp"
#include "training/data/drawn_scenes.hpp"
#include "training/data/scene_loader.hpp"
#include "training/forgetting/measure_forgetting.hpp"
#include "training/forgetting/rehearsal_data.hpp"
#include "training/learn/encoded_cache.hpp"
#include "training/learn/instance_tuning.hpp"
#include "training/learn/learner.hpp"
#include "training/learn/parameter_count.hpp"
#include "training/learn/schedule.hpp"
#include "training/learn/train_state.hpp"
#include "training/learn/validation.hpp"
#include "training/memory_plan.hpp"
#include "training/run_folder.hpp"
#include "training/samples/repeated_samples.hpp"
#include "training/samples/sample_queue.hpp"
#include "training/start_model.hpp"
#include "training/trainable_data.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

namespace plat {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Trainer {
 public:
  explicit Trainer(TrainOptions options)
      : options_(resolved(std::move(options))),
        folder_(options_.output),
        model_(describe_model(options_)),
        device_(nn::training_device(options_.method)) {}

  TrainSummary run() {
    if (!options_.dry_run) folder_.check(options_);
    phase("data");
    TrainingData data = planned_data();
    for (const std::string& line : options_.dry_run ? data.report : data.summary) log_info(line);
    require_trainable(data, options_);
    replayed_ = replay_sampler(options_);
    unlabelled_ = distil_sampler(options_);
    plan_views(data.training_pixels);
    check_retained_data(options_, model_.description.tile_size);
    TrainSummary planned;
    planned.data = data.json;
    if (options_.dry_run) return planned;
    threads_ = ThreadBudget::make(options_.threads).total;
    // Parts of a batch run side by side, so each needs one thread only, and sums never depend on their number.
    at::set_num_threads(1);
    at::manual_seed(options_.seed);
    nn::TrainState state(model_.config, options_.method, options_.optimizer, device_);
    nn::load_start(state, options_);
    // A run that was stopped before its first checkpoint begins again.
    if (options_.resume && folder_.has_begun()) nn::load_state(state, folder_.checkpoint());
    // All that can be refused has been read.
    folder_.open(options_);
    folder_.write_data(data);
    kept_out_ = std::move(data.kept_out);
    if (options_.resume) {
      folder_.rewind_metrics(state.step, state.validated);
      log_info("resuming after step " + std::to_string(state.step));
    }
    areas_ = std::move(data.validation);
    report_ = std::move(data.summary);
    CropSampler sampler(std::move(data.scenes), crop_options(options_), options_.seed);
    if (options_.drawn_share > 0) sampler.add_drawn(std::make_shared<DrawnScenes>(), options_.drawn_share);
    const auto say_stopped = [&state] {
      log_info("stopped after step " + std::to_string(state.step) + "; go on with --resume");
    };
    try {
      train(state, sampler);
    } catch (const Cancelled&) {
      // An earlier run gives way to one that has learned.
      if (state.step == 0 && folder_.waits()) throw;
      save(state);
      say_stopped();
      throw;
    }
    save(state);
    // Finishing changes the state, which is saved no more: stopped anywhere in it, a resumed run finishes from the same state.
    try {
      return finish(state, sampler.scenes());
    } catch (const Cancelled&) {
      say_stopped();
      throw;
    }
  }

 private:
  void phase(const char* name) const {
    log_debug(std::string("phase: ") + name);
    if (options_.on_phase) options_.on_phase(name);
  }

  void save(const nn::TrainState& state) {
    phase("saving");
    nn::save_state(state, folder_.checkpoint());
    folder_.replace_earlier();
  }

  /// Says what will learn and what the run takes, throws where that does not fit, and only then reads the pixels.
  TrainingData planned_data() {
    limit_gdal_cache(kSceneCacheBytes);
    const int64_t allowed = parse_memory(options_.method.ram);
    TrainingDataLoader loader(options_.data);
    const ParameterCount count = count_parameters(model_.config, options_.method);
    plan_ = plan_memory(model_.config, options_, count.all, count.learned, resident_memory() + kUntouchedBytes);
    plan_.data = loader.memory();
    plan_.rehearsal = rehearsal_bytes(options_);
    if (options_.tune_thresholds == "training") plan_.tuning = tuning_bytes(tuning_pixels(allowed));
    log_info("method " + options_.method.method + ": " + describe(plan_));
    // What a graphics card holds its driver says soon enough.
    const TrainMemory here = device_.is_cpu() ? plan_ : plan_.beside_card();
    device_.is_cpu() ? require_memory(here, model_.config, options_, allowed) : require_data_memory(here, allowed);
    return loader.load(here.validation_room(allowed));
  }

  /// Decides how many crops repeat, and says what the encoder's results of them take on disk.
  void plan_views(int64_t training_pixels) {
    const MethodOptions& method = options_.method;
    const int64_t areas = std::max<int64_t>(1, training_pixels / (options_.crop.size * options_.crop.size));
    views_ = RepeatedSamples(method.view_count() * areas, options_.seed);
    if (views_.count() == 0) return;
    std::string text = std::to_string(views_.count()) + " crops repeat: " + std::to_string(method.view_count()) +
                       " views of an area of " + std::to_string(areas) + " crops";
    if (method.frozen_encoder()) {
      const int64_t each = nn::encoded_bytes(model_.config, options_.crop.size), most = parse_memory(method.cache_size);
      if (each * views_.count() > most) {
        throw UsageError("what the encoder makes of " + std::to_string(views_.count()) + " crops takes " +
                         format_memory(each * views_.count()) + ", more than --cache-size allows (" +
                         format_memory(most) + "); pass a larger one, or --views " +
                         std::to_string(most / (each * areas)));
      }
      text += "; what the encoder makes of them takes up to " + format_memory(each * views_.count()) + " on disk";
    }
    log_info(text);
  }

  double done(const nn::TrainState& state) const {
    if (options_.steps) return static_cast<double>(state.step) / static_cast<double>(*options_.steps);
    return state.seconds / (*options_.minutes * 60);
  }

  bool gave_up(const nn::TrainState& state) const { return options_.patience > 0 && state.stale >= options_.patience; }

  void train(nn::TrainState& state, const CropSampler& sampler) {
    nn::Learner learner(options_, model_.description, state, threads_);
    const int64_t count = learner.samples_per_step();
    const bool cached = options_.method.frozen_encoder() && views_.count() > 0;
    nn::EncodedCache cache(cache_folder(),
                           cached ? nn::encoder_key(options_.init, options_.method.precision, device_) : "");
    if (cached) learner.use_cache(&cache);
    const auto make = [&](int64_t number) {
      const int64_t view = views_.sample(number);
      Random random(options_.seed, (uint64_t{1} << 43) + static_cast<uint64_t>(view));
      const bool replay = replayed_ && random.chance(options_.forgetting.replay_share);
      return (replay ? *replayed_ : sampler).sample(view);
    };
    SampleQueue queue(make, state.step * count, options_.workers, 3 * options_.batch);
    std::optional<SampleQueue> others;
    const int64_t other_count = learner.unlabelled_per_step();
    if (unlabelled_) {
      others.emplace([&](int64_t number) { return unlabelled_->sample(number); }, state.step * other_count, 1,
                     2 * other_count);
    }
    phase("steps");
    auto last = Clock::now();
    // The run may have been stopped in the middle of a validation.
    validate_if_due(state);
    while (done(state) < 1 && !gave_up(state)) {
      throw_if_cancelled();
      std::vector<Sample> samples;
      for (int64_t i = 0; i < count; ++i) samples.push_back(queue.take());
      std::vector<Sample> crops;
      for (int64_t i = 0; i < other_count; ++i) crops.push_back(others->take());
      const double rate = learning_rate(options_.optimizer, state.step, done(state));
      record(state, learner.step(samples, crops, rate), rate);
      state.seconds += seconds_since(last);
      last = Clock::now();
      validate_if_due(state);
      // The first step shows that the run can learn.
      if (state.step % options_.save_every == 0 || state.step == 1) {
        save(state);
        cache.move_to(cache_folder());
      }
      state.seconds += seconds_since(last);
      last = Clock::now();
      plat::report(options_.progress, std::min(1.0, done(state)));
    }
    if (gave_up(state)) {
      log_info("no validation was better for " + std::to_string(state.stale) + " times: the run ends after step " +
               std::to_string(state.step));
    }
    if (cache.found() + cache.made() > 0) {
      log_info("the encoder ran for " + std::to_string(cache.made()) + " crops; " + std::to_string(cache.found()) +
               " times its results were on disk");
    }
  }

  std::string cache_folder() const {
    return options_.method.cache.empty() ? folder_.embeddings() : options_.method.cache;
  }

  void record(nn::TrainState& state, const nn::StepLoss& loss, double rate) {
    if (!std::isfinite(loss.total)) {
      throw ModelError("the loss is no number after step " + std::to_string(state.step) +
                       ": train with a lower --learning-rate");
    }
    // The running mean of the last fifty steps or so, unbiased at the start.
    const double fresh = std::max(0.02, 1.0 / static_cast<double>(state.step));
    state.loss += (loss.total - state.loss) * fresh;
    if (state.step % options_.log_every != 0) return;
    const nlohmann::ordered_json line = {{"step", state.step},        {"seconds", std::round(state.seconds * 10) / 10},
                                         {"learning_rate", rate},     {"loss", loss.total},
                                         {"smooth_loss", state.loss}, {"extent", loss.extent},
                                         {"boundary", loss.boundary}, {"distance", loss.distance},
                                         {"prompt", loss.prompt},     {"distil", loss.distil}};
    folder_.add_metrics(line.dump());
    log_debug(line.dump());
  }

  nn::ValidationOptions validation_options() const {
    nn::ValidationOptions settings;
    settings.mean = nn::band_tensor(model_.description.mean);
    settings.deviation = nn::band_tensor(model_.description.deviation);
    settings.tile_size = model_.description.tile_size;
    settings.overlap = model_.description.overlap;
    settings.thresholds = model_.description.classes.front().thresholds;
    return settings;
  }

  void validate_if_due(nn::TrainState& state) {
    if (state.step == state.validated || state.step % options_.validate_every != 0) return;
    validate(state, true);
    state.validated = state.step;
  }

  /// Measures the average; `keep`: as the best weights where they are.
  ValidationFigures validate(nn::TrainState& state, bool keep) {
    if (areas_.empty()) return {};
    phase("validation");
    const ValidationFigures result = nn::validate(state.average, areas_, validation_options());
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
      nn::save_weights(*state.average, folder_.best());
    }
    return result;
  }

  static std::string fixed(double value) {
    std::string text = std::to_string(value);
    return text.substr(0, text.find('.') + 4);
  }

  /// Chooses how the model's objects are told apart.
  void tune(nn::TrainState& state, const std::vector<LabelledScene>& scenes) {
    const int64_t most_pixels = tuning_pixels(parse_memory(options_.method.ram));
    std::vector<ValidationArea> own;
    if (options_.tune_thresholds == "training") own = training_areas(scenes, options_.data.gsd_m, most_pixels);
    const std::vector<ValidationArea>& areas = options_.tune_thresholds == "training" ? own : areas_;
    const TunedThresholds tuned = nn::tune(state.average, areas, validation_options());
    const InstanceThresholds& thresholds = model_.description.classes.front().thresholds = tuned.thresholds;
    log_info("thresholds chosen on the " + options_.tune_thresholds + " area, object F1 there " +
             fixed(tuned.object_f1) + ": extent " + fixed(thresholds.extent) + ", boundary weight " +
             fixed(thresholds.boundary_weight) + ", smoothing " + fixed(thresholds.smoothing_px) +
             " px, seed contrast " + fixed(thresholds.seed_contrast) + ", least score " + fixed(thresholds.min_score));
  }

  /// Puts the figures that users get themselves in the place of validation's. A run is not lost for want of them.
  void measure(const std::string& model, const nn::TrainState& state, TrainSummary& summary) {
    if (!options_.measure || kept_out_.empty()) return;
    phase("measuring");
    try {
      const ValidationFigures found = options_.measure(model, kept_out_files(kept_out_, folder_.validation()));
      folder_.add_figures(state.step, state.seconds, found, true);
      summary.pixel_iou = found.pixel_iou;
      summary.object_f1 = found.object_f1;
      summary.by_extraction = true;
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& error) {
      log_warning(std::string("the figures are those of validation, as extraction failed: ") + error.what());
    }
  }

  TrainSummary finish(nn::TrainState& state, const std::vector<LabelledScene>& scenes) {
    const bool mixed = options_.forgetting.wise < 1;
    if (options_.keep == "best" && std::filesystem::exists(folder_.best())) {
      // The last weights may be better still.
      validate(state, true);
      nn::load_weights(*state.average, folder_.best());
    }
    if (mixed) {
      phase("mixing");
      nn::mix_with_base(state, options_.forgetting.wise);
    }
    if (options_.tune_thresholds != "none") {
      phase("tuning");
      tune(state, scenes);
    }
    TrainSummary summary;
    summary.steps = state.step;
    summary.seconds = state.seconds;
    summary.loss = state.loss;
    summary.model = folder_.model();
    if (!options_.method.is_full()) summary.adapter = folder_.adapter();
    summary.parameters = plan_.parameters;
    summary.learned = plan_.learned;
    summary.estimated_bytes = plan_.total();
    if (!areas_.empty()) {
      const ValidationFigures result = validate(state, !mixed);
      summary.pixel_iou = result.pixel_iou;
      summary.object_f1 = result.object_f1;
    }
    for (nn::Sam* network : {&state.network, &state.average}) (*network)->to(at::kCPU);
    // Both folders get their names once whole.
    phase("writing");
    StagedPath whole(folder_.model(), StagedPath::Kind::Folder);
    std::optional<StagedPath> adapter;
    if (!options_.method.is_full()) adapter.emplace(folder_.adapter(), StagedPath::Kind::Folder);
    nn::write_results(state, model_, options_, whole.path(), adapter ? adapter->path() : "");
    write_whole_file(whole.path() + "/training.json", to_json(without_folders(options_)) + "\n");
    measure(whole.path(), state, summary);
    if (measures_forgetting(options_)) {
      phase("forgetting");
      summary.forgetting = measure_forgetting(options_, whole.path(), threads_);
      for (const std::string& line : lines_of(*summary.forgetting)) log_info(line);
    }
    phase("writing");
    const std::string card = model_card(model_, options_, summary, report_);
    write_whole_file(whole.path() + "/README.md", card);
    if (adapter) {
      write_whole_file(adapter->path() + "/README.md", card);
      adapter->commit();
      phase("writing");
    }
    whole.commit();
    phase("writing");
    folder_.write_report(summary);
    return summary;
  }

  const TrainOptions options_;
  RunFolder folder_;
  ModelFolder model_;
  at::Device device_;
  TrainMemory plan_;
  RepeatedSamples views_{0, 0};
  std::vector<ValidationArea> areas_;
  std::vector<KeptOutGround> kept_out_;
  std::vector<std::string> report_;
  std::unique_ptr<CropSampler> replayed_;
  std::unique_ptr<CropSampler> unlabelled_;
  int threads_ = 1;
};

}  // namespace

TrainSummary train(const TrainOptions& options) {
  options.validate();
  try {
    return nn::translated("the network failed", [&options] { return Trainer(options).run(); });
  } catch (const std::filesystem::filesystem_error& error) {
    throw IoError(error.path1().string() + ": " + error.code().message());
  }
}

}  // namespace plat
