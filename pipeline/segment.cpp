// SPDX-License-Identifier: Apache-2.0
#include "pipeline/segment.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/memory_ledger.hpp"
#include "core/text.hpp"
#include "core/thread_budget.hpp"
#include "geo/location.hpp"
#include "geo/raster_fingerprint.hpp"
#include "model/prompt_segmenter.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/model_key.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/prompts/prompt_answers.hpp"
#include "pipeline/stopwatch.hpp"
#include "report/preview.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// What the embeddings of one version of plat are good for.
constexpr const char* kCacheVersion = "plat embedding 2\n";
/// Failed prompts that are named in the log; the summary has all of them.
constexpr std::size_t kNamedFailures = 5;

RunFiles files_of(const std::string& scene, const std::string& output, const SegmentOptions& options,
                  const std::string& model) {
  if (!options.dry_run) check_vector_output(output);
  return {{scene, model}, options.also_read, {output, options.preview}, options.overwrite};
}

/// How many tiles may pass the network at once, and the memory that the program then takes.
struct MemoryNeed {
  int tiles_at_once = 1;
  int64_t total = 0;
};

/// An answer with an outline of some sixty corners, in pixels and on the ground.
constexpr int64_t kAnswerBytes = 4096;

MemoryNeed plan_memory(const PromptSegmenter& model, int bands, int64_t prompts, int threads, int64_t ram_bytes) {
  const int64_t side = model.description().tile_size;
  // Pixels as read and as passed on, and the parts of a mask.
  const int64_t per_tile = model.memory_per_tile() + side * side * (8 * int64_t{bands} + 16);
  MemoryLedger memory(ram_bytes);
  memory.add("the program and its model", resident_memory() + kUntouchedBytes);
  memory.add("blocks of the file", gdal_cache_bytes(ram_bytes));
  memory.add("answers to prompts", prompts * kAnswerBytes);
  const auto affordable = static_cast<int>(std::clamp<int64_t>(memory.left() / per_tile, 1, threads));
  memory.add(affordable == 1 ? "a tile" : "tiles", affordable * per_tile);
  memory.require(", fewer prompts, or a smaller model", [&](int64_t allowed) {
    return memory.total() - gdal_cache_bytes(ram_bytes) + gdal_cache_bytes(allowed);
  });
  return {affordable, memory.total()};
}

/// Texts as long as the ids are not all whole numbers.
FieldType id_type(const PromptLayer& layer) {
  const bool whole = std::ranges::all_of(
      layer.prompts, [](const MapPrompt& prompt) { return std::holds_alternative<int64_t>(prompt.id); });
  return whole ? FieldType::Integer : FieldType::Text;
}

/// Sorts the answers out: those that failed into the summary, named in warnings.
void report_failures(const PromptLayer& layer, const std::vector<PromptAnswer>& answers, SceneRun& run,
                     SegmentSummary& summary) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].failure) continue;
    summary.failures.push_back({prompt_name(layer.prompts[i]), answers[i].failure->reason});
  }
  for (std::size_t i = 0; i < std::min(summary.failures.size(), kNamedFailures); ++i) {
    run.warn("prompt " + summary.failures[i].id + " " + summary.failures[i].reason + ".");
  }
}

[[noreturn]] void throw_all_failed(const std::string& scene, const std::vector<PromptAnswer>& answers,
                                   const SegmentSummary& summary) {
  const std::string others =
      answers.size() > 1 ? "; all " + std::to_string(answers.size()) + " prompts failed" : std::string();
  const std::string text = scene + ": prompt " + summary.failures.front().id + " " + summary.failures.front().reason +
                           others + ". Check the prompts, their CRS (--prompts-crs) and the scene's nodata value.";
  if (answers.front().failure->code == ExitCode::Io) throw IoError(text);
  throw DataError(text);
}

/// The objects first, then the picture.
void write_objects(const std::string& output, const PromptLayer& layer, const std::vector<PromptAnswer>& answers,
                   PromptScene& scene, const SegmentOptions& options, SceneRun& run, SegmentSummary& summary) {
  const Stopwatch watch;
  const FieldType id = id_type(layer);
  FeatureWriter writer(output, scene.grid(0).crs,
                       {{"id", id},
                        {"kind", FieldType::Text},
                        {"score", FieldType::Real},
                        {"stability", FieldType::Real},
                        {"area_m2", FieldType::Real},
                        {"gsd_m", FieldType::Real},
                        {"model", FieldType::Text}},
                       {options.overwrite, ""});
  std::optional<PreviewCanvas> preview;
  if (!options.preview.empty()) preview.emplace(scene.grid(0), PreviewOptions{.overwrite = options.overwrite});
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const PromptAnswer& answer = answers[i];
    if (answer.failure) continue;
    const MapPrompt& prompt = layer.prompts[i];
    ++summary.objects;
    summary.area_m2 += answer.object.area_m2;
    if (answer.level > 0) ++summary.coarser;
    if (answer.cut) {
      run.warn("prompt " + prompt_name(prompt) + ": its object goes on outside the tile; the outline ends there.");
    }
    writer.write({answer.object.world,
                  {{"id", id == FieldType::Text ? AttributeValue(prompt_name(prompt)) : prompt.id},
                   {"kind", prompt_kind(prompt)},
                   {"score", rounded(std::clamp(answer.object.score, 0.0, 1.0), 1e4)},
                   {"stability", rounded(answer.stability, 1e4)},
                   {"area_m2", rounded(answer.object.area_m2, 1e2)},
                   {"gsd_m", rounded(scene.gsd_m(answer.level), 1e4)},
                   {"model", summary.model}}});
    if (preview) preview->add(answer.object.pixel);
  }
  writer.close();
  if (preview) run.attempt(options.preview, [&] { preview->write(options.preview, scene.reader(), scene.scaling()); });
  summary.area_m2 = rounded(summary.area_m2, 1e2);
  summary.seconds_write = watch.seconds();
}

SegmentSummary segment_in(SceneRun& run, SegmentSummary& summary, const std::string& scene_path,
                          const std::string& output, const PromptLayer& layer, const SegmentOptions& options,
                          const PromptSegmenter& model, const std::string& model_key) {
  if (layer.prompts.empty()) throw DataError("there are no prompts; pass --points, --boxes or a layer that has some.");
  ModelScene opened = open_model_scene(scene_path, options.raster, model.description());
  summary.model = model.description().name;
  summary.model_gsd_m = model.description().gsd_m;
  summary.prompts = static_cast<int64_t>(layer.prompts.size());
  for (const std::string& text : layer.warnings) run.warn(text);
  for (const std::string& text : opened.warnings) run.warn(text);
  const Grid grid = opened.reader.grid();
  const Crs& layer_crs = layer.crs.empty() ? options.prompts_crs : layer.crs;
  if (grid.crs.empty() && !layer_crs.empty()) {
    throw DataError(scene_path + ": no CRS, so prompts in " + layer_crs.name() +
                    " cannot be placed in it. Pass --assign-crs EPSG:xxxx, or prompts in the scene's own coordinates.");
  }
  const Location place = location_of(grid.world_bounds(), grid.crs);
  const Location prompts_place = location_of(layer.box, layer_crs);
  if (!overlap(place, prompts_place)) {
    const auto wrong = wrong_coordinates(prompts_place, {place}, "the scene");
    if (wrong) throw DataError("the layer of prompts " + *wrong);
  }
  const ThreadBudget threads = ThreadBudget::make(options.threads, model.on_card());
  const MemoryNeed memory =
      plan_memory(model, opened.reader.bands(), summary.prompts, threads.inference, run.ram_bytes());
  summary.scene_gsd_m = opened.scene_gsd_m;
  summary.gsd_m = opened.gsd_m;
  summary.width = grid.width;
  summary.height = grid.height;
  summary.threads = threads.total;
  summary.estimated_bytes = memory.total;

  std::optional<EmbeddingCache> cache;
  std::string key;
  if (options.cache && !model_key.empty()) {
    if (const std::optional<std::string> files = raster_fingerprint(scene_path)) {
      cache.emplace(options.cache_folder.empty() ? default_embedding_folder() : options.cache_folder,
                    options.cache_bytes);
      key = kCacheVersion + model_key + *files;
    } else {
      log_debug(scene_path + ": tells no time of change; its embeddings are not kept");
    }
  }
  PromptScene scene(std::move(opened), model, {cache ? &*cache : nullptr, key});
  const std::vector<ScenePrompt> placed = place_prompts(layer, layer_crs, grid);
  if (options.dry_run) {
    const AnswerCounts counts = count_tiles(scene, placed, model);
    summary.tiles = counts.tiles;
    summary.cached_tiles = counts.cached;
    return summary;
  }
  check_output_crs(output, scene_path, grid.crs);

  run.limit_threads(threads.total);
  AnswerOptions asking;
  asking.shape.regularize = options.regularize;
  asking.simplify_m = options.simplify_m;
  asking.regularize_m = options.regularize_m;
  asking.threads = memory.tiles_at_once;
  asking.progress = options.progress;
  AnswerCounts counts;
  const std::vector<PromptAnswer> answers = answer_prompts(scene, placed, model, asking, counts);
  summary.tiles = counts.tiles;
  summary.cached_tiles = counts.cached;
  summary.embedded_tiles = counts.embedded;
  summary.seconds_read = scene.seconds_reading();
  summary.seconds_encoder = scene.seconds_encoder();
  report_failures(layer, answers, run, summary);
  if (summary.failures.size() == answers.size()) throw_all_failed(scene_path, answers, summary);
  write_objects(output, layer, answers, scene, options, run, summary);
  if (!summary.failures.empty()) {
    run.lose(std::to_string(summary.failures.size()) + " of " + std::to_string(summary.prompts) +
             " prompts failed; the first: prompt " + summary.failures.front().id + " " +
             summary.failures.front().reason + ".");
  }
  const std::string lost = run.end(output);
  if (!lost.empty()) throw PartialSegmentError(lost, summary);
  return summary;
}

}  // namespace

void SegmentOptions::validate() const {
  RunOptions::validate();
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  require(!simplify_m || *simplify_m >= 0, "--simplify must be 0 metres or more.");
  require(!regularize_m || *regularize_m > 0, "--regularize must be more than 0 metres.");
  require(!raster.gsd_m || *raster.gsd_m > 0, "--gsd must be more than 0 metres.");
  require(cache_bytes > 0, "--cache-size must be more than 0.");
}

SegmentSummary segment(const std::string& scene, const std::string& output, const PromptLayer& prompts,
                       const SegmentOptions& options) {
  options.validate();
  const std::string folder = find_model(options.model);
  SegmentSummary summary;
  SceneRun run(options, files_of(scene, output, options, folder), summary);
  const std::unique_ptr<PromptSegmenter> model = open_prompt_segmenter(folder, options.device, options.precision);
  summary.seconds_model = run.seconds();
  return segment_in(run, summary, scene, output, prompts, options, *model,
                    model_key(folder, options.device, options.precision));
}

SegmentSummary segment(const std::string& scene, const std::string& output, const PromptLayer& prompts,
                       const SegmentOptions& options, const PromptSegmenter& model, const std::string& model_key) {
  options.validate();
  SegmentSummary summary;
  SceneRun run(options, files_of(scene, output, options, ""), summary);
  return segment_in(run, summary, scene, output, prompts, options, model, model_key);
}

}  // namespace plat
