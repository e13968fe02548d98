// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/extraction_arguments.hpp"
#include "cli/raster_arguments.hpp"
#include "cli/shift_report.hpp"
#include "cli/terminal_progress.hpp"
#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "pipeline/change.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat::cli {
namespace {

struct Arguments {
  std::vector<std::string> scenes;
  std::string output;
  std::string grid = "before";
  std::string shift;
  std::string normalize;
  std::string before_objects;
  std::string after_objects;
  std::string before_layer;
  std::string after_layer;
  std::vector<std::string> objects;
  std::vector<std::string> object_layers;
  std::string after_bands;
  std::optional<double> after_nodata;
  std::string after_crs;
  bool no_align = false;
  RasterArguments raster;
  ExtractionArguments extraction;
  ChangeOptions options;
};

constexpr ChangeKind kShown[] = {ChangeKind::Appeared, ChangeKind::Vanished,  ChangeKind::Grown,
                                 ChangeKind::Shrunk,   ChangeKind::Split,     ChangeKind::Merged,
                                 ChangeKind::Redrawn,  ChangeKind::Unchanged, ChangeKind::Unknown};

nlohmann::ordered_json json_of(const RadiometricFit& fit) {
  nlohmann::ordered_json json;
  json["used"] = name_of(fit.used);
  if (!fit.obstacle.empty()) json["obstacle"] = fit.obstacle;
  json["pixels"] = fit.pixels;
  if (fit.bands.empty()) return json;
  json["unchanged_share"] = rounded(fit.unchanged_share, 1e4);
  json["canonical_correlations"] = fit.canonical_correlations;
  json["rounds"] = fit.rounds;
  for (const BandAgreement& band : fit.bands) {
    nlohmann::ordered_json one;
    if (fit.used == Normalization::IrMad) one = {{"gain", band.gain}, {"offset", band.offset}};
    one["correlation_before"] = rounded(band.correlation_before, 1e4);
    one["correlation_after"] = rounded(band.correlation_after, 1e4);
    one["rmse_before"] = band.rmse_before;
    one["rmse_after"] = band.rmse_after;
    json["bands"].push_back(one);
  }
  return json;
}

nlohmann::ordered_json kinds_of(const StepSummary& step) {
  nlohmann::ordered_json json;
  for (const ChangeKind kind : kShown) {
    const ChangeTotal& total = step.total(kind);
    json[std::string(name_of(kind))] = {{"count", total.count},
                                        {"area_before_m2", rounded(total.area_before, 1e2)},
                                        {"area_after_m2", rounded(total.area_after, 1e2)}};
  }
  return json;
}

void tell_pair(nlohmann::ordered_json& json, const ChangeSummary& s, bool dry_run) {
  const SceneSummary &before = s.scenes.front(), &after = s.scenes.back();
  if (!dry_run) {
    json["before_objects"] = before.objects;
    json["after_objects"] = after.objects;
    json["kinds"] = kinds_of(s.steps.front());
    json["unsure"] = s.steps.front().unsure;
  }
  json["width"] = s.width;
  json["height"] = s.height;
  json["gsd_m"] = s.gsd_m;
  json["before_gsd_m"] = before.gsd_m;
  json["after_gsd_m"] = after.gsd_m;
  if (!before.taken.empty()) json["before_taken"] = before.taken;
  if (!after.taken.empty()) json["after_taken"] = after.taken;
  json["shift"] = cli::json_of(after.shift, after.shifted);
  if (after.radiometry) json["normalization"] = json_of(*after.radiometry);
}

void tell_series(nlohmann::ordered_json& json, const ChangeSummary& s, bool dry_run) {
  if (!dry_run) {
    for (std::size_t k = 0; k < s.steps.size(); ++k) {
      json["steps"].push_back({{"step", k + 1},
                               {"before", s.scenes[k].path},
                               {"after", s.scenes[k + 1].path},
                               {"kinds", kinds_of(s.steps[k])},
                               {"unsure", s.steps[k].unsure}});
    }
    json["tracks"] = {{"count", s.tracks.count},
                      {"throughout", s.tracks.throughout},
                      {"begun", s.tracks.begun},
                      {"ended", s.tracks.ended},
                      {"unclear", s.tracks.unclear}};
  }
  json["width"] = s.width;
  json["height"] = s.height;
  json["gsd_m"] = s.gsd_m;
  for (std::size_t k = 0; k < s.scenes.size(); ++k) {
    const SceneSummary& scene = s.scenes[k];
    nlohmann::ordered_json one = {{"scene", scene.path}, {"gsd_m", scene.gsd_m}};
    if (!scene.taken.empty()) one["taken"] = scene.taken;
    if (!dry_run) one["objects"] = scene.objects;
    if (k > 0) one["shift"] = cli::json_of(scene.shift, scene.shifted);
    if (scene.radiometry) one["normalization"] = json_of(*scene.radiometry);
    json["scenes"].push_back(one);
  }
}

void print_json(const std::string& output, const ChangeSummary& s, bool dry_run) {
  nlohmann::ordered_json json;
  if (!dry_run) json["output"] = output;
  json["dry_run"] = dry_run;
  if (!s.model.empty()) json["model"] = s.model;
  (s.scenes.size() == 2 ? tell_pair : tell_series)(json, s, dry_run);
  json["tiles"] = s.tiles;
  if (!dry_run) json["failed_tiles"] = s.failed_tiles;
  json["threads"] = s.threads;
  json["estimated_bytes"] = s.estimated_bytes;
  json["ram_bytes"] = s.ram_bytes;
  if (!dry_run) {
    json["peak_bytes"] = peak_resident_memory();
    json["seconds"] = {{"model", s.seconds_model},         {"align", s.seconds_align},     {"read", s.seconds_read},
                       {"inference", s.seconds_inference}, {"objects", s.seconds_objects}, {"match", s.seconds_match},
                       {"write", s.seconds_write},         {"total", s.seconds_total}};
  }
  json["warnings"] = s.warnings;
  std::printf("%s\n", json.dump(2).c_str());
}

long long number(int64_t n) { return n; }

/// What became of the objects between two scenes, under a line that begins with `what`.
void print_step(const std::string& what, const SceneSummary& before, const SceneSummary& after,
                const StepSummary& step) {
  int64_t changed = 0;
  for (const ChangeKind kind : kShown) {
    if (is_change(kind)) changed += step.total(kind).count;
  }
  std::string said = counted(changed, "change");
  if (changed == 0) said = step.total(ChangeKind::Unknown).count > 0 ? "no change is known" : "nothing has changed";
  std::printf("%s: %s; %lld objects before, %lld after\n", what.c_str(), said.c_str(), number(before.objects),
              number(after.objects));
  std::printf("%-10s %8s %16s %16s\n", "kind", "count", "before m2", "after m2");
  for (const ChangeKind kind : kShown) {
    const ChangeTotal& total = step.total(kind);
    const bool always = kind == ChangeKind::Appeared || kind == ChangeKind::Vanished || kind == ChangeKind::Unchanged;
    if (total.count == 0 && !always) continue;
    std::printf("%-10s %8lld %16.2f %16.2f\n", std::string(name_of(kind)).c_str(), number(total.count),
                total.area_before, total.area_after);
  }
  if (step.unsure > 0) {
    std::printf("unsure   %lld changes are less probable than --min-change and count as unchanged\n",
                number(step.unsure));
  }
}

void print_results(const std::string& output, const ChangeSummary& s) {
  if (s.scenes.size() == 2) return print_step(output, s.scenes.front(), s.scenes.back(), s.steps.front());
  const TrackTotals& tracks = s.tracks;
  std::printf("%s: %lld objects through %zu scenes; %lld there throughout, %lld begun, %lld ended, %lld unclear\n",
              output.c_str(), number(tracks.count), s.scenes.size(), number(tracks.throughout), number(tracks.begun),
              number(tracks.ended), number(tracks.unclear));
  for (std::size_t k = 0; k < s.steps.size(); ++k) {
    const SceneSummary &before = s.scenes[k], &after = s.scenes[k + 1];
    print_step("step " + std::to_string(k + 1) + ", " + before.path + " to " + after.path, before, after, s.steps[k]);
  }
}

void print_text(const std::string& output, const ChangeSummary& s, bool dry_run) {
  if (!dry_run) print_results(output, s);
  const bool pair = s.scenes.size() == 2;
  std::printf("grid     %lld x %lld pixels at %.3g m (files:", number(s.width), number(s.height), s.gsd_m);
  for (std::size_t k = 0; k < s.scenes.size(); ++k) {
    std::printf("%s %.3g", k == 0 ? "" : pair ? " and" : ",", s.scenes[k].gsd_m);
  }
  std::printf(" m)");
  const bool dated = std::ranges::none_of(s.scenes, [](const SceneSummary& scene) { return scene.taken.empty(); });
  for (std::size_t k = 0; dated && k < s.scenes.size(); ++k) {
    std::printf("%s %s", k == 0 ? ", taken" : pair ? " and" : ",", s.scenes[k].taken.substr(0, 10).c_str());
  }
  std::printf("\n");
  for (std::size_t k = 1; k < s.scenes.size(); ++k) {
    const SceneSummary& scene = s.scenes[k];
    const std::string of = pair ? "" : " (" + scene.path + ")";
    std::printf("align    %s%s%s\n", scene.shift.text().c_str(), scene.shifted ? ", taken out" : "", of.c_str());
    if (scene.radiometry) std::printf("values   %s%s\n", scene.radiometry->text().c_str(), of.c_str());
  }
  if (!s.model.empty()) {
    std::printf("tiles    %lld, %lld failed, model %s; memory %s estimated, %s allowed", number(s.tiles),
                number(s.failed_tiles), s.model.c_str(), format_memory(s.estimated_bytes).c_str(),
                format_memory(s.ram_bytes).c_str());
    std::printf(dry_run ? "\n" : ", %s used\n", format_memory(peak_resident_memory()).c_str());
  }
  if (dry_run) return;
  std::printf(
      "time     %.1f s: model %.1f, align %.1f, read %.1f, inference %.1f (both summed over threads), objects %.1f, "
      "match %.1f, write %.1f\n",
      s.seconds_total, s.seconds_model, s.seconds_align, s.seconds_read, s.seconds_inference, s.seconds_objects,
      s.seconds_match, s.seconds_write);
}

std::vector<ObjectLayer> layers_of(const Arguments& arguments) {
  if (arguments.before_objects.empty() != arguments.after_objects.empty())
    throw UsageError("--before-objects and --after-objects: give both layers or none.");
  std::vector<ObjectLayer> layers;
  if (!arguments.before_objects.empty()) {
    if (!arguments.objects.empty()) throw UsageError("--objects and --before-objects: give one of them.");
    if (arguments.scenes.size() > 2)
      throw UsageError("--before-objects: tells the objects of two scenes; of a series pass --objects for each scene.");
    return {{arguments.before_objects, arguments.before_layer}, {arguments.after_objects, arguments.after_layer}};
  }
  if (!arguments.before_layer.empty() || !arguments.after_layer.empty())
    throw UsageError("--before-layer and --after-layer: mean nothing without --before-objects and --after-objects.");
  if (!arguments.object_layers.empty() && arguments.object_layers.size() != arguments.objects.size())
    throw UsageError("--objects-layer: give one for each --objects, in the same order.");
  for (std::size_t k = 0; k < arguments.objects.size(); ++k)
    layers.push_back({arguments.objects[k], arguments.object_layers.empty() ? "" : arguments.object_layers[k]});
  return layers;
}

ChangeOptions options_of(const Arguments& arguments, const Context& context) {
  ChangeOptions options = arguments.options;
  options.also_read = {context.config};
  options.series.first = arguments.raster.options();
  options.series.later = options.series.first;
  if (!arguments.after_bands.empty()) {
    options.series.later.bands.clear();
    for (const std::string& band : split(arguments.after_bands, ',')) options.series.later.bands.push_back(trim(band));
  }
  if (arguments.after_nodata) options.series.later.nodata = arguments.after_nodata;
  if (!arguments.after_crs.empty()) options.series.later.assign_crs = Crs::from_text(arguments.after_crs);
  options.series.grid = series_grid_of(arguments.grid);
  options.series.align = !arguments.no_align;
  if (!arguments.shift.empty()) {
    if (arguments.no_align) throw UsageError("--shift and --no-align: give one of them.");
    const std::vector<double> shift = parse_numbers(arguments.shift, "--shift");
    if (shift.size() != 2) throw UsageError("--shift: two numbers are needed, DX,DY in pixels.");
    options.series.shift_px = Point{shift[0], shift[1]};
  }
  options.objects = layers_of(arguments);
  options.normalize = normalization_of(arguments.normalize);
  arguments.extraction.apply_to(options, options);
  options.progress = terminal_progress("change", context.quiet);
  return options;
}

void run(const Arguments& arguments, const Context& context) {
  const ChangeOptions options = options_of(arguments, context);
  const auto print = [&](const ChangeSummary& summary) {
    (context.json ? print_json : print_text)(arguments.output, summary, options.dry_run);
  };
  try {
    print(detect_change(arguments.scenes, arguments.output, options));
  } catch (const PartialChangeError& partial) {
    print(partial.summary());
    throw;
  }
}

}  // namespace

void add_change(CLI::App& program, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  ChangeOptions& options = arguments->options;
  arguments->normalize = name_of(options.normalize);
  CLI::App* command = add_command(program, context, "change",
                                  "Tell what became of the objects between two scenes, or through a series");
  command
      ->add_option(
          "scenes", arguments->scenes,
          "The earlier scene and the later one, or a series of more, the earliest first: any rasters that GDAL "
          "reads, of one place, in any CRS and resolution")
      ->required()
      ->type_name("BEFORE AFTER");
  command
      ->add_option("-o,--output", arguments->output,
                   "Changes: .gpkg (with the objects of all dates), .geojson, .geojsonl, .fgb or .shp")
      ->required();
  add_model_arguments(*command, arguments->extraction, options);
  command->add_option("--before-objects", arguments->before_objects,
                      "Polygons of the objects before, in any CRS, instead of a model");
  command->add_option("--after-objects", arguments->after_objects, "Polygons of the objects after");
  command->add_option("--before-layer", arguments->before_layer, "The layer of --before-objects")
      ->default_str("the only one");
  command->add_option("--after-layer", arguments->after_layer, "The layer of --after-objects")
      ->default_str("the only one");
  command
      ->add_option("--objects", arguments->objects,
                   "The same of a series: --objects FILE once for each scene, in their order")
      ->allow_extra_args(false);
  command->add_option("--objects-layer", arguments->object_layers, "The layer of each --objects")
      ->default_str("the only one")
      ->allow_extra_args(false);
  command
      ->add_option("--grid", arguments->grid,
                   "Whose grid all are compared on: before (the first scene's), after (the last's) or finest")
      ->capture_default_str();
  add_raster_arguments(*command, arguments->raster);
  command->add_option("--after-bands", arguments->after_bands, "Bands of later scenes")->default_str("as --bands");
  command->add_option("--after-nodata", arguments->after_nodata, "No data in later scenes")
      ->default_str("as --nodata, else the file's");
  command->add_option("--after-crs", arguments->after_crs, "CRS of later scenes that name none")
      ->default_str("as --assign-crs, else the file's");
  command->add_flag("--no-align", arguments->no_align, "Compare the scenes as they lie");
  command
      ->add_option("--shift", arguments->shift,
                   "The later scene shows things DX,DY pixels right and down of where they are")
      ->default_str("measured");
  command->add_option("--align-block", options.series.shift.block, "Side of the blocks that are matched, in pixels")
      ->capture_default_str();
  command->add_option("--align-overlap", options.series.shift.overlap, "Overlap of neighbouring blocks, in pixels")
      ->capture_default_str();
  command->add_option("--align-peak", options.series.shift.least_peak, "Least correlation of a block that counts, 0..1")
      ->capture_default_str();
  command
      ->add_option("--normalize", arguments->normalize,
                   "Make later scenes' values those of the first: none, histogram, irmad (by what has not "
                   "changed) or auto (what fits)")
      ->capture_default_str();
  command->add_option("--shifts", options.shifts, "Also write the blocks and their shifts: a polygon layer");
  command
      ->add_option("--least-change", options.least_change, "Share of its area by which an object has grown or shrunk")
      ->capture_default_str();
  command->add_option("--tolerance", options.tolerance_m, "How far outlines may be drawn too far out or in, in metres")
      ->default_str("a pixel");
  command
      ->add_option(
          "--min-change", options.min_change_score,
          "Least probability of a change: there on one date, not on the other's map, 0..1; 0: outlines alone decide")
      ->default_str("the least score of objects, at least 0.5");
  command
      ->add_option("--splits-need-ground", options.split_needs_ground,
                   "Whether splits and mergers whose ground stays the same are unchanged: true or false")
      ->default_str("for classes that are squared");
  add_object_arguments(*command, arguments->extraction, options);
  command->add_option("--maps", options.maps,
                      "Also write how much the maps differ: GeoTIFF, 0..250 for 0..1, 255 nodata");
  command->add_option("--preview", options.preview, "Also draw the dates and the changes side by side: PNG");
  add_run_arguments(*command, arguments->extraction, options);
  command->add_flag("--dry-run", options.dry_run, "Lay the scenes on one another, print the plan; write nothing");
  command->add_flag("--json", context.json, "Print the summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
