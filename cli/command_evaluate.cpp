// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/terminal_progress.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "evaluation/comparison_report.hpp"
#include "pipeline/evaluate.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace plat::cli {
namespace {

struct Arguments {
  std::string predicted;
  std::string truth;
  std::string bbox;
  std::string bbox_crs;
  EvaluateOptions options;
};

void run(Arguments& arguments, const Context& context) {
  EvaluateOptions& options = arguments.options;
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
  const Evaluation result = evaluate(arguments.predicted, arguments.truth, options);
  for (const std::string& warning : result.warnings) log_warning(warning);
  const std::string text = context.json ? comparison_json(result.comparison, result.options)
                                        : comparison_text(result.comparison, result.options);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_evaluate(CLI::App& program, Context& context) {
  CLI::App* command = add_command(program, context, "evaluate",
                                  "Rate a prediction against the truth: pixel IoU, and objects by SpaceNet's F1");
  auto arguments = std::make_shared<Arguments>();
  EvaluateOptions& options = arguments->options;
  CompareOptions& compare = options.compare;
  command->add_option("PREDICTED", arguments->predicted, "Vector layer, mask or label raster, in any CRS")->required();
  command->add_option("TRUTH", arguments->truth, "What is true: vector layer, mask or label raster")->required();
  command->add_option("-o,--output", options.matches,
                      "Vector file for every object as tp, fp or fn, to look at errors");
  command->add_option("--iou", compare.iou, "A predicted object is right above this IoU")->capture_default_str();
  command->add_option("--min-area", compare.min_area_m2, "Leave out smaller objects on both sides, in m2")
      ->capture_default_str();
  command->add_option("--gsd", options.gsd_m, "Pixel size of the pixel rates in metres")
      ->default_str("the scene's or raster's, else 0.5");
  command->add_option("--scene", options.scene, "Raster whose rectangle is where the truth is known");
  command->add_option("--area", options.area, "Vector file of where the truth is known");
  command->add_option("--bbox", arguments->bbox, "Where the truth is known: xmin,ymin,xmax,ymax");
  command->add_option("--bbox-crs", arguments->bbox_crs, "CRS of --bbox, as EPSG:4326")->default_str("the truth's");
  command->add_option("--score", compare.score, "Attribute by which predicted objects choose first")
      ->default_str("none: file order");
  command->add_option("--layer", options.predicted_layer, "Layer of PREDICTED")->default_str("the only one");
  command->add_option("--truth-layer", options.truth_layer, "Layer of TRUTH")->default_str("the only one");
  command->add_option("--area-layer", options.area_layer, "Layer of --area")->default_str("the only one");
  command->add_option("--value", options.value, "Rasters: the pixel value that is the class");
  command->add_option("--block", compare.block_m, "Side in metres of the blocks that are drawn for the intervals")
      ->capture_default_str();
  command->add_option("--rounds", compare.rounds, "Draws for the 95 % intervals; 0 for none")->capture_default_str();
  command->add_option("--seed", compare.seed, "Of these draws")->capture_default_str();
  command->add_flag("--overwrite", options.overwrite, "Replace an output that exists");
  command->add_flag("--json", context.json, "Summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
