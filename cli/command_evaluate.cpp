// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/terminal_progress.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "evaluation/comparison_report.hpp"
#include "pipeline/evaluation/evaluate.hpp"
#include "pipeline/evaluation/evaluate_changes.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace plat::cli {
namespace {

enum class Task { Objects, Change };

struct Arguments {
  std::string predicted;
  std::string truth;
  std::string bbox;
  std::string bbox_crs;
  std::string kinds;
  Task task = Task::Objects;
  EvaluateChangesOptions changes;  ///< what both tasks have is in its `evaluate`
};

void print(const std::vector<std::string>& warnings, const std::string& text) {
  for (const std::string& warning : warnings) log_warning(warning);
  std::fputs(text.c_str(), stdout);
}

void run_changes(const Arguments& arguments, const Context& context) {
  EvaluateChangesOptions options = arguments.changes;
  if (!arguments.kinds.empty()) {
    options.kinds.clear();
    for (const std::string& kind : split(arguments.kinds, ',')) options.kinds.push_back(trim(kind));
  }
  const ChangesEvaluation result = evaluate_changes(arguments.predicted, arguments.truth, options);
  print(result.warnings, context.json ? changes_json(result.comparison, result.options)
                                      : changes_text(result.comparison, result.options));
}

void run_objects(const Arguments& arguments, const Context& context) {
  const EvaluateChangesOptions& changes = arguments.changes;
  if (changes.threshold || changes.step || !arguments.kinds.empty() || !changes.truth_before.empty() ||
      !changes.truth_after.empty()) {
    throw UsageError("--threshold, --step, --change-kinds, --truth-before and --truth-after need --task change.");
  }
  if (arguments.truth.empty()) throw UsageError("TRUTH is missing: the file of what is true.");
  const Evaluation result = evaluate(arguments.predicted, arguments.truth, changes.evaluate);
  print(result.warnings, context.json ? comparison_json(result.comparison, result.options)
                                      : comparison_text(result.comparison, result.options));
}

void run(Arguments& arguments, const Context& context) {
  EvaluateOptions& options = arguments.changes.evaluate;
  options.also_read = {context.config};
  if (!arguments.bbox.empty()) {
    const std::vector<double> box = parse_numbers(arguments.bbox, "--bbox");
    if (box.size() != 4 || !(box[0] < box[2] && box[1] < box[3])) {
      throw UsageError("--bbox: write four numbers, xmin,ymin,xmax,ymax, with xmin < xmax and ymin < ymax.");
    }
    options.bbox = Bounds{box[0], box[1], box[2], box[3]};
  }
  if (!arguments.bbox_crs.empty()) {
    if (!options.bbox) throw UsageError("--bbox-crs: means nothing without --bbox.");
    options.bbox_crs = Crs::from_text(arguments.bbox_crs);
  }
  options.progress = terminal_progress("evaluate", context.quiet);
  if (arguments.task == Task::Change) return run_changes(arguments, context);
  run_objects(arguments, context);
}

void add_change_options(CLI::App& command, Arguments& arguments) {
  EvaluateChangesOptions& options = arguments.changes;
  const char* group = "With --task change";
  command
      .add_option(
          "--change-kinds", arguments.kinds,
          "Kinds that count as change, of appeared, vanished, grown, shrunk, split, merged and redrawn. Their ground "
          "is the outline of what appeared or vanished; of the others what only one of the objects before_id and "
          "after_id covers, where the file has layers before and after, else the outline")
      ->default_str(join(options.kinds, ","))
      ->group(group);
  command
      .add_option("--truth-before", options.truth_before,
                  "In place of TRUTH: the true objects before, with --truth-after; what became of them is found")
      ->group(group);
  command
      .add_option(
          "--step", options.step,
          "PREDICTED is of a series of scenes: rate this step, from 1; of TRUTH, where that is a series, the same")
      ->group(group);
  command.add_option("--truth-after", options.truth_after, "The true objects after")->group(group);
  command
      .add_option(
          "--threshold", options.threshold,
          "PREDICTED is a raster of probabilities (0..1, or bytes of 0..250 with 255 for nodata): changed from this "
          "one")
      ->group(group);
}

}  // namespace

void add_evaluate(CLI::App& program, Context& context) {
  CLI::App* command = add_command(program, context, "evaluate",
                                  "Rate a prediction against the truth: pixel IoU, and objects by SpaceNet's F1");
  auto arguments = std::make_shared<Arguments>();
  EvaluateOptions& options = arguments->changes.evaluate;
  static const std::map<std::string, Task> kTasks{{"objects", Task::Objects}, {"change", Task::Change}};
  CompareOptions& compare = options.compare;
  command->add_option("PREDICTED", arguments->predicted, "Vector layer, mask or label raster, in any CRS")->required();
  command->add_option("TRUTH", arguments->truth, "What is true: vector layer, mask or label raster");
  command
      ->add_option("--task", arguments->task,
                   "objects: outlines of one date; change: what became of them, in layers with the attribute kind or "
                   "without, or in rasters")
      ->transform(CLI::CheckedTransformer(kTasks, CLI::ignore_case).description(""))
      ->default_str("objects");
  command->add_option("-o,--output", options.matches,
                      "Vector file for every object as tp, fp or fn, to look at errors");
  command->add_option("--iou", compare.iou, "A predicted object is right above this IoU")->capture_default_str();
  command->add_option("--min-area", compare.min_area_m2, "Leave out smaller objects on both sides, in m2")
      ->capture_default_str();
  command->add_option("--gsd", options.gsd_m, "Pixel size of the pixel rates in metres")
      ->default_str("the scene's or raster's, else 0.5");
  command->add_option("--scene", options.scene,
                      "Raster whose rectangle is where the truth is known; with --area only its pixel size counts");
  command->add_option("--area", options.area, "Vector file of where the truth is known");
  command->add_option("--bbox", arguments->bbox, "Where the truth is known: xmin,ymin,xmax,ymax");
  command->add_option("--bbox-crs", arguments->bbox_crs, "CRS of --bbox, as EPSG:4326")->default_str("the truth's");
  command->add_option("--score", compare.score, "Attribute by which predicted objects choose first")
      ->default_str("none: file order");
  command
      ->add_option("--layer", options.predicted_layer,
                   "Layer of PREDICTED; of several one named changes is chosen for that task")
      ->default_str("the only one");
  command->add_option("--truth-layer", options.truth_layer, "Layer of TRUTH")->default_str("the only one");
  command->add_option("--area-layer", options.area_layer, "Layer of --area")->default_str("the only one");
  command->add_option("--value", options.value, "Rasters: the pixel value that is the class");
  command->add_option("--block", compare.block_m, "Side in metres of the blocks that are drawn for the intervals")
      ->capture_default_str();
  command->add_option("--rounds", compare.rounds, "Draws for the 95 % intervals; 0 for none")->capture_default_str();
  command->add_option("--seed", compare.seed, "Of these draws")->capture_default_str();
  command->add_flag("--overwrite", options.overwrite, "Replace an output that exists");
  command->add_flag("--json", context.json, "Summary as JSON");
  add_change_options(*command, *arguments);
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
