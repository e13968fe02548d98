// SPDX-License-Identifier: Apache-2.0
#include "pipeline/extract.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/scaling.hpp"
#include "model/segmenter.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/map_writer.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/object_stream.hpp"
#include "pipeline/result_checks.hpp"
#include "pipeline/stopwatch.hpp"
#include "postprocess/stitcher.hpp"
#include "report/preview.hpp"

#include <cmath>
#include <memory>
#include <optional>

namespace plat {
namespace {

RunFiles files_of(const std::string& scene, const std::string& output, const ExtractOptions& options,
                  const std::string& model) {
  if (!options.dry_run) check_vector_output(output);
  return {{scene, model}, options.also_read, {output, options.maps, options.preview}, options.overwrite};
}

const std::vector<Field> kFields = {{"id", FieldType::Integer},   {"class", FieldType::Text},
                                    {"score", FieldType::Real},   {"area_m2", FieldType::Real},
                                    {"outline", FieldType::Text}, {"model", FieldType::Text}};

/// Takes tiles in order to objects in the output file. Not thread-safe; its steps use all threads themselves.
class ExtractSink {
 public:
  ExtractSink(const std::string& output, const ExtractOptions& options, const ExtractPlan& plan,
              const ModelDescription& model, SceneRun& run, ExtractSummary& summary)
      : options_(options),
        plan_(plan),
        run_(run),
        summary_(summary),
        checks_(plan.classes),
        objects_(plan.reader.grid(), plan, options,
                 [this](std::size_t class_index, ExtractedObject&& object) { write(class_index, object); }),
        stitcher_(
            plan.tiles, plan.bands_out, [this](MapBlock&& block) { take_block(block); }, plan.shared_bytes),
        writer_(output, plan.reader.grid().crs, kFields, {options.overwrite, ""}) {
    const Grid& grid = plan.reader.grid();
    if (!options.maps.empty()) maps_.emplace(options.maps, grid, model, options.overwrite);
    if (!options.preview.empty()) preview_.emplace(grid, PreviewOptions{.overwrite = options.overwrite});
  }

  void add(const TileData& data, const Image<float>& maps) {
    timed([&] {
      stitcher_.add(data.tile, maps, data.valid);
      objects_.draw();
    });
  }

  void finish() {
    timed([&] { objects_.finish(); });
  }

  /// Gives the outputs their final names, the objects first; what is not closed leaves nothing behind.
  void close(RasterReader& scene, const Scaling& scaling) {
    const Stopwatch watch;
    writer_.close();
    if (maps_) run_.attempt(options_.maps, [&] { maps_->close(); });
    if (preview_) run_.attempt(options_.preview, [&] { preview_->write(options_.preview, scene, scaling); });
    summary_.seconds_write += watch.seconds();
  }

  const ResultChecks& checks() const { return checks_; }

 private:
  /// Counts the time of some work as that of objects, but for what of it is writing.
  template <typename Work>
  void timed(const Work& work) {
    const Stopwatch watch;
    const double written_before = summary_.seconds_write;
    work();
    summary_.seconds_objects += watch.seconds() - (summary_.seconds_write - written_before);
  }

  void take_block(const MapBlock& block) {
    checks_.add(block);
    objects_.add(block);
    if (!maps_) return;
    const Stopwatch watch;
    if (!run_.attempt(options_.maps, [&] { maps_->write(block); })) maps_.reset();
    summary_.seconds_write += watch.seconds();
  }

  void write(std::size_t class_index, const ExtractedObject& object) {
    const Stopwatch watch;
    ++summary_.objects;
    summary_.area_m2 += object.area_m2;
    writer_.write({object.world,
                   {{"id", summary_.objects},
                    {"class", plan_.classes[class_index].name},
                    {"score", rounded(object.score, 1e4)},
                    {"area_m2", rounded(object.area_m2, 1e2)},
                    {"outline", object.outline_text()},
                    {"model", summary_.model}}});
    if (preview_) preview_->add(object.pixel);
    summary_.seconds_write += watch.seconds();
  }

  const ExtractOptions& options_;
  const ExtractPlan& plan_;
  SceneRun& run_;
  ExtractSummary& summary_;
  ResultChecks checks_;
  ObjectStream objects_;
  Stitcher stitcher_;
  FeatureWriter writer_;
  std::optional<MapWriter> maps_;
  std::optional<PreviewCanvas> preview_;
};

void describe(const ExtractPlan& plan, const std::string& scene, const ExtractOptions& options, SceneRun& run,
              ExtractSummary& summary) {
  const Grid& grid = plan.reader.grid();
  summary.tiles = plan.tiles.size();
  summary.tiles_in_flight = plan.tiles_in_flight;
  summary.threads = plan.threads.total;
  summary.scene_gsd_m = plan.scene_gsd_m;
  summary.gsd_m = plan.gsd_m;
  summary.width = grid.width;
  summary.height = grid.height;
  summary.estimated_bytes = plan.memory.total();
  for (const std::string& warning : plan.warnings) run.warn(warning);
  (options.quiet ? log_debug : log_info)(
      scene + ": " + std::to_string(grid.width) + " x " + std::to_string(grid.height) + " pixels, " +
      counted(plan.tiles.size(), "tile") + " of " + std::to_string(plan.tiles.tile_size()) + ", " +
      counted(plan.threads.total, "thread") + "; about " + format_memory(plan.memory.total()) + " of memory, " +
      format_memory(run.ram_bytes()) + " allowed");
}

ExtractSummary extract_in(SceneRun& run, ExtractSummary& summary, const std::string& scene, const std::string& output,
                          const ExtractOptions& options, const Segmenter& model) {
  ExtractPlan plan = plan_extract(scene, options, model, run.ram_bytes());
  summary.model = model.description().name;
  describe(plan, scene, options, run, summary);
  if (options.dry_run) return summary;
  check_output_crs(output, scene, plan.reader.grid().crs);

  run.limit_threads(plan.threads.total);
  const Stopwatch scaling_watch;
  const Scaling scaling = default_scaling(plan.reader);
  summary.seconds_read = scaling_watch.seconds();
  const TileSource source(plan.reader, scaling, plan.tiles);
  ExtractSink sink(output, options, plan, model.description(), run, summary);
  run.infer_tiles(
      scene, source, [&](const TileData& data) { return model.segment(data.pixels); },
      [&](const TileData& data, const Image<float>& maps) { sink.add(data, maps); },
      {plan.threads, plan.tiles_in_flight, plan.bytes_per_tile});
  sink.finish();
  for (const std::string& warning : sink.checks().warnings(summary.objects)) {
    (options.quiet ? log_debug : log_warning)(scene + ": " + warning);
    summary.warnings.push_back(warning);
  }
  sink.close(plan.reader, scaling);
  summary.area_m2 = rounded(summary.area_m2, 1e2);
  const std::string lost = run.end(output);
  if (!lost.empty()) throw PartialExtractError(lost, summary);
  return summary;
}

}  // namespace

void ExtractOptions::validate() const {
  RunOptions::validate();
  ObjectOptions::validate();
  if (raster.gsd_m && !(*raster.gsd_m > 0)) throw UsageError("--gsd must be more than 0 metres.");
}

ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options) {
  options.validate();
  const std::string folder = find_model(options.model);
  ExtractSummary summary;
  SceneRun run(options, files_of(scene, output, options, folder), summary);
  const std::unique_ptr<Segmenter> model = open_segmenter(folder, options.device, options.precision);
  summary.seconds_model = run.seconds();
  return extract_in(run, summary, scene, output, options, *model);
}

ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options,
                       const Segmenter& model) {
  options.validate();
  ExtractSummary summary;
  SceneRun run(options, files_of(scene, output, options, ""), summary);
  return extract_in(run, summary, scene, output, options, model);
}

}  // namespace plat
