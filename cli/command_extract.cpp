// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/raster_arguments.hpp"
#include "cli/terminal_progress.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "pipeline/extract.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace plat::cli {
namespace {

struct Arguments {
  std::string scene;
  std::string output;
  std::string ram = "50%";
  std::string classes;
  std::string precision = "auto";
  bool no_regularize = false;
  RasterArguments raster;
  ExtractOptions options;
};

void print_json(const std::string& output, const ExtractSummary& s, bool dry_run) {
  nlohmann::ordered_json json;
  if (!dry_run) json["output"] = output;
  json["dry_run"] = dry_run;
  json["model"] = s.model;
  if (!dry_run) json["objects"] = s.objects;
  if (!dry_run) json["area_m2"] = s.area_m2;
  json["width"] = s.width;
  json["height"] = s.height;
  json["scene_gsd_m"] = s.scene_gsd_m;
  json["gsd_m"] = s.gsd_m;
  json["tiles"] = s.tiles;
  if (!dry_run) json["failed_tiles"] = s.failed_tiles;
  json["tiles_in_flight"] = s.tiles_in_flight;
  json["threads"] = s.threads;
  json["estimated_bytes"] = s.estimated_bytes;
  json["ram_bytes"] = s.ram_bytes;
  if (!dry_run) {
    json["peak_bytes"] = peak_resident_memory();
    json["seconds"] = {{"model", s.seconds_model},     {"read", s.seconds_read},   {"inference", s.seconds_inference},
                       {"objects", s.seconds_objects}, {"write", s.seconds_write}, {"total", s.seconds_total}};
  }
  json["warnings"] = s.warnings;
  std::printf("%s\n", json.dump(2).c_str());
}

void print_text(const std::string& output, const ExtractSummary& s, bool dry_run) {
  if (!dry_run) {
    std::printf("%s: %lld objects, %.2f m2\n", output.c_str(), static_cast<long long>(s.objects), s.area_m2);
  }
  std::printf("scene    %lld x %lld pixels at %.3g m (file: %.3g m), model %s\n", static_cast<long long>(s.width),
              static_cast<long long>(s.height), s.gsd_m, s.scene_gsd_m, s.model.c_str());
  std::printf("tiles    %lld, %lld failed; at most %lld at once on %d threads\n", static_cast<long long>(s.tiles),
              static_cast<long long>(s.failed_tiles), static_cast<long long>(s.tiles_in_flight), s.threads);
  std::printf("memory   %s estimated, %s allowed", format_memory(s.estimated_bytes).c_str(),
              format_memory(s.ram_bytes).c_str());
  if (dry_run) {
    std::printf("\n");
    return;
  }
  std::printf(", %s used\n", format_memory(peak_resident_memory()).c_str());
  std::printf(
      "time     %.1f s: model %.1f, read %.1f, inference %.1f (both summed over threads), objects %.1f, write %.1f\n",
      s.seconds_total, s.seconds_model, s.seconds_read, s.seconds_inference, s.seconds_objects, s.seconds_write);
}

void run(const Arguments& arguments, const Context& context) {
  ExtractOptions options = arguments.options;
  options.also_read = {context.config};
  options.raster = arguments.raster.options();
  if (!arguments.classes.empty()) options.classes = split(arguments.classes, ',');
  options.ram_bytes = parse_memory(arguments.ram);
  options.precision = precision_of(arguments.precision);
  if (arguments.no_regularize) {
    options.regularize = false;
  } else if (options.regularize_m) {
    options.regularize = true;
  }
  options.progress = terminal_progress("extract", context.quiet);
  const auto print = [&](const ExtractSummary& summary) {
    (context.json ? print_json : print_text)(arguments.output, summary, options.dry_run);
  };
  try {
    print(extract(arguments.scene, arguments.output, options));
  } catch (const PartialExtractError& partial) {
    print(partial.summary());
    throw;
  }
}

}  // namespace

void add_extract(CLI::App& program, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  ExtractOptions& options = arguments->options;
  CLI::App* command = add_command(program, context, "extract", "Extract the objects of a scene as polygons");
  command->add_option("scene", arguments->scene, "Any raster that GDAL reads: a file, a VRT, /vsicurl/…")->required();
  command->add_option("-o,--output", arguments->output, "Polygons: .geojson, .geojsonl, .gpkg, .fgb or .shp")
      ->required();
  command
      ->add_option("--model", options.model, "A model folder, the name of one that ships, or threshold (bright pixels)")
      ->default_str("buildings");
  command->add_option("--classes", arguments->classes, "Only these classes of the model, with commas between")
      ->default_str("all");
  add_raster_arguments(*command, arguments->raster);
  command->add_option("--tile-size", options.tile_size, "Side of a tile in pixels at the model's resolution")
      ->default_str("the model's");
  command->add_option("--overlap", options.overlap, "Least overlap of neighbouring tiles in pixels")
      ->default_str("the model's");
  command->add_option("--threshold", options.threshold, "Probability from which a pixel belongs to a class, 0..1")
      ->default_str("the model's");
  command->add_option("--min-area", options.min_area_m2, "Least area of an object in square metres")
      ->default_str("the model's");
  command->add_option("--min-score", options.min_score, "Least mean probability of an object, 0..1")
      ->default_str("the model's");
  command
      ->add_option("--close-gaps", options.close_gap_m,
                   "Objects no farther apart come to share a line, in metres; 0: gaps stay")
      ->default_str("the model's");
  command
      ->add_option("--regularize", options.regularize_m, "Square the outlines; how far that may move a wall, in metres")
      ->default_str("2 pixels, if the model squares");
  command->add_flag("--no-regularize", arguments->no_regularize, "Only simplify outlines instead of squaring them");
  command
      ->add_option("--simplify", options.simplify_m,
                   "Where outlines are not squared: how far one may move, in metres; 0 keeps pixel edges")
      ->default_str("1.25 pixels");
  command->add_option("--maps", options.maps, "Also write the stitched maps: GeoTIFF, 0..250 for 0..1, 255 nodata");
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
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
