// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/everything_arguments.hpp"
#include "cli/raster_arguments.hpp"
#include "cli/terminal_progress.hpp"
#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "model/files/adapter_folder.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/prompts/embedding_cache.hpp"
#include "pipeline/segment.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat::cli {
namespace {

const std::map<std::string, PolygonsAs> kPolygonsAs{
    {"box", PolygonsAs::Box}, {"mask", PolygonsAs::Mask}, {"box+mask", PolygonsAs::BoxAndMask}};

struct Arguments {
  std::string scene;
  std::string output;
  std::vector<std::string> points;
  std::vector<std::string> boxes;
  std::string prompts;
  std::string prompts_layer;
  std::string prompts_crs;
  std::optional<PolygonsAs> polygons_as;
  bool one_object = false;
  bool no_cache = false;
  bool no_adapter = false;
  std::string regularize;  ///< metres; "" is the library's choice
  std::string cache_size = "2GB";
  std::string ram = "50%";
  std::string precision = "auto";
  RasterArguments raster;
  EverythingArguments everything;
  SegmentOptions options;
};

PromptLayer read(const Arguments& arguments) {
  const bool coordinates = !arguments.points.empty() || !arguments.boxes.empty();
  if (coordinates == !arguments.prompts.empty()) {
    throw UsageError(
        coordinates ? "--prompts: pass either a file of prompts, or coordinates with --points and --boxes."
                    : "what to segment is not said; pass --points, --boxes, a layer with --prompts, or --everything.");
  }
  if (!coordinates) {
    if (arguments.one_object)
      throw UsageError("--one-object: goes with --points; in a layer, give features one object.");
    return read_prompts(arguments.prompts, arguments.prompts_layer, arguments.polygons_as.value_or(PolygonsAs::Box));
  }
  if (arguments.polygons_as) throw UsageError("--polygons-as: goes with --prompts, a file that has polygons.");
  return parse_prompts(arguments.points, arguments.boxes,
                       arguments.one_object ? PromptGrouping::OneObject : PromptGrouping::Separate);
}

void print_json(const std::string& output, const SegmentSummary& s, bool dry_run) {
  nlohmann::ordered_json json;
  if (!dry_run) json["output"] = output;
  json["dry_run"] = dry_run;
  json["model"] = s.model;
  json["prompts"] = s.prompts;
  if (!dry_run) {
    json["objects"] = s.objects;
    json["area_m2"] = s.area_m2;
    json["failed_prompts"] = nlohmann::ordered_json::array();
    for (const FailedPrompt& f : s.failures) json["failed_prompts"].push_back({{"id", f.id}, {"reason", f.reason}});
    json["coarser"] = s.coarser;
  }
  json["width"] = s.width;
  json["height"] = s.height;
  json["scene_gsd_m"] = s.scene_gsd_m;
  json["gsd_m"] = s.gsd_m;
  json["model_gsd_m"] = s.model_gsd_m ? nlohmann::ordered_json(*s.model_gsd_m) : nlohmann::ordered_json();
  json["tiles"] = s.tiles;
  json["cached_tiles"] = s.cached_tiles;
  if (!dry_run) json["embedded_tiles"] = s.embedded_tiles;
  json["threads"] = s.threads;
  json["estimated_bytes"] = s.estimated_bytes;
  json["ram_bytes"] = s.ram_bytes;
  if (!dry_run) {
    json["peak_bytes"] = peak_resident_memory();
    json["seconds"] = {{"model", s.seconds_model},
                       {"read", s.seconds_read},
                       {"encoder", s.seconds_encoder},
                       {"write", s.seconds_write},
                       {"total", s.seconds_total}};
  }
  json["warnings"] = s.warnings;
  std::printf("%s\n", json.dump(2).c_str());
}

void print_text(const std::string& output, const SegmentSummary& s, bool dry_run) {
  const auto number = [](int64_t value) { return static_cast<long long>(value); };
  if (!dry_run) {
    std::printf("%s: %lld objects of %lld prompts, %.2f m2\n", output.c_str(), number(s.objects), number(s.prompts),
                s.area_m2);
  }
  std::printf("scene    %lld x %lld pixels at %.3g m (file: %.3g m), model %s%s\n", number(s.width), number(s.height),
              s.gsd_m, s.scene_gsd_m, s.model.c_str(), s.model_gsd_m ? "" : " (it has no resolution of its own)");
  std::printf("tiles    %lld, %lld of them kept from earlier\n", number(s.tiles), number(s.cached_tiles));
  std::printf("memory   %s estimated, %s allowed", format_memory(s.estimated_bytes).c_str(),
              format_memory(s.ram_bytes).c_str());
  if (dry_run) {
    std::printf("\n");
    return;
  }
  std::printf(", %s used\n", format_memory(peak_resident_memory()).c_str());
  std::printf("time     %.1f s: model %.1f, read %.1f, encoder %.1f (both summed over threads), write %.1f\n",
              s.seconds_total, s.seconds_model, s.seconds_read, s.seconds_encoder, s.seconds_write);
}

/// What both uses of the verb have is taken from the options that prompts have.
void run_without_prompts(const Arguments& arguments, const Context& context) {
  const SegmentOptions& shared = arguments.options;
  if (!arguments.points.empty() || !arguments.boxes.empty() || !arguments.prompts.empty()) {
    throw UsageError("--everything: asks at points of its own; leave --points, --boxes and --prompts out.");
  }
  if (shared.regularize) throw UsageError("--regularize: does not go with --everything; pass --simplify.");
  EverythingOptions options = arguments.everything.options;
  options.model = shared.model;
  options.device = shared.device;
  options.precision = precision_of(arguments.precision);
  options.raster = arguments.raster.options();
  options.simplify_m = shared.simplify_m;
  options.threads = shared.threads;
  options.ram_bytes = parse_memory(arguments.ram);
  options.overwrite = shared.overwrite;
  options.dry_run = shared.dry_run;
  options.preview = shared.preview;
  options.progress = terminal_progress("segment", context.quiet);
  options.also_read = {context.config};
  run_everything_command(arguments.scene, arguments.output, options, context);
}

void run(const Arguments& arguments, const Context& context) {
  if (arguments.everything.everything) return run_without_prompts(arguments, context);
  SegmentOptions options = arguments.options;
  options.raster = arguments.raster.options();
  if (!arguments.prompts_crs.empty()) options.prompts_crs = Crs::from_text(arguments.prompts_crs);
  if (!arguments.regularize.empty()) options.regularize_m = parse_number(arguments.regularize, "--regularize");
  options.precision = precision_of(arguments.precision);
  options.cache = !arguments.no_cache;
  options.cache_bytes = parse_memory(arguments.cache_size);
  options.ram_bytes = parse_memory(arguments.ram);
  options.progress = terminal_progress("segment", context.quiet);
  options.also_read = {context.config, arguments.prompts};
  const PromptLayer prompts = read(arguments);
  const auto print = [&](const SegmentSummary& summary) {
    (context.json ? print_json : print_text)(arguments.output, summary, options.dry_run);
  };
  try {
    print(segment(arguments.scene, arguments.output, prompts, options));
  } catch (const PartialSegmentError& partial) {
    print(partial.summary());
    throw;
  }
}

void add_prompt_arguments(CLI::App& command, Arguments& arguments) {
  command.add_option("--points", arguments.points,
                     "Points as x,y: each an object; x,y,0 is not of the object of the point before it");
  command.add_option("--boxes", arguments.boxes, "Boxes as xmin,ymin,xmax,ymax: each an object");
  command.add_flag("--one-object", arguments.one_object, "All --points, and the box, are about one object");
  command.add_option("--prompts", arguments.prompts,
                     "Vector file of points (attribute label: 1 or 0) and polygons; object or id groups them");
  command
      .add_option("--polygons-as", arguments.polygons_as,
                  "What its polygons say: box (their rectangle), mask (roughly the object) or box+mask (refine them)")
      ->transform(CLI::CheckedTransformer(kPolygonsAs, CLI::ignore_case).description(""))
      ->default_str("box");
  command.add_option("--prompts-layer,--layer", arguments.prompts_layer, "Layer of that file")
      ->default_str("the only one");
  command
      .add_option("--prompts-crs", arguments.prompts_crs,
                  "CRS of --points and --boxes, and of a file that names none, as EPSG:4326")
      ->default_str("the scene's");
}

}  // namespace

void add_segment(CLI::App& program, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  SegmentOptions& options = arguments->options;
  CLI::App* command = add_command(program, context, "segment",
                                  "Segment what points, boxes and rough outlines on the map point at, or everything");
  command->add_option("scene", arguments->scene, "Any raster that GDAL reads: a file, a VRT, /vsicurl/…")->required();
  command->add_option("-o,--output", arguments->output, "Polygons: .geojson, .geojsonl, .gpkg, .fgb or .shp")
      ->required();
  add_prompt_arguments(*command, *arguments);
  add_everything_arguments(*command, arguments->everything);
  command->add_option("--model", options.model, "A model folder, or the name of one that ships")
      ->default_str("buildings");
  command->add_flag("--no-adapter", arguments->no_adapter,
                    "Of an adapter folder, use the base alone: its masks as before it was tuned, bit for bit");
  add_raster_arguments(*command, arguments->raster);
  CLI::Option* regularize =
      command
          ->add_option("--regularize", arguments->regularize,
                       "Square the outlines (buildings); how far that may move a wall, in metres, else 2 pixels")
          ->expected(0, 1);
  command
      ->add_option("--simplify", options.simplify_m,
                   "Without --regularize: how far an outline may move, in metres; 0 keeps pixel edges")
      ->default_str("1.25 pixels");
  command->add_option("--cache", options.cache_folder, "Folder that keeps the tiles' embeddings for the next run")
      ->default_str("plat/embeddings in the user's cache folder");
  command->add_option("--cache-size", arguments->cache_size, "What that folder may hold; what is unused longest goes")
      ->capture_default_str();
  command->add_flag("--no-cache", arguments->no_cache, "Neither keep embeddings nor use those kept");
  command->add_option("--preview", options.preview, "Also draw the polygons over the scene: PNG");
  command->add_option("-j,--threads", options.threads, "Threads; 0: all processors")->capture_default_str();
  command->add_option("--ram", arguments->ram, "Memory that the program may take: 2048 (MB), 2GB or 50%")
      ->capture_default_str();
  command->add_option("--device", options.device, "auto, cpu or cuda[:n]")->capture_default_str();
  command
      ->add_option(
          "--precision", arguments->precision,
          "Numbers that the encoder multiplies: auto, float32, bfloat16 or float16 (graphics cards), int16 (CPUs)")
      ->capture_default_str();
  command->add_flag("--overwrite", options.overwrite, "Replace outputs that exist");
  command->add_flag("--dry-run", options.dry_run, "Print the plan and the estimate of memory; write nothing");
  command->add_flag("--json", context.json, "Print the summary as JSON");
  command->callback([arguments, regularize, &context] {
    arguments->options.regularize = regularize->count() > 0;
    context.action = [arguments, &context] {
      std::string& model = arguments->options.model;
      if (arguments->no_adapter) model = base_of(find_model(model));
      run(*arguments, context);
    };
  });
}

}  // namespace plat::cli
