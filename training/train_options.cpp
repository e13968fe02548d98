// SPDX-License-Identifier: Apache-2.0
#include "training/train_options.hpp"

#include "core/error.hpp"
#include "core/thread_budget.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>

namespace plat {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::vector<PathValue>& values) {
  Json json = Json::array();
  for (const PathValue& value : values) json.push_back({{"path", value.path}, {"value", value.value}});
  return json;
}

Json json_of(const TrainingDataOptions& o) {
  Json json = {{"data", o.data},
               {"scenes", o.scenes},
               {"labels", o.labels},
               {"gsd_m", o.gsd_m},
               {"bands", o.bands},
               {"assign_crs", o.assign_crs.empty() ? "" : o.assign_crs.name()},
               {"labels_crs", o.labels_crs.empty() ? "" : o.labels_crs.name()},
               {"layer", o.layer},
               {"class_attribute", o.class_attribute},
               {"class_values", o.class_values},
               {"fix_shift", o.fix_shift}};
  json["leave_out"] = o.rules.leave_out;
  json["weights"] = json_of(o.rules.weights);
  json["label_margins"] = json_of(o.rules.label_margins);
  json["incomplete"] = o.rules.incomplete;
  json["negatives"] = o.negatives.paths;
  json["negatives_share"] = o.negatives.share;
  json["image_gsd_m"] = o.image_gsd_m ? Json(*o.image_gsd_m) : Json(nullptr);
  if (o.val_bbox) {
    json["val_bbox"] = {o.val_bbox->min_x, o.val_bbox->min_y, o.val_bbox->max_x, o.val_bbox->max_y};
    json["val_bbox_crs"] = o.val_bbox_crs.empty() ? "" : o.val_bbox_crs.name();
  } else {
    json["val_fraction"] = o.val_fraction;
    json["val_block_m"] = o.val_block_m;
  }
  return json;
}

Json json_of(const LightOptions& o) {
  return {{"haze", o.haze},
          {"haze_cover", o.haze_cover},
          {"sun", o.sun},
          {"log_sun", o.log_sun},
          {"shadow", o.shadow},
          {"shadow_depth", o.shadow_depth},
          {"shadow_edge", o.shadow_edge}};
}

Json json_of(const ColourOptions& o) {
  return {{"light", json_of(o.light)},
          {"permute", o.permute},
          {"mix", o.mix},
          {"grey", o.grey},
          {"infrared", o.infrared},
          {"infrared_gain", o.infrared_gain},
          {"saturate", o.saturate},
          {"saturation", o.saturation},
          {"coarsen", o.coarsen},
          {"coarseness", o.coarseness},
          {"blur", o.blur},
          {"blur_deviation", o.blur_deviation},
          {"sharpen", o.sharpen},
          {"sharpness", o.sharpness},
          {"stretch", o.stretch},
          {"stretch_percent", o.stretch_percent},
          {"log_gamma", o.log_gamma},
          {"log_contrast", o.log_contrast},
          {"brightness", o.brightness},
          {"log_balance", o.log_balance},
          {"noise", o.noise},
          {"noise_deviation", o.noise_deviation},
          {"jpeg", o.jpeg},
          {"jpeg_quality", o.jpeg_quality}};
}

Json json_of(const CropOptions& o) {
  return {{"size", o.size},
          {"scale", o.scale},
          {"rotate", o.rotate},
          {"stretch", o.stretch},
          {"log_aspect", o.log_aspect},
          {"least_train", o.least_train},
          {"colour", json_of(o.colour)},
          {"targets",
           {{"boundary_width", o.targets.boundary_width},
            {"distance_clip", o.targets.distance_clip},
            {"neighbour_weight", o.targets.neighbour_weight}}}};
}

Json json_of(const LossOptions& o) {
  return {{"extent", o.extent},
          {"boundary", o.boundary},
          {"distance", o.distance},
          {"auxiliary", o.auxiliary},
          {"boundary_positive", o.boundary_positive},
          {"prompt", o.prompt},
          {"prompts_per_crop", o.prompts_per_crop},
          {"prompt_share", o.prompt_share}};
}

Json json_of(const OptimizerOptions& o) {
  return {{"learning_rate", o.learning_rate.value_or(0)},
          {"encoder_rate", o.encoder_rate.value_or(1)},
          {"weight_decay", o.weight_decay},
          {"beta1", o.beta1},
          {"beta2", o.beta2},
          {"warmup_steps", o.warmup_steps},
          {"clip_norm", o.clip_norm},
          {"average", o.average}};
}

Json json_of(const MethodOptions& o) {
  return {{"method", o.method},
          {"decoder", o.decoder_part()},
          {"rank", o.rank},
          {"alpha", o.adapters().alpha},
          {"targets", o.targets},
          {"bottleneck", o.bottleneck},
          {"checkpointing", o.checkpointing},
          {"accumulate", o.accumulate},
          {"device", o.device},
          {"precision", o.precision},
          {"views", o.view_count()},
          {"cache", o.cache},
          {"cache_size", o.cache_size},
          {"ram", o.ram}};
}

Json json_of(const ForgettingOptions& o) {
  return {{"l2_sp", o.l2_sp},
          {"wise", o.wise},
          {"distil", o.distil},
          {"distil_data", o.distil_data},
          {"replay_scenes", o.replay_scenes},
          {"replay_labels", o.replay_labels},
          {"replay_share", o.replay_share},
          {"retain", o.retain},
          {"retain_objects", o.retain_objects}};
}

void require(bool holds, const std::string& message) {
  if (!holds) throw UsageError(message);
}

}  // namespace

void TrainOptions::validate() const {
  data.validate();
  crop.validate();
  method.validate();
  forgetting.validate();
  require(!gsd_m || (*gsd_m >= 1e-4 && *gsd_m <= 1e5), "--gsd must lie between 0.0001 and 100000 m");
  require(!output.empty(), "no output folder is given; name one with --output");
  require(drawn_share >= 0 && drawn_share <= 1, "--drawn must lie in [0, 1]");
  require(data.negatives.paths.empty() || drawn_share + data.negatives.share <= 1,
          "--drawn and --negatives-share must be 1 together at most");
  require(parts >= 1, "--parts must be at least 1");
  require(batch >= 1 && batch % parts == 0, "--batch must be a multiple of --parts, so that all parts weigh the same");
  require(steps.has_value() != minutes.has_value() || dry_run, "give either --steps or --minutes");
  require(!steps || *steps >= 1, "--steps must be at least 1");
  require(!minutes || *minutes > 0, "--minutes must be more than 0");
  require(validate_every >= 1 && save_every >= 1 && log_every >= 1, "intervals must be at least 1 step");
  require(patience >= 0, "--patience must be 0 or more validations");
  require(workers >= 1 && workers <= kMostThreads, "--workers must lie between 1 and " + std::to_string(kMostThreads));
  constexpr int64_t kMostAtOnce = 1 << 20;
  require(batch <= kMostAtOnce && loss.prompts_per_crop <= kMostAtOnce,
          "--batch and --prompts must be at most " + std::to_string(kMostAtOnce));
  require(keep == "last" || keep == "best", "--keep must be last or best");
  require(!class_name.empty(), "--class must not be empty");
  require(!close_gap_m || *close_gap_m >= 0, "--close-gaps must be 0 m or more");
  require(!min_area_m2 || *min_area_m2 >= 0, "--min-area must be 0 m2 or more");
  require(tune_thresholds == "none" || tune_thresholds == "training" || tune_thresholds == "validation",
          "--tune-thresholds must be none, training or validation");
  require(init.empty() || architecture.empty(), "give --init or --architecture, not both: a model brings its network");
  require(encoder.empty() || (init.empty() && architecture.empty()),
          "give --encoder, --init or --architecture alone: each says what the network is");
  require(method.is_full() || !init.empty(),
          "--method " + method.method + " changes a part of a model: name the model with --init");
  require(!init.empty() || !(forgetting.needs_base() || forgetting.replays()),
          "--l2-sp, --wise, --distil and --replay-scenes keep what a model can do: name the model with --init");
  require(!init.empty() || forgetting.retain.empty(),
          "--retain measures what a model forgets: name the model to start from with --init");
  require(!(resume && overwrite), "give --resume or --overwrite, not both");
  require(!optimizer.learning_rate || *optimizer.learning_rate > 0, "--learning-rate must be more than 0");
  require(!optimizer.encoder_rate || *optimizer.encoder_rate > 0, "--encoder-rate must be more than 0");
  require(optimizer.weight_decay >= 0, "--weight-decay must be at least 0");
  require(optimizer.average >= 0 && optimizer.average < 1, "--average must lie in [0, 1)");
  require(optimizer.clip_norm > 0, "the largest gradient norm must be more than 0");
  require(loss.extent >= 0 && loss.boundary >= 0 && loss.distance >= 0 && loss.auxiliary >= 0 && loss.prompt >= 0,
          "weights of losses must be at least 0");
  require(loss.prompt_share >= 0 && loss.prompt_share <= 1, "the share of batches with prompts must lie in [0, 1]");
  require(loss.prompts_per_crop >= 1, "at least one prompt a crop is needed; turn prompts off with --prompt-weight 0");
}

TrainOptions without_folders(TrainOptions options) {
  const auto strip = [](std::string& path) { path = std::filesystem::path(path).filename().string(); };
  std::for_each(options.data.data.begin(), options.data.data.end(), strip);
  std::for_each(options.data.scenes.begin(), options.data.scenes.end(), strip);
  std::for_each(options.data.labels.begin(), options.data.labels.end(), strip);
  std::for_each(options.data.rules.leave_out.begin(), options.data.rules.leave_out.end(), strip);
  std::for_each(options.data.negatives.paths.begin(), options.data.negatives.paths.end(), strip);
  std::for_each(options.data.rules.incomplete.begin(), options.data.rules.incomplete.end(), strip);
  for (auto* values : {&options.data.rules.weights, &options.data.rules.label_margins}) {
    for (PathValue& value : *values) strip(value.path);
  }
  ForgettingOptions& forgetting = options.forgetting;
  for (auto* paths :
       {&forgetting.distil_data, &forgetting.replay_scenes, &forgetting.replay_labels, &forgetting.retain})
    std::for_each(paths->begin(), paths->end(), strip);
  strip(options.init);
  strip(options.encoder);
  strip(options.architecture);
  strip(options.method.cache);
  return options;
}

std::string to_json(const TrainOptions& o) {
  Json json = {{"data", json_of(o.data)},
               {"crop", json_of(o.crop)},
               {"loss", json_of(o.loss)},
               {"optimizer", json_of(o.optimizer)},
               {"method", json_of(o.method)},
               {"forgetting", json_of(o.forgetting)},
               {"class_name", o.class_name},
               {"model_name", o.model_name},
               {"init", o.init},
               {"encoder", o.encoder},
               {"architecture", o.architecture},
               {"drawn_share", o.drawn_share},
               {"batch", o.batch},
               {"parts", o.parts}};
  json["steps"] = o.steps ? Json(*o.steps) : Json(nullptr);
  json["minutes"] = o.minutes ? Json(*o.minutes) : Json(nullptr);
  json["validate_every"] = o.validate_every;
  json["patience"] = o.patience;
  json["save_every"] = o.save_every;
  json["log_every"] = o.log_every;
  json["keep"] = o.keep;
  json["half_precision"] = o.half_precision;
  json["squared"] = o.squared ? Json(*o.squared) : Json(nullptr);
  json["close_gap_m"] = o.close_gap_m ? Json(*o.close_gap_m) : Json(nullptr);
  json["min_area_m2"] = o.min_area_m2 ? Json(*o.min_area_m2) : Json(nullptr);
  json["tune_thresholds"] = o.tune_thresholds;
  json["attribution"] = o.attribution;
  json["licence"] = o.licence;
  json["seed"] = o.seed;
  json["threads"] = o.threads;
  json["workers"] = o.workers;
  return json.dump(2);
}

}  // namespace plat
