// SPDX-License-Identifier: Apache-2.0
#include "training/train.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/thread_budget.hpp"
#include "model/model_folder.hpp"
#include "model/nn/weights.hpp"
#include "postprocess/instances.hpp"
#include "training/batch.hpp"
#include "training/drawn_scenes.hpp"
#include "training/instance_tuning.hpp"
#include "training/losses.hpp"
#include "training/replicas.hpp"
#include "training/run_folder.hpp"
#include "training/sample_queue.hpp"
#include "training/schedule.hpp"
#include "training/small_sam.hpp"
#include "training/train_state.hpp"
#include "training/validation.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/nn/utils/clip_grad.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

namespace plat {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The network to train and what the model folder will say about it.
ModelFolder describe_model(const TrainOptions& options) {
  ModelFolder model;
  if (!options.init.empty()) {
    model = read_model_folder(options.init);
  } else if (!options.architecture.empty()) {
    model.config = read_model_folder(options.architecture).config;
  } else {
    model.config = small_sam(1);
  }
  if (model.config.class_decoder.classes != 1) {
    throw ModelError((options.init.empty() ? options.architecture : options.init) +
                     ": training needs a network with one class, this one has " +
                     std::to_string(model.config.class_decoder.classes));
  }
  ModelDescription& about = model.description;
  about.name = options.model_name;
  about.architecture = model.config.is_tiny_vit() ? "sam-tinyvit" : "sam-vit";
  if (about.classes.size() != 1) {
    about.classes = {ClassDescription{options.class_name, {}}};
  }
  ClassDescription& about_class = about.classes.front();
  about_class.name = options.class_name;
  about_class.squared = options.squared.value_or(about_class.squared);
  if (options.min_area_m2) about_class.thresholds.min_area_m2 = *options.min_area_m2;
  if (options.close_gap_m) about_class.thresholds.close_gap_px = *options.close_gap_m / options.data.gsd_m;
  if (about_class.thresholds.close_gap_px > kWidestGapPixels)
    throw UsageError("--close-gaps must be at most 20 pixels of the model, " +
                     std::to_string(static_cast<int>(kWidestGapPixels * options.data.gsd_m)) + " m");
  about.gsd_m = options.data.gsd_m;
  about.tile_size = model.config.image_size();
  about.overlap = about.tile_size / 4;
  about.licence = options.licence;
  about.training_data.insert(about.training_data.end(), options.attribution.begin(), options.attribution.end());
  return model;
}

/// The options with the values that depend on others filled in.
TrainOptions resolved(TrainOptions options) {
  constexpr double kGsd = 0.3;
  constexpr double kFreshRate = 1.5e-3;
  constexpr double kFurtherRate = 3e-4;
  const double gsd_m = options.init.empty() ? kGsd : read_model_folder(options.init).description.gsd_m;
  options.data.gsd_m = options.gsd_m.value_or(gsd_m);
  if (!options.optimizer.learning_rate) {
    options.optimizer.learning_rate = options.init.empty() ? kFreshRate : kFurtherRate;
  }
  return options;
}

class Trainer {
 public:
  explicit Trainer(TrainOptions options)
      : options_(resolved(std::move(options))), folder_(options_.output), model_(describe_model(options_)) {}

  TrainSummary run() {
    TrainingData data = load_training_data(options_.data);
    for (const std::string& line : data.report) log_info(line);
    if (data.validation.empty())
      log_warning("no validation area: nothing will say how well the model does on unseen ground");
    if (data.validation.empty() && options_.tune_thresholds == "validation")
      throw UsageError("--tune-thresholds validation needs a validation area; keep one out, or choose training");
    if (options_.dry_run) return {};
    folder_.open(options_);
    std::string report;
    for (const std::string& line : data.report) report += line + "\n";
    write_text(folder_.data(), report);

    threads_ = ThreadBudget::make(options_.threads).total;
    // Parts of a batch run side by side, so each needs one thread only, and sums never depend on their number.
    at::set_num_threads(1);
    at::manual_seed(options_.seed);
    nn::TrainState state(model_.config, options_.optimizer);
    if (options_.init.empty()) {
      state.start_attention_from_position();
    } else {
      nn::load_weights(*state.network, options_.init + "/" + kWeightsFile);
      state.reset_average();
    }
    if (options_.resume) {
      nn::load_state(state, folder_.checkpoint());
      folder_.rewind_metrics(state.step);
      log_info("resuming after step " + std::to_string(state.step));
    }
    areas_ = std::move(data.validation);
    report_ = std::move(data.report);
    CropOptions crop = options_.crop;
    crop.gsd_m = options_.data.gsd_m;
    crop.prompts = options_.loss.prompt > 0 ? options_.loss.prompts_per_crop : 0;
    CropSampler sampler(std::move(data.scenes), crop, options_.seed);
    if (options_.drawn_share > 0) sampler.add_drawn(std::make_shared<DrawnScenes>(), options_.drawn_share);
    try {
      train(state, sampler);
      return finish(state, sampler.scenes());
    } catch (const Cancelled&) {
      nn::save_state(state, folder_.checkpoint());
      log_info("stopped after step " + std::to_string(state.step) + "; go on with --resume");
      throw;
    }
  }

 private:
  double done(const nn::TrainState& state) const {
    if (options_.steps) return static_cast<double>(state.step) / static_cast<double>(*options_.steps);
    return state.seconds / (*options_.minutes * 60);
  }

  void train(nn::TrainState& state, const CropSampler& sampler) {
    SampleQueue queue([&sampler](int64_t number) { return sampler.sample(number); }, state.step * options_.batch,
                      options_.workers, 3 * options_.batch);
    nn::Replicas replicas(state.network, options_.parts);
    auto last = Clock::now();
    while (done(state) < 1) {
      throw_if_cancelled();
      std::vector<Sample> samples;
      for (int64_t i = 0; i < options_.batch; ++i) samples.push_back(queue.take());
      step(state, replicas, samples);
      state.seconds += seconds_since(last);
      last = Clock::now();
      if (state.step % options_.validate_every == 0) validate(state);
      if (state.step % options_.save_every == 0) nn::save_state(state, folder_.checkpoint());
      state.seconds += seconds_since(last);
      last = Clock::now();
      plat::report(options_.progress, std::min(1.0, done(state)));
    }
    nn::save_state(state, folder_.checkpoint());
  }

  /// What one part of a batch costs.
  struct PartLoss {
    double total = 0;
    double extent = 0;
    double boundary = 0;
    double distance = 0;
    double prompt = 0;
  };

  void step(nn::TrainState& state, nn::Replicas& replicas, const std::vector<Sample>& samples) {
    const double rate = learning_rate(options_.optimizer, state.step, done(state));
    for (auto& group : state.optimizer->param_groups()) group.options().set_lr(rate);
    state.network->train();
    state.optimizer->zero_grad();
    std::vector<PartLoss> losses(static_cast<std::size_t>(replicas.parts()));
    const std::size_t size = samples.size() / losses.size();
    replicas.run(threads_, [&](nn::Sam& network, int part) {
      const std::span<const Sample> own(samples.data() + static_cast<std::size_t>(part) * size, size);
      losses[static_cast<std::size_t>(part)] =
          learn_part(network, nn::make_batch(own, model_.description), state.step, part);
    });
    torch::nn::utils::clip_grad_norm_(state.network->parameters(), options_.optimizer.clip_norm);
    state.optimizer->step();
    state.update_average(average_decay(options_.optimizer, state.step));
    ++state.step;
    PartLoss mean;
    const double share = 1 / static_cast<double>(losses.size());
    for (const PartLoss& loss : losses) {
      mean.total += share * loss.total;
      mean.extent += share * loss.extent;
      mean.boundary += share * loss.boundary;
      mean.distance += share * loss.distance;
      mean.prompt += share * loss.prompt;
    }
    record(state, mean, rate);
  }

  /// Leaves the gradients of a part of a batch in `network`.
  PartLoss learn_part(nn::Sam& network, const nn::Batch& batch, int64_t step, int part) const {
    // Every random number of this part comes from its own number, so that a resumed run draws the same ones.
    Random random(options_.seed, (uint64_t{1} << 40) + static_cast<uint64_t>(step * options_.parts + part));
    const nn::TokenOffset offset = random_offset(random);
    const nn::Encoded encoded = network->encode(batch.pixels);
    const nn::ClassMaps maps = network->forward_classes(encoded, offset);
    const nn::ClassLoss loss = nn::class_loss(at::cat({maps.extent, maps.boundary, maps.distance}, 1), maps.auxiliary,
                                              batch.maps, batch.counts, options_.loss);
    at::Tensor total = loss.total;
    PartLoss out;
    if (options_.loss.prompt > 0 && random.chance(options_.loss.prompt_share)) {
      const nn::PromptMasks masks = network->forward_prompts(encoded.embedding, batch.prompts, offset);
      const at::Tensor prompted = nn::prompt_loss(masks.logits, masks.iou, batch.prompt_masks, batch.prompt_known);
      total = total + options_.loss.prompt * prompted;
      out.prompt = prompted.item<double>();
    }
    total.backward();
    out.total = total.item<double>();
    out.extent = loss.extent.item<double>();
    out.boundary = loss.boundary.item<double>();
    out.distance = loss.distance.item<double>();
    return out;
  }

  /// Where a crop lies in the tile that positions are measured in.
  nn::TokenOffset random_offset(Random& random) const {
    const int64_t free = model_.config.is_tiny_vit() ? (model_.config.image_size() - options_.crop.size) / 16 : 0;
    if (free <= 0) return {};
    const int64_t row = random.integer(free + 1);
    return {row, random.integer(free + 1)};
  }

  void record(nn::TrainState& state, const PartLoss& loss, double rate) {
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
                                         {"prompt", loss.prompt}};
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

  nn::ValidationResult validate(nn::TrainState& state) {
    if (areas_.empty()) return {};
    const nn::ValidationResult result = nn::validate(state.average, areas_, validation_options());
    const nlohmann::ordered_json line = {{"step", state.step},
                                         {"seconds", std::round(state.seconds * 10) / 10},
                                         {"pixel_iou", result.pixel_iou},
                                         {"object_f1", result.object_f1},
                                         {"object_precision", result.object_precision},
                                         {"object_recall", result.object_recall},
                                         {"true_objects", result.true_objects}};
    folder_.add_metrics(line.dump());
    log_info("step " + std::to_string(state.step) + ", " + std::to_string(static_cast<int>(state.seconds / 60)) +
             " min: loss " + fixed(state.loss) + ", validation pixel IoU " + fixed(result.pixel_iou) + ", object F1 " +
             fixed(result.object_f1));
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
    constexpr int64_t kMostPixels = 16'000'000;  // half a gigabyte with its maps
    std::vector<ValidationArea> own;
    if (options_.tune_thresholds == "training") own = training_areas(scenes, options_.data.gsd_m, kMostPixels);
    const std::vector<ValidationArea>& areas = options_.tune_thresholds == "training" ? own : areas_;
    const nn::ValidationOptions settings = validation_options();
    std::vector<Image<float>> maps;
    for (const ValidationArea& area : areas) maps.push_back(nn::predict_area(state.average, area.pixels, settings));
    InstanceThresholds& thresholds = model_.description.classes.front().thresholds;
    const TunedThresholds tuned = tune_thresholds(thresholds, [&](const InstanceThresholds& tried) {
      ObjectCounts sum;
      for (std::size_t i = 0; i < areas.size(); ++i) {
        sum += count_objects(maps[i], areas[i], tried, settings.min_object_px);
      }
      return sum;
    });
    thresholds = tuned.thresholds;
    log_info("thresholds chosen on the " + options_.tune_thresholds + " area, object F1 there " +
             fixed(tuned.object_f1) + ": extent " + fixed(thresholds.extent) + ", boundary weight " +
             fixed(thresholds.boundary_weight) + ", smoothing " + fixed(thresholds.smoothing_px) +
             " px, seed contrast " + fixed(thresholds.seed_contrast) + ", least score " + fixed(thresholds.min_score));
  }

  TrainSummary finish(nn::TrainState& state, const std::vector<LabelledScene>& scenes) {
    if (options_.keep == "best" && std::filesystem::exists(folder_.best())) {
      // The last weights may be better still.
      validate(state);
      nn::load_weights(*state.average, folder_.best());
    }
    if (options_.tune_thresholds != "none") tune(state, scenes);
    TrainSummary summary;
    summary.steps = state.step;
    summary.seconds = state.seconds;
    summary.loss = state.loss;
    summary.model = folder_.model();
    if (!areas_.empty()) {
      const nn::ValidationResult result = validate(state);
      summary.pixel_iou = result.pixel_iou;
      summary.object_f1 = result.object_f1;
    }
    std::filesystem::create_directories(folder_.model());
    write_model_folder(model_, folder_.model());
    nn::save_weights(*state.average, folder_.model() + "/" + kWeightsFile,
                     options_.half_precision ? nn::WeightType::Float16 : nn::WeightType::Float32);
    write_text(folder_.model() + "/training.json", to_json(without_folders(options_)) + "\n");
    write_text(folder_.model() + "/README.md", model_card(model_, options_, summary, report_));
    return summary;
  }

  const TrainOptions options_;
  RunFolder folder_;
  ModelFolder model_;
  std::vector<ValidationArea> areas_;
  std::vector<std::string> report_;
  int threads_ = 1;
};

}  // namespace

TrainSummary train(const TrainOptions& options) {
  options.validate();
  try {
    return Trainer(options).run();
  } catch (const c10::Error& error) {
    throw ModelError(std::string("the network failed: ") + error.what_without_backtrace());
  }
}

}  // namespace plat
