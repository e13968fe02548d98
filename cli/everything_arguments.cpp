// SPDX-License-Identifier: Apache-2.0
#include "cli/everything_arguments.hpp"

#include "cli/command.hpp"
#include "core/memory.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace plat::cli {
namespace {

void print_json(const std::string& output, const EverythingSummary& s, bool dry_run) {
  nlohmann::ordered_json json;
  if (!dry_run) json["output"] = output;
  json["dry_run"] = dry_run;
  json["model"] = s.model;
  if (!dry_run) {
    json["objects"] = s.objects;
    json["area_m2"] = s.area_m2;
    json["masks"] = s.masks;
    json["cut_masks"] = s.cut_masks;
  }
  json["width"] = s.width;
  json["height"] = s.height;
  json["scene_gsd_m"] = s.scene_gsd_m;
  json["gsd_m"] = s.gsd_m;
  json["model_gsd_m"] = s.model_gsd_m ? nlohmann::ordered_json(*s.model_gsd_m) : nlohmann::ordered_json();
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

void print_text(const std::string& output, const EverythingSummary& s, bool dry_run) {
  const auto number = [](int64_t value) { return static_cast<long long>(value); };
  if (!dry_run) std::printf("%s: %lld objects, %.2f m2\n", output.c_str(), number(s.objects), s.area_m2);
  std::printf("scene    %lld x %lld pixels at %.3g m (file: %.3g m), model %s%s\n", number(s.width), number(s.height),
              s.gsd_m, s.scene_gsd_m, s.model.c_str(), s.model_gsd_m ? "" : " (it has no resolution of its own)");
  std::printf("tiles    %lld, %lld failed; at most %lld at once on %d threads\n", number(s.tiles),
              number(s.failed_tiles), number(s.tiles_in_flight), s.threads);
  if (!dry_run) {
    std::printf("masks    %lld in tiles; %lld ended at an edge of their tile and were left out\n", number(s.masks),
                number(s.cut_masks));
  }
  std::printf("memory   %s estimated, %s allowed", format_memory(s.estimated_bytes).c_str(),
              format_memory(s.ram_bytes).c_str());
  if (dry_run) {
    std::printf("\n");
    return;
  }
  std::printf(", %s used\n", format_memory(peak_resident_memory()).c_str());
  std::printf("time     %.1f s: model %.1f, read %.1f, masks %.1f (both summed over tiles), objects %.1f, write %.1f\n",
              s.seconds_total, s.seconds_model, s.seconds_read, s.seconds_inference, s.seconds_objects,
              s.seconds_write);
}

}  // namespace

void add_everything_arguments(CLI::App& command, EverythingArguments& arguments) {
  AutomaticMaskOptions& masks = arguments.options.masks;
  const std::string group = "With --everything";
  CLI::Option* everything =
      command.add_flag("--everything", arguments.everything, "Segment all that the model sees, without prompts");
  const auto option = [&](const std::string& name, auto& value, const std::string& help) {
    command.add_option(name, value, help)->capture_default_str()->group(group)->needs(everything);
  };
  option("--points-per-side", masks.points_per_side, "Points asked along each side of a tile");
  option("--points-per-batch", masks.points_per_batch, "Points asked at once; fewer take less memory");
  option("--iou-threshold", masks.iou_threshold, "Least estimate of a mask's quality (IoU), 0..1");
  option("--stability-threshold", masks.stability_threshold, "Least stability of a mask, 0..1");
  option("--stability-offset", masks.stability_offset,
         "How far the threshold on logits is moved to tell the stability");
  option("--nms-threshold", masks.box_nms_threshold, "IoU above which the worse of two masks goes, 0..1");
  option("--crop-layers", masks.crop_layers, "Layer n asks again in 4^n crops of a tile");
  option("--crop-nms-threshold", masks.crop_nms_threshold, "The same as --nms-threshold among crops, 0..1");
  option("--crop-overlap", masks.crop_overlap_ratio, "Overlap of crops over the side of a tile");
  option("--crop-points-downscale", masks.crop_points_downscale,
         "Layer n asks fewer points a side by this to the n-th");
  option("--min-region", masks.min_region_px, "Holes and islands of fewer pixels are filled and dropped");
  command.add_option("--min-area", arguments.options.min_area_m2, "Least area of an object in square metres")
      ->capture_default_str()
      ->group(group)
      ->needs(everything);
  command.add_option("--overlap", arguments.options.overlap, "Least overlap of neighbouring tiles in pixels")
      ->default_str("the model's")
      ->group(group)
      ->needs(everything);
  command
      .add_flag("--keep-cut", arguments.options.merging.keep_cut,
                "Keep objects too large for the overlap that end at an edge of a tile")
      ->group(group)
      ->needs(everything);
}

void run_everything_command(const std::string& scene, const std::string& output, const EverythingOptions& given,
                            const Context& context) {
  EverythingOptions options = given;
  options.merging.nms_threshold = options.masks.box_nms_threshold;
  const auto print = [&](const EverythingSummary& summary) {
    (context.json ? print_json : print_text)(output, summary, options.dry_run);
  };
  try {
    print(run_everything(scene, output, options));
  } catch (const PartialEverythingError& partial) {
    print(partial.summary());
    throw;
  }
}

}  // namespace plat::cli
