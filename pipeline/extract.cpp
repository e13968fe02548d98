// SPDX-License-Identifier: Apache-2.0
#include "pipeline/extract.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/gdal_session.hpp"
#include "geo/scaling.hpp"
#include "model/segmenter.hpp"
#include "pipeline/extra_outputs.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/map_writer.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/object_builder.hpp"
#include "pipeline/output_check.hpp"
#include "pipeline/result_checks.hpp"
#include "pipeline/stopwatch.hpp"
#include "postprocess/drawn_outlines.hpp"
#include "postprocess/instances.hpp"
#include "postprocess/stitcher.hpp"
#include "report/preview.hpp"
#include "tiling/tile_pipeline.hpp"

#include <tbb/global_control.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

namespace plat {
namespace {

double rounded(double value, double steps_per_unit) { return std::round(value * steps_per_unit) / steps_per_unit; }

void check_files(const std::string& scene, const std::string& output, const ExtractOptions& options,
                 const std::string& model) {
  check_vector_output(output);
  check_outputs({{scene, model}, options.also_read, {output, options.maps, options.preview}, options.overwrite});
}

// Corners may leave the outline by some tolerances, edges by one.
constexpr double kOutlineReach = 16;

const std::vector<Field> kFields = {{"id", FieldType::Integer},   {"class", FieldType::Text},
                                    {"score", FieldType::Real},   {"area_m2", FieldType::Real},
                                    {"outline", FieldType::Text}, {"model", FieldType::Text}};

/// Takes tiles in order to objects in the output file. Not thread-safe; its steps use all threads themselves.
class ExtractRun {
 public:
  ExtractRun(const std::string& output, const ExtractOptions& options, const ExtractPlan& plan,
             const ModelDescription& model, ExtractSummary& summary)
      : plan_(plan),
        model_(model),
        summary_(summary),
        checks_(plan.classes),
        extras_(summary.warnings),
        stitcher_(plan.tiles, plan.bands_out, [this](Strip&& strip) { take_strip(strip); }),
        writer_(output, plan.reader.grid().crs, kFields, {options.overwrite, ""}) {
    const Grid& grid = plan.reader.grid();
    for (std::size_t i = 0; i < plan.classes.size(); ++i) {
      const ClassPlan& c = plan.classes[i];
      ObjectBuilderOptions shape;
      shape.min_area_m2 = c.thresholds.min_area_m2;
      shape.simplify_m = options.simplify_m.value_or(kSimplifyPixels * plan.gsd_m);
      shape.regularize = options.regularize.value_or(c.squared);
      shape.regularize_m = options.regularize_m.value_or(kRegularizePixels * plan.gsd_m);
      shape.assumed_gsd_m = plan.assumed_gsd_m;
      builders_.push_back(std::make_unique<ObjectBuilder>(grid, shape));
      const double moved_m = std::max(shape.simplify_m, shape.regularize ? shape.regularize_m : 0.0);
      outline_reach_.push_back(kOutlineReach * moved_m / plan.gsd_m);
      pending_.emplace_back();
      drawn_.emplace_back();
      streams_.push_back(std::make_unique<InstanceStream>(
          grid.width, c.thresholds, [this, i](InstancePatch&& patch) { take_region(i, std::move(patch)); }));
    }
    if (!options.maps.empty()) {
      maps_path_ = options.maps;
      maps_.emplace(options.maps, grid, model, options.overwrite);
    }
    if (!options.preview.empty()) preview_.emplace(grid, PreviewOptions{.overwrite = options.overwrite});
  }

  void add(const TileData& data, const Image<float>& maps) {
    const Stopwatch watch;
    const double written_before = summary_.seconds_write;
    stitcher_.add(data.tile, maps, data.valid);
    write_pending();
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      drawn_[i].forget_above(static_cast<double>(streams_[i]->first_open_row()) - outline_reach_[i]);
    }
    summary_.seconds_objects += watch.seconds() - (summary_.seconds_write - written_before);
  }

  void finish() {
    const Stopwatch watch;
    const double written_before = summary_.seconds_write;
    stitcher_.finish();
    for (auto& stream : streams_) stream->finish();
    write_pending();
    summary_.seconds_objects += watch.seconds() - (summary_.seconds_write - written_before);
  }

  /// Gives the outputs their final names, the objects first; what is not closed leaves nothing behind.
  void close(const std::string& preview_path, RasterReader& scene, const Scaling& scaling) {
    const Stopwatch watch;
    writer_.close();
    if (maps_) extras_.attempt(maps_path_, [&] { maps_->close(); });
    if (preview_) extras_.attempt(preview_path, [&] { preview_->write(preview_path, scene, scaling); });
    summary_.seconds_write += watch.seconds();
  }

  const ResultChecks& checks() const { return checks_; }
  const ExtraOutputs& extras() const { return extras_; }

 private:
  void take_strip(const Strip& strip) {
    checks_.add(strip);
    for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i]->add(strip, plan_.classes[i].first_band);
    if (maps_) {
      const Stopwatch watch;
      if (!extras_.attempt(maps_path_, [&] { maps_->write(strip); })) maps_.reset();
      summary_.seconds_write += watch.seconds();
    }
  }

  void take_region(std::size_t class_index, InstancePatch&& patch) {
    pending_pixels_ += patch.window.pixel_count();
    pending_[class_index].push_back(std::move(patch));
    if (pending_pixels_ >= kMostPendingPixels) write_pending();
  }

  void write_pending() {
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      std::vector<ExtractedObject> objects = builders_[i]->build(pending_[i]);
      pending_[i].clear();
      for (ExtractedObject& object : objects) {
        if (const auto apart = drawn_[i].kept_apart(object.pixel)) builders_[i]->redraw(object, *apart);
        drawn_[i].add(object.pixel);
      }
      const Stopwatch watch;
      for (const ExtractedObject& object : objects) write(object, plan_.classes[i].name);
      summary_.seconds_write += watch.seconds();
    }
    pending_pixels_ = 0;
  }

  void write(const ExtractedObject& object, const std::string& class_name) {
    ++summary_.objects;
    summary_.area_m2 += object.area_m2;
    writer_.write({object.world,
                   {{"id", summary_.objects},
                    {"class", class_name},
                    {"score", rounded(object.score, 1e4)},
                    {"area_m2", rounded(object.area_m2, 1e2)},
                    {"outline", object.outline_text()},
                    {"model", model_.name}}});
    if (preview_) preview_->add(object.pixel);
  }

  const ExtractPlan& plan_;
  const ModelDescription& model_;
  ExtractSummary& summary_;
  ResultChecks checks_;
  ExtraOutputs extras_;
  Stitcher stitcher_;
  FeatureWriter writer_;
  std::string maps_path_;
  std::optional<MapWriter> maps_;
  std::optional<PreviewCanvas> preview_;
  std::vector<std::unique_ptr<ObjectBuilder>> builders_;
  std::vector<DrawnOutlines> drawn_;                 ///< of each class
  std::vector<double> outline_reach_;                ///< pixels by which an outline may leave its region, generously
  std::vector<std::vector<InstancePatch>> pending_;  ///< regions that are complete but not yet written, a list a class
  int64_t pending_pixels_ = 0;
  std::vector<std::unique_ptr<InstanceStream>> streams_;
};

void describe(const ExtractPlan& plan, const std::string& scene, ExtractSummary& summary) {
  const Grid& grid = plan.reader.grid();
  summary.tiles = plan.tiles.size();
  summary.tiles_in_flight = plan.memory.tiles_in_flight;
  summary.threads = plan.threads.total;
  summary.scene_gsd_m = plan.scene_gsd_m;
  summary.gsd_m = plan.gsd_m;
  summary.width = grid.width;
  summary.height = grid.height;
  summary.estimated_bytes = plan.memory.total();
  summary.ram_bytes = plan.ram_bytes;
  summary.warnings = plan.warnings;
  for (const std::string& warning : plan.warnings) log_warning(warning);
  const auto counted = [](int64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
  };
  log_info(scene + ": " + std::to_string(grid.width) + " x " + std::to_string(grid.height) + " pixels, " +
           counted(plan.tiles.size(), "tile") + " of " + std::to_string(plan.tiles.tile_size()) + ", " +
           counted(plan.threads.total, "thread") + "; about " + format_memory(plan.memory.total()) + " of memory, " +
           format_memory(plan.ram_bytes) + " allowed");
}

std::string tiles_text(std::size_t count) { return std::to_string(count) + (count == 1 ? " tile" : " tiles"); }

std::string all_failed(const std::vector<TileFailure>& failures) {
  const std::string others = failures.size() > 1 ? "; all " + tiles_text(failures.size()) + " failed" : "";
  return failures.front().reason + others;
}

}  // namespace

void ExtractOptions::validate() const {
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  constexpr int64_t kLargestTile = 1 << 20;  // its memory can still be told in 64 bits
  require(!tile_size || (*tile_size > 0 && *tile_size <= kLargestTile),
          "--tile-size must lie between 1 and " + std::to_string(kLargestTile) + " pixels.");
  require(!overlap || *overlap >= 0, "--overlap must be 0 pixels or more.");
  require(!tile_size || !overlap || *overlap < *tile_size, "--overlap must be less than --tile-size.");
  require(!threshold || (*threshold > 0 && *threshold < 1), "--threshold must lie between 0 and 1.");
  require(!min_area_m2 || (*min_area_m2 >= 0 && std::isfinite(*min_area_m2)),
          "--min-area must be 0 square metres or more.");
  require(!min_score || (*min_score >= 0 && *min_score <= 1), "--min-score must lie between 0 and 1.");
  require(!close_gap_m || *close_gap_m >= 0, "--close-gaps must be 0 metres or more.");
  require(!simplify_m || *simplify_m >= 0, "--simplify must be 0 metres or more.");
  require(!regularize_m || *regularize_m > 0, "--regularize must be more than 0 metres.");
  require(!raster.gsd_m || *raster.gsd_m > 0, "--gsd must be more than 0 metres.");
  require(threads >= 0, "--threads must be 0 (all) or more.");
  require(ram_bytes >= 0, "--ram must be more than 0.");
  require(maps.empty() || maps.ends_with(".tif") || maps.ends_with(".tiff"),
          maps + ": the maps are a GeoTIFF; name it .tif.");
  require(preview.empty() || preview.ends_with(".png"), preview + ": the preview is a PNG; name it .png.");
}

ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options) {
  options.validate();
  const std::string folder = find_model(options.model);
  if (!options.dry_run) check_files(scene, output, options, folder);
  const Stopwatch watch;
  const std::unique_ptr<Segmenter> model = open_segmenter(folder, options.device, options.precision);
  const double seconds_model = watch.seconds();
  try {
    ExtractSummary summary = extract(scene, output, options, *model);
    summary.seconds_model = seconds_model;
    summary.seconds_total += seconds_model;
    return summary;
  } catch (const PartialExtractError& partial) {
    ExtractSummary summary = partial.summary();
    summary.seconds_model = seconds_model;
    summary.seconds_total += seconds_model;
    throw PartialExtractError(partial.what(), std::move(summary));
  }
}

ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options,
                       const Segmenter& model) {
  const Stopwatch total;
  options.validate();
  if (!options.dry_run) check_files(scene, output, options, "");
  limit_gdal_cache(gdal_cache_bytes(options.ram_bytes > 0 ? options.ram_bytes : total_memory() / 2));
  ExtractPlan plan = plan_extract(scene, options, model);
  ExtractSummary summary;
  summary.model = model.description().name;
  describe(plan, scene, summary);
  if (options.dry_run) return summary;
  check_output_crs(output, scene, plan.reader.grid().crs);

  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(plan.threads.total));
  const Stopwatch scaling_watch;
  const Scaling scaling = default_scaling(plan.reader);
  const double seconds_scaling = scaling_watch.seconds();
  const TileSource source(plan.reader, scaling, plan.tiles);
  ExtractRun run(output, options, plan, model.description(), summary);

  TilePipelineOptions pipeline;
  pipeline.threads = plan.threads;
  pipeline.bytes_per_tile = plan.memory.per_tile;
  pipeline.memory_bytes = plan.memory.tiles_in_flight * plan.memory.per_tile;
  pipeline.progress = options.progress;
  std::atomic<int64_t> inferred{0};
  std::atomic<int64_t> nanoseconds{0};
  const auto infer = [&](const TileData& data) {
    const auto start = std::chrono::steady_clock::now();
    Image<float> maps = model.segment(data.pixels);
    nanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
    ++inferred;
    return maps;
  };
  const auto sink = [&run](const TileData& data, const Image<float>& maps) { run.add(data, maps); };
  const std::vector<TileFailure> failures = run_tiles(source, infer, sink, pipeline);
  summary.failed_tiles = static_cast<int64_t>(failures.size());
  summary.seconds_read = source.seconds_reading() + seconds_scaling;
  summary.seconds_inference = static_cast<double>(nanoseconds.load()) * 1e-9;
  if (inferred == 0) {
    if (!failures.empty()) throw IoError(all_failed(failures));
    throw DataError(scene +
                    ": no pixel has data. Check its nodata value (--nodata) and the part that was asked for (--bbox).");
  }
  run.finish();
  for (const std::string& warning : run.checks().warnings(summary.objects)) {
    log_warning(scene + ": " + warning);
    summary.warnings.push_back(warning);
  }
  run.close(options.preview, plan.reader, scaling);
  summary.area_m2 = rounded(summary.area_m2, 1e2);
  summary.seconds_total = total.seconds();
  std::vector<std::string> lost;
  if (!failures.empty()) {
    lost.push_back(tiles_text(failures.size()) + " of " + std::to_string(summary.tiles) +
                   " failed and count as nodata; the first: " + failures.front().reason);
  }
  if (!run.extras().complete()) lost.push_back(run.extras().text());
  if (!lost.empty()) throw PartialExtractError(output + ": written, but " + join(lost, "; "), summary);
  return summary;
}

}  // namespace plat
