// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/terminal_progress.hpp"
#include "cli/train_data_arguments.hpp"
#include "cli/train_method_arguments.hpp"
#include "core/memory.hpp"
#include "pipeline/evaluation/measure_model.hpp"
#include "training/train.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace plat::cli {
namespace {

void add_run_options(CLI::App& command, TrainOptions& options) {
  const std::string group = "Run";
  command.add_option("-o,--output", options.output, "Folder of the run; the model comes to lie in its model/")
      ->required()
      ->group(group);
  command.add_option("--steps", options.steps, "Length of the run in steps: the same options give the same model")
      ->group(group);
  command.add_option("--minutes", options.minutes, "Length of the run in minutes instead")->group(group);
  command.add_flag("--resume", options.resume, "Go on from the run's last checkpoint")->group(group);
  command.add_flag("--overwrite", options.overwrite, "Replace an existing run, once this one has done its first step")
      ->group(group);
  command.add_flag("--dry-run", options.dry_run, "Find, read and check the data, say what is used and how, and stop")
      ->group(group);
  command.add_option("--seed", options.seed, "Seed of all random numbers")->capture_default_str()->group(group);
  command.add_option("-j,--threads", options.threads, "Threads of the network; 0: all processors")
      ->capture_default_str()
      ->group(group);
  command.add_option("--workers", options.workers, "Threads that prepare crops")->capture_default_str()->group(group);
  command.add_option("--val-every", options.validate_every, "Steps between validations")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--patience", options.patience,
                  "End the run after so many validations in a row that are no better (sum of object F1 and pixel IoU); "
                  "0: never. "
                  "Goes well with --keep best")
      ->capture_default_str()
      ->group(group);
  command.add_option("--save-every", options.save_every, "Steps between checkpoints")
      ->capture_default_str()
      ->group(group);
  command.add_option("--log-every", options.log_every, "Steps between lines of metrics.jsonl")
      ->capture_default_str()
      ->group(group);
}

void add_model_options(CLI::App& command, TrainOptions& options, std::string& outlines) {
  const std::string group = "Model";
  command.add_option("--init", options.init, "Model folder to start from (default: random weights)")->group(group);
  command
      .add_option("--encoder", options.encoder,
                  "Model folder whose image encoder the network is built around and starts from, the rest from random "
                  "weights: of an EfficientNet-Lite (plat models import), or any SAM")
      ->group(group);
  command
      .add_option("--architecture", options.architecture,
                  "Model folder whose config.json names the network (default: a small SAM)")
      ->group(group);
  command.add_option("--name", options.model_name, "Name of the model")->capture_default_str()->group(group);
  command
      .add_option("--keep", options.keep, "Which weights become the model: last, or best by object F1 in validation")
      ->check(CLI::IsMember({"last", "best"}))
      ->capture_default_str()
      ->group(group);
  command.add_flag("!--full-precision", options.half_precision, "Store the weights as float32, not float16")
      ->group(group);
  command
      .add_option("--attribution", options.attribution, "Line for the model card: a data set, its owner and licence")
      ->group(group)
      ->take_all();
  command.add_option("--outlines", outlines, "How the model's outlines are made (default: as --init, else squared)")
      ->check(CLI::IsMember({"squared", "simplified"}))
      ->group(group);
  command
      .add_option("--close-gaps", options.close_gap_m,
                  "The model's objects no farther apart come to share a line, in metres (default: as --init, else 0)")
      ->group(group);
  command
      .add_option("--min-area", options.min_area_m2,
                  "Least area of the model's objects in square metres (default: as --init, else 4)")
      ->group(group);
  command
      .add_option("--tune-thresholds", options.tune_thresholds,
                  "Choose at the end how objects are told apart, by object F1 on the training or the validation area")
      ->check(CLI::IsMember({"none", "training", "validation"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--licence", options.licence, "Licence of the model")->capture_default_str()->group(group);
}

void add_recipe_options(CLI::App& command, TrainOptions& options) {
  const std::string group = "Recipe";
  command.add_option("--batch", options.batch, "Crops a step")->capture_default_str()->group(group);
  command.add_option("--parts", options.parts, "Pieces of a batch that are computed side by side, one thread each")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--crop", options.crop.size,
                  "Side of the crops in pixels of the model; with a ViT also that of the tiles")
      ->capture_default_str()
      ->group(group);
  command.add_option("--scale-min", options.crop.scale.first, "Smallest factor by which objects look larger")
      ->capture_default_str()
      ->group(group);
  command.add_option("--scale-max", options.crop.scale.second, "Largest such factor")
      ->capture_default_str()
      ->group(group);
  command.add_option("--grey", options.crop.colour.grey, "Chance that a crop becomes grey, as panchromatic imagery is")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--learning-rate", options.optimizer.learning_rate,
                  "Highest learning rate (default: 0.0015; 0.0003 with --init)")
      ->group(group);
  command
      .add_option("--encoder-rate", options.optimizer.encoder_rate,
                  "The image encoder's share of the learning rate (default: 0.3 with --encoder, else 1)")
      ->group(group);
  command.add_option("--weight-decay", options.optimizer.weight_decay, "Weight decay")
      ->capture_default_str()
      ->group(group);
  command.add_option("--warmup", options.optimizer.warmup_steps, "Steps until the highest learning rate")
      ->capture_default_str()
      ->group(group);
  command.add_option("--average", options.optimizer.average, "Decay of the moving average of the weights")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--boundary-width", options.crop.targets.boundary_width, "Half width of the boundary band in pixels")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--distance-clip", options.crop.targets.distance_clip,
                  "Distance in pixels at which the distance map reaches 1")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--neighbour-weight", options.crop.targets.neighbour_weight,
                  "How much pixels with two objects within 3 pixels count in the losses of extent and boundary: lines "
                  "that keep neighbours apart")
      ->capture_default_str()
      ->group(group);
  command.add_option("--extent-weight", options.loss.extent, "Weight of the extent's loss")
      ->capture_default_str()
      ->group(group);
  command.add_option("--boundary-weight", options.loss.boundary, "Weight of the boundary's loss")
      ->capture_default_str()
      ->group(group);
  command.add_option("--distance-weight", options.loss.distance, "Weight of the distance's loss")
      ->capture_default_str()
      ->group(group);
  command.add_option("--auxiliary-weight", options.loss.auxiliary, "Weight of the coarse maps' loss")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--prompt-weight", options.loss.prompt, "Weight of the loss of prompted masks; 0: none are trained")
      ->capture_default_str()
      ->group(group);
  command.add_option("--prompt-share", options.loss.prompt_share, "Share of the steps that train prompted masks")
      ->capture_default_str()
      ->group(group);
  command.add_option("--prompts", options.loss.prompts_per_crop, "Prompts a crop")->capture_default_str()->group(group);
}

/// Lets a run's last figures be those of extraction and evaluation.
void measure_by_extraction(TrainOptions& options) {
  MeasureOptions how;
  how.raster.bands = options.data.bands;
  how.raster.assign_crs = options.data.assign_crs;
  how.image_gsd_m = options.data.image_gsd_m;
  how.device = options.method.device;
  how.threads = options.threads;
  how.ram_bytes = parse_memory(options.method.ram);
  how.truth_layer = options.data.layer;
  options.measure = [how](const std::string& model, const std::vector<KeptOutFiles>& ground) {
    const MeasuredModel found = measure_model(model, ground, how);
    const Rates objects = found.objects.rates();
    return ValidationFigures{found.pixels.iou(), objects.f1, objects.precision, objects.recall, found.objects.truth()};
  };
}

void print(const TrainSummary& summary, bool json) {
  if (json) {
    nlohmann::ordered_json out = {
        {"model", summary.model}, {"steps", summary.steps}, {"seconds", summary.seconds}, {"loss", summary.loss}};
    if (!summary.adapter.empty()) out["adapter"] = summary.adapter;
    out["parameters"] = summary.parameters;
    out["learned_parameters"] = summary.learned;
    out["estimated_bytes"] = summary.estimated_bytes;
    out["peak_bytes"] = peak_resident_memory();
    if (summary.pixel_iou) out["pixel_iou"] = *summary.pixel_iou;
    if (summary.object_f1) out["object_f1"] = *summary.object_f1;
    if (summary.forgetting) out["forgetting"] = nlohmann::ordered_json::parse(to_json(*summary.forgetting));
    std::printf("%s\n", out.dump().c_str());
    return;
  }
  std::printf("%s: %lld steps in %.1f minutes, loss %.3f", summary.model.c_str(), static_cast<long long>(summary.steps),
              summary.seconds / 60, summary.loss);
  if (summary.pixel_iou)
    std::printf(", validation pixel IoU %.3f, object F1 %.3f", *summary.pixel_iou, *summary.object_f1);
  std::printf("\n");
}

}  // namespace

void add_train(CLI::App& program, Context& context) {
  auto options = std::make_shared<TrainOptions>();
  auto data = std::make_shared<TrainDataArguments>();
  auto method = std::make_shared<TrainMethodTexts>();
  auto outlines = std::make_shared<std::string>();
  CLI::App* command = add_command(program, context, "train", "Train a model on images and labels of their objects");
  add_train_data_arguments(*command, *options, *data);
  add_run_options(*command, *options);
  add_model_options(*command, *options, *outlines);
  add_method_options(*command, *options, *method);
  add_forgetting_options(*command, options->forgetting);
  add_recipe_options(*command, *options);
  command->add_flag("--json", context.json, "Print the summary as one JSON object");
  command->callback([options, data, method, outlines, &context] {
    context.action = [options, data, method, outlines, &context] {
      data->apply(*options);
      apply(*method, *options);
      if (!outlines->empty()) options->squared = *outlines == "squared";
      measure_by_extraction(*options);
      options->progress = terminal_progress("training", context.quiet);
      const TrainSummary summary = train(*options);
      if (!options->dry_run) print(summary, context.json);
      if (options->dry_run && context.json) std::printf("%s\n", summary.data.c_str());
    };
  });
}

}  // namespace plat::cli
