// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/extraction_arguments.hpp"
#include "cli/raster_arguments.hpp"
#include "cli/terminal_progress.hpp"
#include "core/memory.hpp"
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
  RasterArguments raster;
  ExtractionArguments extraction;
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
  arguments.extraction.apply_to(options, options);
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
  add_model_arguments(*command, arguments->extraction, options);
  add_raster_arguments(*command, arguments->raster);
  add_object_arguments(*command, arguments->extraction, options);
  command->add_option("--maps", options.maps, "Also write the stitched maps: GeoTIFF, 0..250 for 0..1, 255 nodata");
  command->add_option("--preview", options.preview, "Also draw the polygons over the scene: PNG");
  add_run_arguments(*command, arguments->extraction, options);
  command->add_flag("--dry-run", options.dry_run, "Print the plan and the estimate of memory; write nothing");
  command->add_flag("--json", context.json, "Print the summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
