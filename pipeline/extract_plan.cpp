// SPDX-License-Identifier: Apache-2.0
#include "pipeline/extract_plan.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "pipeline/model_scene.hpp"
#include "postprocess/instances.hpp"
#include "postprocess/stitcher.hpp"
#include "tiling/tile_pipeline.hpp"

#include <algorithm>
#include <utility>

namespace plat {
namespace {

/// What a pixel of a region takes while it waits for the region's end, and while the region is split.
constexpr int64_t kOpenRegionBytesPerPixel = 8;
constexpr int64_t kSplitBytesPerPixel = 16;
/// The share of a comparison's memory that one region may take while it is split. The rows of two scenes take most of the rest.
constexpr int64_t kPairsSplitShare = 8;

std::vector<ClassPlan> plan_classes(const ModelDescription& model, const ObjectOptions& options, double gsd_m) {
  std::vector<std::string> known;
  for (const ClassDescription& c : model.classes) known.push_back(c.name);
  for (const std::string& name : options.classes) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError("--classes: the model '" + model.name + "' has no class '" + name + "'. It has " +
                       join(known, ", ") + ".");
    }
  }
  std::vector<ClassPlan> classes;
  for (std::size_t i = 0; i < model.classes.size(); ++i) {
    const ClassDescription& c = model.classes[i];
    const auto& wanted = options.classes;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), c.name) == wanted.end()) continue;
    ClassPlan plan{c.name, static_cast<int64_t>(i) * kMapsPerClass, c.thresholds, c.squared};
    if (options.threshold) plan.thresholds.extent = *options.threshold;
    if (options.min_area_m2) plan.thresholds.min_area_m2 = *options.min_area_m2;
    if (options.min_score) plan.thresholds.min_score = *options.min_score;
    if (options.close_gap_m) {
      plan.thresholds.close_gap_px = *options.close_gap_m / gsd_m;
      if (plan.thresholds.close_gap_px > kWidestGapPixels) {
        throw UsageError("--close-gaps: at most " + std::to_string(static_cast<int>(kWidestGapPixels)) +
                         " pixels of the model can be closed, which are " +
                         std::to_string(static_cast<int>(kWidestGapPixels * gsd_m)) + " m.");
      }
    }
    classes.push_back(std::move(plan));
  }
  return classes;
}

/// What GDAL's cache may come to hold: all of the scenes' blocks (of at most 8 bytes a value) or its limit.
int64_t cached_bytes(const std::vector<const RasterReader*>& scenes, int64_t ram_bytes) {
  double all = 0;
  for (const RasterReader* scene : scenes) {
    const RasterInfo& info = scene->info();
    all += 8.0 * static_cast<double>(info.grid.width) * static_cast<double>(info.grid.height) *
           static_cast<double>(info.band_names.size());
  }
  const int64_t limit = gdal_cache_bytes(ram_bytes);
  return all < static_cast<double>(limit) ? static_cast<int64_t>(all) : limit;
}

ExtractMemory plan_memory(const TileGrid& tiles, const std::vector<const RasterReader*>& scenes, int64_t bands_out,
                          const Segmenter& model, const ThreadBudget& threads, bool with_maps, int64_t largest_region,
                          int64_t ram_bytes) {
  const auto dates = static_cast<int64_t>(scenes.size());
  const int64_t bands_in = scenes.front()->bands();
  const int64_t tile_pixels = tiles.tile_size() * tiles.tile_size();
  const int64_t trained_pixels = model.description().tile_size * model.description().tile_size;
  const double larger = static_cast<double>(tile_pixels) / static_cast<double>(trained_pixels);
  ExtractMemory plan;
  plan.threads = threads.inference;
  return_freed_pages();
  plan.base = resident_memory() + kUntouchedBytes;
  plan.held_tile = dates * tile_pixels * (4 * bands_in + 1 + 4 * bands_out);
  // Scenes are read, and pass the network, one after the other.
  const int64_t reading = tile_pixels * (4 * bands_in + 1);
  const auto network = static_cast<int64_t>(static_cast<double>(model.memory_per_tile()) * larger);
  plan.per_tile = plan.held_tile + reading + network;

  const int64_t rows = std::min(tiles.tile_size(), tiles.scene_height());
  const int64_t width = tiles.scene_width();
  // Regions not yet ended or waiting for their outlines, and the largest one that is split at a time.
  const int64_t scene_pixels = width * tiles.scene_height();
  const int64_t regions = rows * width * kOpenRegionBytesPerPixel + std::min(scene_pixels, kMostPendingPixels) * 4;
  const int64_t split = std::min(scene_pixels, largest_region) * kSplitBytesPerPixel;
  const int64_t maps = with_maps ? rows * width * bands_out : 0;
  plan.scene =
      dates * (Stitcher::memory_bytes(tiles, bands_out) + regions) + split + maps + cached_bytes(scenes, ram_bytes);

  TilePipelineOptions pipeline;
  pipeline.threads = threads;
  pipeline.bytes_per_tile = plan.per_tile;
  pipeline.memory_bytes = std::max<int64_t>(0, ram_bytes - plan.base - plan.scene);
  plan.tiles_in_flight = std::min(tiles_in_flight(pipeline), std::max<int64_t>(1, tiles.size()));
  return plan;
}

void check_memory(const ExtractMemory& memory, int64_t ram_bytes) {
  if (memory.total() <= ram_bytes) return;
  // Rounded up, so that passing the number that the message names works.
  const int64_t megabytes = memory.total() / 1'000'000 + 50;
  throw UsageError("this run needs about " + format_memory(memory.total()) + ", more than the " +
                   format_memory(ram_bytes) + " it may take (" + format_memory(memory.base) +
                   " for the program and its model, " + format_memory(memory.scene) + " for rows of the scene, " +
                   format_memory(memory.per_tile) + " for a tile). Pass --ram " + std::to_string(megabytes) +
                   ", a smaller --tile-size, or a --bbox.");
}

}  // namespace

int64_t ExtractMemory::total() const {
  const int64_t working = std::min(tiles_in_flight, threads);
  return base + scene + working * per_tile + (tiles_in_flight - working) * held_tile;
}

namespace {

/// Outlines that may move farther than this are none of their objects.
void check_shape(const ObjectOptions& options, double gsd_m) {
  constexpr double kFarthestPixels = 100;
  for (const auto& [name, value] :
       {std::pair{"--regularize", options.regularize_m}, {"--simplify", options.simplify_m}}) {
    if (value && !(*value <= kFarthestPixels * gsd_m))
      throw UsageError(std::string(name) + ": at most 100 pixels of the model, which are " +
                       std::to_string(static_cast<int64_t>(kFarthestPixels * gsd_m)) + " m.");
  }
}

}  // namespace

WorkPlan plan_work(const std::vector<const RasterReader*>& scenes, double gsd_m,
                   const std::optional<double>& assumed_gsd_m, const RunOptions& run, const ObjectOptions& objects,
                   const Segmenter& model, int64_t ram_bytes, int64_t held) {
  const ModelDescription& description = model.description();
  if (objects.tile_size && *objects.tile_size != description.tile_size && description.architecture.starts_with("sam")) {
    throw UsageError("--tile-size: the model '" + description.name + "' takes tiles of " +
                     std::to_string(description.tile_size) + " pixels only.");
  }
  check_shape(objects, gsd_m);
  const Grid& grid = scenes.front()->grid();
  TileGrid tiles(grid.width, grid.height, objects.tile_size.value_or(description.tile_size),
                 objects.overlap.value_or(description.overlap));
  tiles.check_step(objects.overlap ? "--overlap" : "the model '" + description.name + "'");
  const auto bands_out = static_cast<int64_t>(description.classes.size()) * kMapsPerClass;
  const ThreadBudget threads = ThreadBudget::make(run.threads, model.on_card());
  // Of what may be taken, not of what is free, so that the same options cut the same regions.
  const int64_t largest_region = scenes.size() == 1
                                     ? kLargestRegion
                                     : std::min(kLargestRegion, ram_bytes / kPairsSplitShare / kSplitBytesPerPixel);
  ExtractMemory memory =
      plan_memory(tiles, scenes, bands_out, model, threads, !run.maps.empty(), largest_region, ram_bytes - held);
  memory.scene += held;
  check_memory(memory, ram_bytes);
  return {gsd_m,     assumed_gsd_m, std::move(tiles), plan_classes(description, objects, gsd_m),
          bands_out, threads,       memory,           largest_region};
}

ExtractPlan plan_extract(const std::string& scene, const ExtractOptions& options, const Segmenter& model,
                         int64_t ram_bytes) {
  ModelScene opened = open_model_scene(scene, options.raster, model.description());
  WorkPlan work = plan_work({&opened.reader}, opened.gsd_m, opened.assumed_gsd_m, options, options, model, ram_bytes);
  return {std::move(work), std::move(opened.reader), opened.scene_gsd_m, std::move(opened.warnings)};
}

}  // namespace plat
