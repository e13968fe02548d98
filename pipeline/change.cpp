// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/feature_io.hpp"
#include "model/segmenter.hpp"
#include "pipeline/change/change_outputs.hpp"
#include "pipeline/map_writer.hpp"
#include "pipeline/model_path.hpp"
#include "pipeline/stopwatch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

namespace plat {
namespace {

RunFiles files_of(const std::vector<std::string>& scenes, const std::string& output, const ChangeOptions& options,
                  const std::string& model) {
  if (!options.dry_run) {
    check_vector_output(output);
    if (!options.shifts.empty()) check_vector_output(options.shifts);
  }
  std::vector<std::string> inputs = {model};
  for (const std::string& scene : scenes) inputs.insert(inputs.end(), {scene, stac_item_of(scene)});
  for (const ObjectLayer& layer : options.objects) inputs.push_back(layer.path);
  return {inputs, options.also_read, {output, options.maps, options.preview, options.shifts}, options.overwrite};
}

double ground_of(const std::vector<int64_t>& objects, const DatedObjects& of) {
  double sum = 0;
  for (const int64_t i : objects) sum += of.area_m2[static_cast<std::size_t>(i)];
  return sum;
}

/// Areas on the ground in place of those in the plane, and the totals of them.
void measure_ground(ObjectChanges& found, const DatedObjects& before, const DatedObjects& after, StepSummary& step) {
  for (ObjectChange& change : found.changes) {
    change.area_before = ground_of(change.before, before);
    change.area_after = ground_of(change.after, after);
    ChangeTotal& total = step.totals[static_cast<std::size_t>(change.kind)];
    ++total.count;
    total.area_before += change.area_before;
    total.area_after += change.area_after;
  }
}

void describe(const SceneSeries& series, SceneRun& run, ChangeSummary& summary) {
  summary.width = series.grid().width;
  summary.height = series.grid().height;
  summary.gsd_m = series.gsd_m;
  for (const DatedScene& scene : series.scenes) {
    summary.scenes.push_back({scene.path(), scene.taken, scene.gsd_m, scene.shift, scene.shifted});
    if (!scene.shift.blocks.empty()) log_info(scene.path() + ": " + scene.shift.text());
  }
  for (const std::string& text : series.warnings) run.warn(text);
}

/// How each scene becomes 0..255: the first by its own values, the others so that they compare with it.
std::vector<Scaling> scale_series(SceneSeries& series, Normalization wanted, ChangeSummary& summary) {
  RasterReader& first = series.scenes.front().reader;
  std::vector<Scaling> scalings = {default_scaling(first)};
  for (std::size_t k = 1; k < series.scenes.size(); ++k) {
    MatchedScaling matched = match_scaling(first, scalings.front(), series.scenes[k].reader, wanted);
    scalings.push_back(std::move(matched.scaling));
    summary.scenes[k].radiometry = std::move(matched.fit);
  }
  return scalings;
}

/// What is found from date to date.
SeriesChanges find_steps(const SeriesObjects& objects, const ChangeRules& rules, const ChangeOptions& options,
                         ChangeSummary& summary) {
  SeriesChanges found{{}, ObjectTracker(rules)};
  for (std::size_t k = 0; k + 1 < objects.dates.size(); ++k) {
    const DatedObjects &before = objects.dates[k], &after = objects.dates[k + 1];
    ObjectChanges step = find_changes(before.store, after.store, rules);
    StepSummary& told = summary.steps.emplace_back();
    told.unsure = weigh_evidence(step, before, after, objects.least_scores, rules, options.min_change_score);
    measure_ground(step, before, after, told);
    found.tracker.add_step(before.store, after.store, step);
    found.steps.push_back(std::move(step));
  }
  TrackTotals& tracks = summary.tracks;
  for (const TrackStory& story : track_stories(found)) {
    ++tracks.count;
    const bool throughout = story.scenes == static_cast<int64_t>(objects.dates.size());
    const bool begun = story.begins_clearly(), ended = story.ends_clearly();
    tracks.throughout += throughout ? 1 : 0;
    tracks.begun += begun ? 1 : 0;
    tracks.ended += ended ? 1 : 0;
    tracks.unclear += throughout || begun || ended ? 0 : 1;
  }
  return found;
}

ChangeSummary detect_in(SceneRun& run, ChangeSummary& summary, const std::vector<std::string>& scenes,
                        const std::string& output, const ChangeOptions& options, const Segmenter* model) {
  const ThreadBudget threads = ThreadBudget::make(options.threads, model != nullptr && model->on_card());
  run.limit_threads(threads.total);
  summary.threads = threads.total;
  const Stopwatch aligning;
  SceneSeries series = open_scene_series(scenes, options.series, model != nullptr ? &model->description() : nullptr);
  describe(series, run, summary);
  std::vector<Scaling> scalings;
  if (model != nullptr || !options.preview.empty()) scalings = scale_series(series, options.normalize, summary);
  summary.seconds_align = aligning.seconds();
  const Grid grid = series.grid();
  check_output_crs(output, scenes.front(), grid.crs);

  SeriesObjects objects;
  std::optional<MapWriter> maps;
  bool squared = false;
  if (model != nullptr) {
    summary.model = model->description().name;
    // What outlines, and what is found of them, may take: as much as scenes of nothing but small objects have, or a fourth;
    // less where tiles leave less.
    const auto dates = static_cast<int64_t>(series.scenes.size());
    const int64_t wanted = std::min(run.ram_bytes() / 4, dates * grid.width * grid.height + 1'000'000);
    const int64_t least = std::min(run.ram_bytes() / 16, wanted);
    std::vector<const RasterReader*> readers;
    for (const DatedScene& scene : series.scenes) readers.push_back(&scene.reader);
    const WorkPlan plan =
        plan_work(readers, series.gsd_m, series.assumed_gsd_m, options, options, *model, run.ram_bytes(), least);
    const int64_t most = std::min(wanted, least + run.ram_bytes() - plan.memory.total());
    summary.tiles = plan.tiles.size();
    summary.tiles_in_flight = plan.tiles_in_flight;
    summary.estimated_bytes = plan.memory.total() + most - least;
    squared = std::ranges::all_of(plan.classes, [](const ClassPlan& c) { return c.squared; });
    if (options.dry_run) return summary;
    if (!options.maps.empty()) {
      std::vector<std::string> bands;
      for (int64_t step = 1; step < dates; ++step) {
        const std::string number = dates > 2 ? " " + std::to_string(step) : "";
        for (const ClassPlan& c : plan.classes) bands.push_back(c.name + " change" + number);
      }
      maps.emplace(options.maps, grid, bands, options.overwrite);
    }
    std::function<void(const MapBlock&)> on_maps;
    if (maps) {
      on_maps = [&](const MapBlock& block) {
        if (maps && !run.attempt(options.maps, [&] { maps->write(block); })) maps.reset();
      };
    }
    objects = extract_series(series, scalings, plan, options, *model, run, most, on_maps);
  } else {
    if (options.dry_run) return summary;
    objects = read_series(series, options.objects, run);
  }
  for (std::size_t k = 0; k < objects.dates.size(); ++k) summary.scenes[k].objects = objects.dates[k].store.size();

  const Stopwatch matching;
  ChangeRules rules;
  rules.least_change = options.least_change;
  rules.tolerance = options.tolerance_m.value_or(series.gsd_m);
  rules.split_needs_ground = options.split_needs_ground.value_or(squared);
  const SeriesChanges found = find_steps(objects, rules, options, summary);
  summary.seconds_objects = objects.seconds;
  summary.seconds_match = matching.seconds();

  const Stopwatch writing;
  write_changes(output, series, found, objects, options.overwrite);
  if (maps) run.attempt(options.maps, [&] { maps->close(); });
  if (!options.shifts.empty()) {
    run.attempt(options.shifts, [&] { write_shifts(options.shifts, series, options.overwrite); });
  }
  if (!options.preview.empty()) {
    run.attempt(options.preview,
                [&] { write_change_preview(options.preview, series, scalings, found, objects, options.overwrite); });
  }
  summary.seconds_write = writing.seconds();
  if (scenes.size() > 2 && !holds_layers(output))
    run.warn(output + ": holds the changes alone; name a .gpkg for the objects of all dates and their tracks.");
  const std::string lost = run.end(output);
  if (!lost.empty()) throw PartialChangeError(lost, summary);
  return summary;
}

/// Throws UsageError for what cannot be asked of so many scenes.
void check_count(const std::vector<std::string>& scenes, const ChangeOptions& options) {
  if (scenes.size() > 2 && options.series.shift_px)
    throw UsageError("--shift: tells the shift of two scenes; those of a series are measured.");
  if (!options.objects.empty() && options.objects.size() != scenes.size()) {
    throw UsageError("there are " + counted(static_cast<int64_t>(scenes.size()), "scene") + " and " +
                     counted(static_cast<int64_t>(options.objects.size()), "layer") +
                     " of objects. Write --objects before each layer, one for each scene, in the same order.");
  }
}

}  // namespace

void ChangeOptions::validate() const {
  RunOptions::validate();
  ObjectOptions::validate();
  series.shift.validate();
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  require(shifts.empty() || (series.align && !series.shift_px),
          "--shifts: no shift is measured with --no-align or --shift.");
  require(objects.empty() || maps.empty(), "--maps: there are none where objects come from layers.");
  require(least_change >= 0 && std::isfinite(least_change), "--least-change must be 0 or more.");
  require(!tolerance_m || (*tolerance_m >= 0 && std::isfinite(*tolerance_m)), "--tolerance must be 0 metres or more.");
  require(!min_change_score || (*min_change_score >= 0 && *min_change_score <= 1),
          "--min-change must lie between 0 and 1.");
  require(!series.first.gsd_m || *series.first.gsd_m > 0, "--gsd must be more than 0 metres.");
  require(!series.shift_px || (std::isfinite(series.shift_px->x) && std::isfinite(series.shift_px->y)),
          "--shift must be two finite numbers.");
}

ChangeSummary detect_change(const std::vector<std::string>& scenes, const std::string& output,
                            const ChangeOptions& options) {
  options.validate();
  check_count(scenes, options);
  ChangeSummary summary;
  const bool extracts = options.objects.empty();
  const std::string folder = extracts ? find_model(options.model) : "";
  SceneRun run(options, files_of(scenes, output, options, folder), summary);
  std::unique_ptr<Segmenter> model;
  if (extracts) model = open_segmenter(folder, options.device, options.precision);
  summary.seconds_model = run.seconds();
  return detect_in(run, summary, scenes, output, options, model.get());
}

ChangeSummary detect_change(const std::vector<std::string>& scenes, const std::string& output,
                            const ChangeOptions& options, const Segmenter& model) {
  options.validate();
  check_count(scenes, options);
  ChangeSummary summary;
  SceneRun run(options, files_of(scenes, output, options, ""), summary);
  return detect_in(run, summary, scenes, output, options, options.objects.empty() ? &model : nullptr);
}

}  // namespace plat
