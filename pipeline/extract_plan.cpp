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

/// What a pixel of a region takes while it waits for the rest of its row, for the region's end, and while the region is split.
constexpr int64_t kWaitingBytesPerPixel = 6;
constexpr int64_t kOpenBytesPerPixel = 8;
constexpr int64_t kSplitBytesPerPixel = 16;
constexpr int64_t kPendingBytesPerPixel = 4;
/// Rows of the maps' file that may wait for the next row of tiles.
constexpr int64_t kMapRows = 256;

/// The shares of what a run may take, not of what is free, so that the same options cut the same regions: for what the scene's
/// width holds in memory (the rest goes to a file), for open regions, and for the one that is split.
constexpr int64_t kWidthShare = 16;
constexpr int64_t kOpenShare = 8;
constexpr int64_t kSplitShare = 8;
constexpr int64_t kLeastOpenPixels = int64_t{1} << 20;

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

/// Decides what of the work is held in memory, and counts it.
void plan_memory(WorkPlan& plan, const std::vector<const RasterReader*>& scenes, const Segmenter& model,
                 bool with_maps) {
  const int64_t ram = plan.memory.allowed();
  const TileGrid& tiles = plan.tiles;
  const auto dates = static_cast<int64_t>(scenes.size());
  const int64_t streams = dates * static_cast<int64_t>(plan.classes.size());
  const int64_t width = tiles.scene_width(), rows = std::min(tiles.tile_size(), tiles.scene_height());
  const int64_t scene_pixels = width * tiles.scene_height();

  return_freed_pages();
  plan.memory.add("the program and its model", resident_memory() + kUntouchedBytes);
  plan.memory.add("blocks of the file", cached_bytes(scenes, ram));
  plan.shared_bytes = ram / kWidthShare / dates;
  plan.memory.add("tiles' common rows", dates * Stitcher::memory_bytes(tiles, plan.bands_out, plan.shared_bytes));
  plan.limits.waiting_bytes = ram / kWidthShare / streams;
  plan.memory.add("rows that wait",
                  streams * std::min(width * rows * kWaitingBytesPerPixel, plan.limits.waiting_bytes));
  plan.limits.open_pixels = std::max(kLeastOpenPixels, ram / kOpenShare / kOpenBytesPerPixel / streams);
  plan.limits.region_pixels = std::min(kLargestRegion, ram / kSplitShare / kSplitBytesPerPixel);
  plan.pending_pixels = kMostPendingPixels / dates;
  plan.memory.add("open regions",
                  std::min(dates * scene_pixels, plan.limits.open_pixels * streams) * kOpenBytesPerPixel);
  plan.memory.add("objects", std::min(scene_pixels, plan.limits.region_pixels) * kSplitBytesPerPixel +
                                 dates * std::min(scene_pixels, plan.pending_pixels) * kPendingBytesPerPixel);
  if (with_maps) plan.memory.add("rows of maps", std::min(kMapRows, rows) * width * plan.bands_out);

  const int64_t bands_in = scenes.front()->bands();
  const int64_t tile_pixels = tiles.tile_size() * tiles.tile_size();
  const int64_t trained_pixels = model.description().tile_size * model.description().tile_size;
  const double larger = static_cast<double>(tile_pixels) / static_cast<double>(trained_pixels);
  // A tile with its result, which waits for its turn.
  const int64_t held_tile = dates * tile_pixels * (4 * bands_in + 1 + 4 * plan.bands_out);
  // Scenes are read, and pass the network, one after the other. A card has memory of its own.
  const int64_t reading = tile_pixels * (4 * bands_in + 1);
  const auto network = static_cast<int64_t>(static_cast<double>(model.memory_per_tile()) * larger);
  plan.bytes_per_tile = held_tile + reading + (model.on_card() ? 0 : network);
  TilePipelineOptions pipeline;
  pipeline.threads = plan.threads;
  pipeline.bytes_per_tile = plan.bytes_per_tile;
  pipeline.memory_bytes = std::max<int64_t>(0, plan.memory.left());
  plan.tiles_in_flight = std::min(tiles_in_flight(pipeline), std::max<int64_t>(1, tiles.size()));
  const int64_t working = std::min<int64_t>(plan.tiles_in_flight, plan.threads.inference);
  plan.memory.add(plan.tiles_in_flight == 1 ? "a tile" : "tiles",
                  working * plan.bytes_per_tile + (plan.tiles_in_flight - working) * held_tile);
}

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
  const TileGrid tiles(grid.width, grid.height, objects.tile_size.value_or(description.tile_size),
                       objects.overlap.value_or(description.overlap));
  tiles.check_step(objects.overlap ? "--overlap" : "the model '" + description.name + "'");
  const auto plan_with = [&](int64_t allowed, int64_t kept) {
    WorkPlan plan{.gsd_m = gsd_m,
                  .assumed_gsd_m = assumed_gsd_m,
                  .tiles = tiles,
                  .classes = plan_classes(description, objects, gsd_m),
                  .bands_out = static_cast<int64_t>(description.classes.size()) * kMapsPerClass,
                  .threads = ThreadBudget::make(run.threads, model.on_card()),
                  .memory = MemoryLedger(allowed)};
    if (kept > 0) plan.memory.add("objects of all scenes", kept);
    plan_memory(plan, scenes, model, !run.maps.empty());
    return plan;
  };
  WorkPlan plan = plan_with(ram_bytes, held);
  plan.memory.require(", a smaller --tile-size, or a --bbox", [&](int64_t allowed) {
    // What is kept besides is a share of what is allowed, too.
    const double more = static_cast<double>(allowed) / static_cast<double>(ram_bytes);
    return plan_with(allowed, static_cast<int64_t>(static_cast<double>(held) * more)).memory.total();
  });
  return plan;
}

ExtractPlan plan_extract(const std::string& scene, const ExtractOptions& options, const Segmenter& model,
                         int64_t ram_bytes) {
  ModelScene opened = open_model_scene(scene, options.raster, model.description());
  WorkPlan work = plan_work({&opened.reader}, opened.gsd_m, opened.assumed_gsd_m, options, options, model, ram_bytes);
  return {std::move(work), std::move(opened.reader), opened.scene_gsd_m, std::move(opened.warnings)};
}

}  // namespace plat
