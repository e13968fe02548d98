// SPDX-License-Identifier: Apache-2.0
#include "pipeline/everything.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/memory_ledger.hpp"
#include "core/text.hpp"
#include "core/thread_budget.hpp"
#include "geo/feature_io.hpp"
#include "geo/scaling.hpp"
#include "model/prompt_segmenter.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/model_scene.hpp"
#include "pipeline/object_builder.hpp"
#include "pipeline/prompts/mask_merger.hpp"
#include "pipeline/stopwatch.hpp"
#include "report/preview.hpp"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// Masks of a tile that wait for its neighbours, and runs of one of them, each of 12 bytes: more than most scenes have.
constexpr int64_t kMasksPerTile = 500;
constexpr int64_t kRunsPerMask = 400;

RunFiles files_of(const std::string& scene, const std::string& output, const EverythingOptions& options,
                  const std::string& model) {
  if (!options.dry_run) check_vector_output(output);
  return {{scene, model}, options.also_read, {output, options.preview}, options.overwrite};
}

struct Plan {
  ModelScene scene;
  TileGrid tiles;
  ThreadBudget threads;
  int64_t per_tile = 0;  ///< memory of a tile in the network, in bytes
  int64_t tiles_in_flight = 1;
  int64_t estimated_bytes = 0;
};

Plan plan_everything(const std::string& path, const EverythingOptions& options, const PromptSegmenter& model,
                     int64_t ram) {
  const ModelDescription& description = model.description();
  ModelScene scene = open_model_scene(path, options.raster, description);
  const Grid& grid = scene.reader.grid();
  TileGrid tiles(grid.width, grid.height, description.tile_size, options.overlap.value_or(description.overlap));
  tiles.check_step(options.overlap ? "--overlap" : "the model '" + description.name + "'");
  const ThreadBudget threads = ThreadBudget::make(options.threads, model.on_card());

  const int64_t pixels = tiles.tile_size() * tiles.tile_size();
  // Logits at a quarter of the tile's side, three a point, in the network and out of it.
  const int64_t logits = options.masks.points_per_batch * 3 * 2 * (pixels / 16) * int64_t{sizeof(float)};
  const int64_t per_tile = model.memory_per_tile() + pixels * (8 * int64_t{scene.reader.bands()} + 16) + logits;
  MemoryLedger memory(ram);
  memory.add("the program and its model", resident_memory() + kUntouchedBytes);
  memory.add("blocks of the file", gdal_cache_bytes(ram));
  const int64_t waiting = 2 * tiles.columns() * kMasksPerTile * kRunsPerMask * int64_t{sizeof(MaskRun)};
  memory.add("masks of neighbouring tiles", waiting);
  memory.add("the largest mask", std::min(grid.width * grid.height, options.merging.largest_px) * 8);
  TilePipelineOptions flow;
  flow.threads = threads;
  flow.bytes_per_tile = per_tile;
  flow.memory_bytes = std::max<int64_t>(0, memory.left());
  const int64_t in_flight = std::min(tiles_in_flight(flow), std::max<int64_t>(1, tiles.size()));
  memory.add(in_flight == 1 ? "a tile" : "tiles", in_flight * per_tile);
  memory.require(", a smaller --points-per-batch, or a --bbox",
                 [&](int64_t allowed) { return memory.total() - gdal_cache_bytes(ram) + gdal_cache_bytes(allowed); });
  return {std::move(scene), std::move(tiles), threads, per_tile, in_flight, memory.total()};
}

void describe(const Plan& plan, const std::string& scene, SceneRun& run, EverythingSummary& summary) {
  const Grid& grid = plan.scene.reader.grid();
  summary.tiles = plan.tiles.size();
  summary.tiles_in_flight = plan.tiles_in_flight;
  summary.threads = plan.threads.total;
  summary.scene_gsd_m = plan.scene.scene_gsd_m;
  summary.gsd_m = plan.scene.gsd_m;
  summary.width = grid.width;
  summary.height = grid.height;
  summary.estimated_bytes = plan.estimated_bytes;
  for (const std::string& warning : plan.scene.warnings) run.warn(warning);
  log_info(scene + ": " + std::to_string(grid.width) + " x " + std::to_string(grid.height) + " pixels, " +
           counted(plan.tiles.size(), "tile") + " of " + std::to_string(plan.tiles.tile_size()) + ", " +
           counted(plan.threads.total, "thread") + "; about " + format_memory(plan.estimated_bytes) + " of memory, " +
           format_memory(run.ram_bytes()) + " allowed");
}

/// Masks of tiles on their way from the network to the merger, which takes tiles in order.
class MaskShelf {
 public:
  void put(int64_t tile, std::vector<SceneMask>&& masks) {
    const std::lock_guard lock(mutex_);
    masks_[tile] = std::move(masks);
  }
  /// Nothing for a tile that has none.
  std::vector<SceneMask> take(int64_t tile) {
    const std::lock_guard lock(mutex_);
    auto node = masks_.extract(tile);
    return node.empty() ? std::vector<SceneMask>() : std::move(node.mapped());
  }

 private:
  std::mutex mutex_;
  std::map<int64_t, std::vector<SceneMask>> masks_;
};

/// What a model sees in a tile, in the frame of the scene and without pixels that have no data.
std::vector<SceneMask> masks_of_tile(const TileData& data, const PromptSegmenter& model,
                                     const AutomaticMaskOptions& options) {
  std::vector<SceneMask> masks;
  for (AutomaticMask& found : automatic_masks(model, data.pixels, options, &data.valid)) {
    RunMask valid = found.mask.where(data.valid);
    if (valid.empty()) continue;
    masks.push_back({valid.moved(data.tile.window.col, data.tile.window.row), found.iou, found.stability});
  }
  return masks;
}

/// Takes merged masks to objects in the output file. Not thread-safe; its steps use all threads themselves.
class ObjectSink {
 public:
  ObjectSink(const std::string& output, const EverythingOptions& options, const Plan& plan, SceneRun& run,
             EverythingSummary& summary)
      : options_(options),
        run_(run),
        summary_(summary),
        builder_(plan.scene.reader.grid(), shape(options, plan.scene)),
        writer_(output, plan.scene.reader.grid().crs,
                {{"id", FieldType::Integer},
                 {"score", FieldType::Real},
                 {"stability", FieldType::Real},
                 {"area_m2", FieldType::Real},
                 {"model", FieldType::Text}},
                {options.overwrite, ""}) {
    if (!options.preview.empty()) {
      preview_.emplace(plan.scene.reader.grid(), PreviewOptions{.overwrite = options.overwrite});
    }
  }

  void take(SceneMask&& found) {
    const Window& window = found.mask.bounds();
    InstancePatch patch{window, Image<int32_t>(window.width, window.height), 1, {std::clamp(found.score, 0.0, 1.0)}};
    for (const MaskRun& run : found.mask.runs()) {
      std::fill(patch.labels.row(run.row - window.row).begin() + (run.begin - window.col),
                patch.labels.row(run.row - window.row).begin() + (run.end - window.col), 1);
    }
    pending_pixels_ += window.pixel_count();
    pending_.push_back(std::move(patch));
    stability_.push_back(found.stability);
    if (pending_pixels_ >= kMostPendingPixels) write_pending();
  }

  void write_pending() {
    // A patch has one object, and none is too small for the builder.
    const std::vector<ExtractedObject> objects = builder_.build(pending_);
    const Stopwatch watch;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const ExtractedObject& object = objects[i];
      if (object.area_m2 < options_.min_area_m2) continue;
      ++summary_.objects;
      summary_.area_m2 += object.area_m2;
      writer_.write({object.world,
                     {{"id", summary_.objects},
                      {"score", rounded(object.score, 1e4)},
                      {"stability", rounded(stability_[i], 1e4)},
                      {"area_m2", rounded(object.area_m2, 1e2)},
                      {"model", summary_.model}}});
      if (preview_) preview_->add(object.pixel);
    }
    pending_.clear();
    stability_.clear();
    pending_pixels_ = 0;
    summary_.seconds_write += watch.seconds();
  }

  /// Gives the outputs their final names, the objects first; what is not closed leaves nothing behind.
  void close(RasterReader& scene, const Scaling& scaling) {
    const Stopwatch watch;
    writer_.close();
    if (preview_) run_.attempt(options_.preview, [&] { preview_->write(options_.preview, scene, scaling); });
    summary_.seconds_write += watch.seconds();
  }

 private:
  static ObjectBuilderOptions shape(const EverythingOptions& options, const ModelScene& scene) {
    ObjectBuilderOptions shape;
    shape.regularize = false;
    shape.simplify_m = options.simplify_m.value_or(kSimplifyPixels * scene.gsd_m);
    shape.assumed_gsd_m = scene.assumed_gsd_m;
    return shape;
  }

  const EverythingOptions& options_;
  SceneRun& run_;
  EverythingSummary& summary_;
  ObjectBuilder builder_;
  FeatureWriter writer_;
  std::optional<PreviewCanvas> preview_;
  std::vector<InstancePatch> pending_;
  std::vector<double> stability_;
  int64_t pending_pixels_ = 0;
};

/// Batches of points of one tile at once, where tiles alone do not keep all threads busy.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  // Isolated: a thread that waits here must not take up another tile.
  tbb::this_task_arena::isolate([&] { tbb::parallel_for(std::size_t{0}, count, work); });
}

EverythingSummary everything_in(SceneRun& run, EverythingSummary& summary, const std::string& scene,
                                const std::string& output, const EverythingOptions& options,
                                const PromptSegmenter& model) {
  Plan plan = plan_everything(scene, options, model, run.ram_bytes());
  summary.model = model.description().name;
  summary.model_gsd_m = model.description().gsd_m;
  describe(plan, scene, run, summary);
  if (options.dry_run) return summary;
  RasterReader& reader = plan.scene.reader;
  check_output_crs(output, scene, reader.grid().crs);

  run.limit_threads(plan.threads.total);
  const Stopwatch scaling_watch;
  const Scaling scaling = default_scaling(reader);
  summary.seconds_read = scaling_watch.seconds();
  const TileSource source(reader, scaling, plan.tiles);
  ObjectSink objects(output, options, plan, run, summary);
  MaskMerger merger(plan.tiles, options.merging, [&objects](SceneMask&& mask) { objects.take(std::move(mask)); });
  AutomaticMaskOptions masks = options.masks;
  if (plan.tiles_in_flight < plan.threads.total) masks.parallel = in_parallel;
  MaskShelf shelf;
  const auto infer = [&](const TileData& data) {
    shelf.put(data.tile.index, masks_of_tile(data, model, masks));
    return Image<float>(1, 1);
  };
  const auto sink = [&](const TileData& data, const Image<float>&) {
    const Stopwatch watch;
    const double written_before = summary.seconds_write;
    std::vector<SceneMask> found = shelf.take(data.tile.index);
    summary.masks += static_cast<int64_t>(found.size());
    merger.add(data.tile, std::move(found));
    objects.write_pending();
    summary.seconds_objects += watch.seconds() - (summary.seconds_write - written_before);
  };
  run.infer_tiles(scene, source, infer, sink, {plan.threads, plan.tiles_in_flight, plan.per_tile});
  merger.finish();
  objects.write_pending();
  summary.cut_masks = merger.cut_masks();
  if (summary.objects == 0) {
    run.warn(scene + ": no object was found; " + std::to_string(summary.masks) +
             " masks in tiles were sure enough. Lower --iou-threshold and --stability-threshold.");
  }
  objects.close(reader, scaling);
  summary.area_m2 = rounded(summary.area_m2, 1e2);
  const std::string lost = run.end(output);
  if (!lost.empty()) throw PartialEverythingError(lost, summary);
  return summary;
}

}  // namespace

void EverythingOptions::validate() const {
  RunOptions::validate();
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  masks.validate();
  require(!overlap || *overlap >= 0, "--overlap must be 0 pixels or more.");
  require(min_area_m2 >= 0, "--min-area must be 0 square metres or more.");
  require(!simplify_m || *simplify_m >= 0, "--simplify must be 0 metres or more.");
  require(merging.nms_threshold >= 0 && merging.nms_threshold <= 1, "--nms-threshold must lie between 0 and 1.");
  require(!raster.gsd_m || *raster.gsd_m > 0, "--gsd must be more than 0 metres.");
}

EverythingSummary run_everything(const std::string& scene, const std::string& output,
                                 const EverythingOptions& options) {
  options.validate();
  const std::string folder = find_model(options.model);
  EverythingSummary summary;
  SceneRun run(options, files_of(scene, output, options, folder), summary);
  const auto model = open_prompt_segmenter(folder, options.device, options.precision);
  summary.seconds_model = run.seconds();
  return everything_in(run, summary, scene, output, options, *model);
}

EverythingSummary run_everything(const std::string& scene, const std::string& output, const EverythingOptions& options,
                                 const PromptSegmenter& model) {
  options.validate();
  EverythingSummary summary;
  SceneRun run(options, files_of(scene, output, options, ""), summary);
  return everything_in(run, summary, scene, output, options, model);
}

}  // namespace plat
