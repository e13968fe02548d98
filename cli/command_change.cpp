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

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

namespace plat::cli {
namespace {

struct Arguments {
  std::string before;
  std::string after;
  std::string output;
  std::string grid = "before";
  std::string shift;
  std::string normalize;
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

double rounded(double value, double steps_per_unit) { return std::round(value * steps_per_unit) / steps_per_unit; }

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

void print_json(const std::string& output, const ChangeSummary& s, bool dry_run) {
  nlohmann::ordered_json json;
  if (!dry_run) json["output"] = output;
  json["dry_run"] = dry_run;
  if (!s.model.empty()) json["model"] = s.model;
  if (!dry_run) {
    json["before_objects"] = s.before_objects;
    json["after_objects"] = s.after_objects;
    for (const ChangeKind kind : kShown) {
      const ChangeTotal& total = s.total(kind);
      json["kinds"][std::string(name_of(kind))] = {{"count", total.count},
                                                   {"area_before_m2", rounded(total.area_before, 1e2)},
                                                   {"area_after_m2", rounded(total.area_after, 1e2)}};
    }
    json["unsure"] = s.unsure;
  }
  json["width"] = s.width;
  json["height"] = s.height;
  json["gsd_m"] = s.gsd_m;
  json["before_gsd_m"] = s.before_gsd_m;
  json["after_gsd_m"] = s.after_gsd_m;
  if (!s.before_taken.empty()) json["before_taken"] = s.before_taken;
  if (!s.after_taken.empty()) json["after_taken"] = s.after_taken;
  json["shift"] = cli::json_of(s.shift, s.shifted);
  if (s.radiometry) json["normalization"] = json_of(*s.radiometry);
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

void print_text(const std::string& output, const ChangeSummary& s, bool dry_run) {
  const auto number = [](int64_t n) { return static_cast<long long>(n); };
  if (!dry_run) {
    int64_t changed = 0;
    for (const ChangeKind kind : kShown) {
      if (kind != ChangeKind::Unchanged && kind != ChangeKind::Unknown) changed += s.total(kind).count;
    }
    if (changed == 0) {
      const char* said = s.total(ChangeKind::Unknown).count > 0 ? "no change is known" : "nothing has changed";
      std::printf("%s: %s; %lld objects before, %lld after\n", output.c_str(), said, number(s.before_objects),
                  number(s.after_objects));
    } else {
      std::printf("%s: %lld changes; %lld objects before, %lld after\n", output.c_str(), number(changed),
                  number(s.before_objects), number(s.after_objects));
    }
    std::printf("%-10s %8s %16s %16s\n", "kind", "count", "before m2", "after m2");
    for (const ChangeKind kind : kShown) {
      const ChangeTotal& total = s.total(kind);
      const bool always = kind == ChangeKind::Appeared || kind == ChangeKind::Vanished || kind == ChangeKind::Unchanged;
      if (total.count == 0 && !always) continue;
      std::printf("%-10s %8lld %16.2f %16.2f\n", std::string(name_of(kind)).c_str(), number(total.count),
                  total.area_before, total.area_after);
    }
    if (s.unsure > 0) {
      std::printf("unsure   %lld changes are less probable than --min-change and count as unchanged\n",
                  number(s.unsure));
    }
  }
  std::printf("grid     %lld x %lld pixels at %.3g m (files: %.3g and %.3g m)", number(s.width), number(s.height),
              s.gsd_m, s.before_gsd_m, s.after_gsd_m);
  if (!s.before_taken.empty() && !s.after_taken.empty()) {
    std::printf(", taken %s and %s", s.before_taken.substr(0, 10).c_str(), s.after_taken.substr(0, 10).c_str());
  }
  std::printf("\nalign    %s%s\n", s.shift.text().c_str(), s.shifted ? ", taken out" : "");
  if (s.radiometry) std::printf("values   %s\n", s.radiometry->text().c_str());
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

ChangeOptions options_of(const Arguments& arguments, const Context& context) {
  ChangeOptions options = arguments.options;
  options.also_read = {context.config};
  options.pair.before = arguments.raster.options();
  options.pair.after = options.pair.before;
  if (!arguments.after_bands.empty()) {
    options.pair.after.bands.clear();
    for (const std::string& band : split(arguments.after_bands, ',')) options.pair.after.bands.push_back(trim(band));
  }
  if (arguments.after_nodata) options.pair.after.nodata = arguments.after_nodata;
  if (!arguments.after_crs.empty()) options.pair.after.assign_crs = Crs::from_text(arguments.after_crs);
  options.pair.grid = pair_grid_of(arguments.grid);
  options.pair.align = !arguments.no_align;
  if (!arguments.shift.empty()) {
    if (arguments.no_align) throw UsageError("--shift and --no-align: give one of them.");
    const std::vector<double> shift = parse_numbers(arguments.shift, "--shift");
    if (shift.size() != 2) throw UsageError("--shift: two numbers are needed, DX,DY in pixels.");
    options.pair.shift_px = Point{shift[0], shift[1]};
  }
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
    print(detect_change(arguments.before, arguments.after, arguments.output, options));
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
  CLI::App* command = add_command(program, context, "change", "Tell what became of the objects between two scenes");
  command->add_option("before", arguments->before, "The earlier scene: any raster that GDAL reads")->required();
  command->add_option("after", arguments->after, "The later scene of the same place, in any CRS and resolution")
      ->required();
  command
      ->add_option("-o,--output", arguments->output,
                   "Changes: .gpkg (with both dates' objects), .geojson, .geojsonl, .fgb or .shp")
      ->required();
  add_model_arguments(*command, arguments->extraction, options);
  command->add_option("--before-objects", options.before_objects,
                      "Polygons of the objects before, in any CRS, instead of a model");
  command->add_option("--after-objects", options.after_objects, "Polygons of the objects after");
  command->add_option("--before-layer", options.before_layer, "The layer of --before-objects")
      ->default_str("the only one");
  command->add_option("--after-layer", options.after_layer, "The layer of --after-objects")
      ->default_str("the only one");
  command->add_option("--grid", arguments->grid, "Whose grid both are compared on: before, after or finest")
      ->capture_default_str();
  add_raster_arguments(*command, arguments->raster);
  command->add_option("--after-bands", arguments->after_bands, "Bands of the later scene")->default_str("as --bands");
  command->add_option("--after-nodata", arguments->after_nodata, "No data in the later scene")
      ->default_str("as --nodata, else the file's");
  command->add_option("--after-crs", arguments->after_crs, "CRS of a later scene that names none")
      ->default_str("as --assign-crs, else the file's");
  command->add_flag("--no-align", arguments->no_align, "Compare the scenes as they lie");
  command
      ->add_option("--shift", arguments->shift,
                   "The later scene shows things DX,DY pixels right and down of where they are")
      ->default_str("measured");
  command->add_option("--align-block", options.pair.shift.block, "Side of the blocks that are matched, in pixels")
      ->capture_default_str();
  command->add_option("--align-overlap", options.pair.shift.overlap, "Overlap of neighbouring blocks, in pixels")
      ->capture_default_str();
  command->add_option("--align-peak", options.pair.shift.least_peak, "Least correlation of a block that counts, 0..1")
      ->capture_default_str();
  command
      ->add_option("--normalize", arguments->normalize,
                   "Make the later scene's values those of the earlier: none, histogram, irmad (by what has not "
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
  command->add_option("--preview", options.preview, "Also draw before, after and the changes side by side: PNG");
  add_run_arguments(*command, arguments->extraction, options);
  command->add_flag("--dry-run", options.dry_run, "Lay the scenes on one another, print the plan; write nothing");
  command->add_flag("--json", context.json, "Print the summary as JSON");
  command->callback([arguments, &context] { context.action = [arguments, &context] { run(*arguments, context); }; });
}

}  // namespace plat::cli
