// SPDX-License-Identifier: Apache-2.0
#include "pipeline/segment.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "core/thread_budget.hpp"
#include "geo/data_place.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_fingerprint.hpp"
#include "model/prompt_segmenter.hpp"
#include "pipeline/extra_outputs.hpp"
#include "pipeline/extract_plan.hpp"
#include "pipeline/model_key.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/output_check.hpp"
#include "pipeline/prompt_answers.hpp"
#include "pipeline/stopwatch.hpp"
#include "report/preview.hpp"

#include <tbb/global_control.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// What the embeddings of one version of plat are good for.
constexpr const char* kCacheVersion = "plat embedding 2\n";
/// Code, stacks and small blocks that are not yet touched when the plan is made.
constexpr int64_t kReserveBytes = 64'000'000;
/// Failed prompts that are named in the log; the summary has all of them.
constexpr std::size_t kNamedFailures = 5;

double rounded(double value, double steps_per_unit) { return std::round(value * steps_per_unit) / steps_per_unit; }

void check_files(const std::string& scene, const std::string& output, const SegmentOptions& options,
                 const std::string& model) {
  check_vector_output(output);
  check_outputs({{scene, model}, options.also_read, {output, options.preview}, options.overwrite});
}

/// How many tiles may pass the network at once, and the memory that the program then takes.
struct MemoryNeed {
  int tiles_at_once = 1;
  int64_t total = 0;
};

MemoryNeed plan_memory(const PromptSegmenter& model, int bands, int threads, int64_t ram_bytes) {
  const int64_t side = model.description().tile_size;
  // Pixels as read and as passed on, and the parts of a mask.
  const int64_t per_tile = model.memory_per_tile() + side * side * (8 * int64_t{bands} + 16);
  const int64_t base = resident_memory() + kReserveBytes + gdal_cache_bytes(ram_bytes);
  if (base + per_tile > ram_bytes) {
    throw UsageError("this run needs about " + format_memory(base + per_tile) + ", more than the " +
                     format_memory(ram_bytes) + " it may take. Pass --ram " +
                     std::to_string((base + per_tile) / 1'000'000 + 50) + ", or choose a smaller model.");
  }
  const auto affordable = static_cast<int>(std::min<int64_t>(threads, (ram_bytes - base) / per_tile));
  return {affordable, base + affordable * per_tile};
}

/// Texts as long as the ids are not all whole numbers.
FieldType id_type(const PromptLayer& layer) {
  const bool whole = std::ranges::all_of(
      layer.prompts, [](const MapPrompt& prompt) { return std::holds_alternative<int64_t>(prompt.id); });
  return whole ? FieldType::Integer : FieldType::Text;
}

void warn(SegmentSummary& summary, const std::string& text) {
  log_warning(text);
  summary.warnings.push_back(text);
}

/// Sorts the answers out: those that failed into the summary, named in warnings.
void report_failures(const PromptLayer& layer, const std::vector<PromptAnswer>& answers, SegmentSummary& summary) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].failure) continue;
    summary.failures.push_back({prompt_name(layer.prompts[i]), answers[i].failure->reason});
  }
  for (std::size_t i = 0; i < std::min(summary.failures.size(), kNamedFailures); ++i) {
    warn(summary, "prompt " + summary.failures[i].id + " " + summary.failures[i].reason + ".");
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

/// The objects first; says what of the rest could not be written.
ExtraOutputs write_objects(const std::string& output, const PromptLayer& layer,
                           const std::vector<PromptAnswer>& answers, PromptScene& scene, const SegmentOptions& options,
                           SegmentSummary& summary) {
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
      warn(summary, "prompt " + prompt_name(prompt) + ": its object goes on outside the tile; the outline ends there.");
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
  ExtraOutputs extras(summary.warnings);
  if (preview)
    extras.attempt(options.preview, [&] { preview->write(options.preview, scene.reader(), scene.scaling()); });
  summary.area_m2 = rounded(summary.area_m2, 1e2);
  summary.seconds_write = watch.seconds();
  return extras;
}

}  // namespace

void SegmentOptions::validate() const {
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  require(!simplify_m || *simplify_m >= 0, "--simplify must be 0 metres or more.");
  require(!regularize_m || *regularize_m > 0, "--regularize must be more than 0 metres.");
  require(!raster.gsd_m || *raster.gsd_m > 0, "--gsd must be more than 0 metres.");
  require(threads >= 0, "--threads must be 0 (all) or more.");
  require(ram_bytes >= 0, "--ram must be more than 0.");
  require(cache_bytes > 0, "--cache-size must be more than 0.");
  require(preview.empty() || preview.ends_with(".png"), preview + ": the preview is a PNG; name it .png.");
}

SegmentSummary segment(const std::string& scene, const std::string& output, const PromptLayer& prompts,
                       const SegmentOptions& options) {
  options.validate();
  const std::string folder = find_model(options.model);
  if (!options.dry_run) check_files(scene, output, options, folder);
  const Stopwatch watch;
  const std::unique_ptr<PromptSegmenter> model = open_prompt_segmenter(folder, options.device, options.precision);
  const double seconds_model = watch.seconds();
  const auto with_model = [seconds_model](SegmentSummary summary) {
    summary.seconds_model = seconds_model;
    summary.seconds_total += seconds_model;
    return summary;
  };
  try {
    return with_model(
        segment(scene, output, prompts, options, *model, model_key(folder, options.device, options.precision)));
  } catch (const PartialSegmentError& partial) {
    throw PartialSegmentError(partial.what(), with_model(partial.summary()));
  }
}

SegmentSummary segment(const std::string& scene_path, const std::string& output, const PromptLayer& layer,
                       const SegmentOptions& options, const PromptSegmenter& model, const std::string& model_key) {
  const Stopwatch total;
  options.validate();
  if (!options.dry_run) check_files(scene_path, output, options, "");
  if (layer.prompts.empty()) throw DataError("there are no prompts; pass --points, --boxes or a layer that has some.");
  const int64_t ram = options.ram_bytes > 0 ? options.ram_bytes : total_memory() / 2;
  limit_gdal_cache(gdal_cache_bytes(ram));

  ModelScene opened = open_model_scene(scene_path, options.raster, model.description());
  SegmentSummary summary;
  summary.model = model.description().name;
  summary.model_gsd_m = model.description().gsd_m;
  summary.prompts = static_cast<int64_t>(layer.prompts.size());
  for (const std::string& text : layer.warnings) warn(summary, text);
  for (const std::string& text : opened.warnings) warn(summary, text);
  const Grid grid = opened.reader.grid();
  const Crs& layer_crs = layer.crs.empty() ? options.prompts_crs : layer.crs;
  if (grid.crs.empty() && !layer_crs.empty()) {
    throw DataError(scene_path + ": no CRS, so prompts in " + layer_crs.name() +
                    " cannot be placed in it. Pass --assign-crs EPSG:xxxx, or prompts in the scene's own coordinates.");
  }
  const DataPlace place = place_of(grid.world_bounds(), grid.crs);
  const DataPlace prompts_place = place_of(layer.box, layer_crs);
  if (!overlap(place, prompts_place)) {
    const auto wrong = wrong_coordinates(prompts_place, {place}, "the scene");
    if (wrong) throw DataError("the layer of prompts " + *wrong);
  }
  const ThreadBudget threads = ThreadBudget::make(options.threads, model.on_card());
  const MemoryNeed memory = plan_memory(model, opened.reader.bands(), threads.inference, ram);
  summary.scene_gsd_m = opened.scene_gsd_m;
  summary.gsd_m = opened.gsd_m;
  summary.width = grid.width;
  summary.height = grid.height;
  summary.threads = threads.total;
  summary.estimated_bytes = memory.total;
  summary.ram_bytes = ram;

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

  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(threads.total));
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
  report_failures(layer, answers, summary);
  if (summary.failures.size() == answers.size()) throw_all_failed(scene_path, answers, summary);
  const ExtraOutputs extras = write_objects(output, layer, answers, scene, options, summary);
  summary.seconds_total = total.seconds();
  std::vector<std::string> lost;
  if (!summary.failures.empty()) {
    lost.push_back(std::to_string(summary.failures.size()) + " of " + std::to_string(summary.prompts) +
                   " prompts failed; the first: prompt " + summary.failures.front().id + " " +
                   summary.failures.front().reason + ".");
  }
  if (!extras.complete()) lost.push_back(extras.text());
  if (!lost.empty()) throw PartialSegmentError(output + ": written, but " + join(lost, "; "), summary);
  return summary;
}

}  // namespace plat
