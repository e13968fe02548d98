// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change.hpp"

#include "core/log.hpp"
#include "core/memory.hpp"
#include "model/segmenter.hpp"
#include "pipeline/change/change_outputs.hpp"
#include "pipeline/change/dated_objects.hpp"
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

RunFiles files_of(const std::string& before, const std::string& after, const std::string& output,
                  const ChangeOptions& options, const std::string& model) {
  if (!options.dry_run) {
    check_vector_output(output);
    if (!options.shifts.empty()) check_vector_output(options.shifts);
  }
  return {
      {before, after, model, options.before_objects, options.after_objects, stac_item_of(before), stac_item_of(after)},
      options.also_read,
      {output, options.maps, options.preview, options.shifts},
      options.overwrite};
}

/// Ground that only one date's outlines cover.
struct LoneGround {
  double area = 0;
  double doubt = 0;  ///< mean there of the other date's map, 0..1
};

LoneGround lone_ground(const std::vector<int64_t>& own, const DatedObjects& of, double own_area, double common,
                       const std::vector<int64_t>& other, const DatedObjects& of_other) {
  LoneGround lone{own_area - common, 0};
  if (!(lone.area > 1e-9)) return {};
  double mass = 0;
  for (const int64_t i : own) mass += static_cast<double>(of.evidence[static_cast<std::size_t>(i)]) * of.store.area(i);
  // On the common ground the other date's map is as sure as its objects are.
  double score = 0;
  double area = 0;
  for (const int64_t i : other) {
    score += static_cast<double>(of_other.store.facts(i).score) * of_other.store.area(i);
    area += of_other.store.area(i);
  }
  if (area > 0) mass -= score / area * common;
  lone.doubt = std::clamp(mass / lone.area, 0.0, 1.0);
  return lone;
}

/// The probability of a change by the maps: that of the ground that makes it; the objects' own score where that is none.
double score_of(const ObjectChange& change, const PairObjects& objects, double least_change, bool split_needs_ground) {
  const double common = change.iou * (change.area_before + change.area_after) / (1 + change.iou);
  const LoneGround gained =
      lone_ground(change.after, objects.after, change.area_after, common, change.before, objects.before);
  const LoneGround lost =
      lone_ground(change.before, objects.before, change.area_before, common, change.after, objects.after);
  switch (change.kind) {
    case ChangeKind::Appeared:
    case ChangeKind::Grown: return change.score * (1 - gained.doubt);
    case ChangeKind::Vanished:
    case ChangeKind::Shrunk: return change.score * (1 - lost.doubt);
    case ChangeKind::Split:
    case ChangeKind::Merged:
    case ChangeKind::Redrawn: {
      if (!split_needs_ground) return change.score;
      // Where it is the ground that counts, one date must surely have some, as much as makes an object grow, that the other lacks.
      const double enough = least_change * std::min(change.area_before, change.area_after);
      double sure = 0;
      for (const LoneGround& lone : {gained, lost}) {
        if (lone.area >= enough) sure = std::max(sure, 1 - lone.doubt);
      }
      return change.score * sure;
    }
    case ChangeKind::Unchanged:
    case ChangeKind::Unknown: break;
  }
  return change.score;
}

/// Lets the maps have their say: what is sure on one date needs little on the other to be still there.
void weigh_evidence(ObjectChanges& found, const PairObjects& objects, const ChangeOptions& options,
                    bool split_needs_ground, ChangeSummary& summary) {
  if (objects.least_scores.empty() || options.min_change_score == 0.0) return;
  for (ObjectChange& change : found.changes) {
    if (change.kind == ChangeKind::Unchanged || change.kind == ChangeKind::Unknown) continue;
    const double usual =
        std::max(kLeastChangeScore, objects.least_scores[static_cast<std::size_t>(change.class_index)]);
    const double score = score_of(change, objects, options.least_change, split_needs_ground);
    if (score >= options.min_change_score.value_or(usual)) {
      change.score = static_cast<float>(score);
    } else {
      change.kind = ChangeKind::Unchanged;
      ++summary.unsure;
    }
  }
}

double ground_of(const std::vector<int64_t>& objects, const DatedObjects& of) {
  double sum = 0;
  for (const int64_t i : objects) sum += of.area_m2[static_cast<std::size_t>(i)];
  return sum;
}

/// Areas on the ground in place of those in the plane, and the totals of them.
void measure_ground(ObjectChanges& found, const PairObjects& objects, ChangeSummary& summary) {
  for (ObjectChange& change : found.changes) {
    change.area_before = ground_of(change.before, objects.before);
    change.area_after = ground_of(change.after, objects.after);
    ChangeTotal& total = summary.totals[static_cast<std::size_t>(change.kind)];
    ++total.count;
    total.area_before += change.area_before;
    total.area_after += change.area_after;
  }
}

void describe(const ScenePair& pair, SceneRun& run, ChangeSummary& summary) {
  const Grid& grid = pair.grid();
  summary.width = grid.width;
  summary.height = grid.height;
  summary.gsd_m = pair.gsd_m;
  summary.before_gsd_m = pair.before_gsd_m;
  summary.after_gsd_m = pair.after_gsd_m;
  summary.before_taken = pair.before_taken;
  summary.after_taken = pair.after_taken;
  summary.shift = pair.shift;
  summary.shifted = pair.shifted;
  for (const std::string& text : pair.warnings) run.warn(text);
  if (!pair.shift.blocks.empty()) log_info(pair.shift.text());
}

ChangeSummary detect_in(SceneRun& run, ChangeSummary& summary, const std::string& before, const std::string& after,
                        const std::string& output, const ChangeOptions& options, const Segmenter* model) {
  const ThreadBudget threads = ThreadBudget::make(options.threads, model != nullptr && model->on_card());
  run.limit_threads(threads.total);
  summary.threads = threads.total;
  const Stopwatch aligning;
  ScenePair pair = open_scene_pair(before, after, options.pair, model != nullptr ? &model->description() : nullptr);
  describe(pair, run, summary);
  PairScaling scaling;
  if (model != nullptr || !options.preview.empty()) {
    scaling = scale_pair(pair.before, pair.after, options.normalize);
    summary.radiometry = scaling.fit;
  }
  summary.seconds_align = aligning.seconds();
  const Grid grid = pair.grid();
  check_output_crs(output, before, grid.crs);

  PairObjects objects;
  std::optional<MapWriter> maps;
  bool squared = false;
  if (model != nullptr) {
    summary.model = model->description().name;
    // What outlines, and what is found of them, may take: as much as a scene of nothing but small objects has, or a fourth;
    // less where tiles leave less.
    const int64_t wanted = std::min(run.ram_bytes() / 4, 2 * grid.width * grid.height + 1'000'000);
    const int64_t least = std::min(run.ram_bytes() / 16, wanted);
    const WorkPlan plan = plan_work({&pair.before, &pair.after}, pair.gsd_m, pair.assumed_gsd_m, options, options,
                                    *model, run.ram_bytes(), least);
    const int64_t most = std::min(wanted, least + run.ram_bytes() - plan.memory.total());
    summary.tiles = plan.tiles.size();
    summary.tiles_in_flight = plan.memory.tiles_in_flight;
    summary.estimated_bytes = plan.memory.total() + most - least;
    squared = std::ranges::all_of(plan.classes, [](const ClassPlan& c) { return c.squared; });
    if (options.dry_run) return summary;
    std::vector<std::string> bands;
    for (const ClassPlan& c : plan.classes) bands.push_back(c.name + " change");
    if (!options.maps.empty()) maps.emplace(options.maps, grid, bands, options.overwrite);
    std::function<void(const Strip&)> on_maps;
    if (maps) {
      on_maps = [&](const Strip& strip) {
        if (maps && !run.attempt(options.maps, [&] { maps->write(strip); })) maps.reset();
      };
    }
    objects = extract_pair(pair, scaling, plan, options, *model, run, most, on_maps);
  } else {
    if (options.dry_run) return summary;
    objects =
        read_pair(pair, options.before_objects, options.before_layer, options.after_objects, options.after_layer, run);
  }
  summary.before_objects = objects.before.store.size();
  summary.after_objects = objects.after.store.size();

  const Stopwatch matching;
  ChangeRules rules;
  rules.least_change = options.least_change;
  rules.tolerance = options.tolerance_m.value_or(pair.gsd_m);
  rules.split_needs_ground = options.split_needs_ground.value_or(squared);
  ObjectChanges found = find_changes(objects.before.store, objects.after.store, rules);
  weigh_evidence(found, objects, options, rules.split_needs_ground, summary);
  measure_ground(found, objects, summary);
  summary.seconds_objects = objects.seconds;
  summary.seconds_match = matching.seconds();

  const Stopwatch writing;
  write_changes(output, pair, found, objects, options.overwrite);
  if (maps) run.attempt(options.maps, [&] { maps->close(); });
  if (!options.shifts.empty()) {
    run.attempt(options.shifts, [&] { write_shifts(options.shifts, pair, options.overwrite); });
  }
  if (!options.preview.empty()) {
    run.attempt(options.preview,
                [&] { write_change_preview(options.preview, pair, scaling, found, objects, options.overwrite); });
  }
  summary.seconds_write = writing.seconds();
  const std::string lost = run.end(output);
  if (!lost.empty()) throw PartialChangeError(lost, summary);
  return summary;
}

}  // namespace

void ChangeOptions::validate() const {
  RunOptions::validate();
  ObjectOptions::validate();
  pair.shift.validate();
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  require(before_objects.empty() == after_objects.empty(),
          "--before-objects and --after-objects: give both layers or none.");
  require(before_objects.empty() || maps.empty(), "--maps: there are none where objects come from layers.");
  require(least_change >= 0 && std::isfinite(least_change), "--least-change must be 0 or more.");
  require(!tolerance_m || (*tolerance_m >= 0 && std::isfinite(*tolerance_m)), "--tolerance must be 0 metres or more.");
  require(!min_change_score || (*min_change_score >= 0 && *min_change_score <= 1),
          "--min-change must lie between 0 and 1.");
  require(!pair.before.gsd_m || *pair.before.gsd_m > 0, "--gsd must be more than 0 metres.");
  require(!pair.shift_px || (std::isfinite(pair.shift_px->x) && std::isfinite(pair.shift_px->y)),
          "--shift must be two finite numbers.");
}

ChangeSummary detect_change(const std::string& before, const std::string& after, const std::string& output,
                            const ChangeOptions& options) {
  options.validate();
  ChangeSummary summary;
  const bool extracts = options.before_objects.empty();
  const std::string folder = extracts ? find_model(options.model) : "";
  SceneRun run(options, files_of(before, after, output, options, folder), summary);
  std::unique_ptr<Segmenter> model;
  if (extracts) model = open_segmenter(folder, options.device, options.precision);
  summary.seconds_model = run.seconds();
  return detect_in(run, summary, before, after, output, options, model.get());
}

ChangeSummary detect_change(const std::string& before, const std::string& after, const std::string& output,
                            const ChangeOptions& options, const Segmenter& model) {
  options.validate();
  ChangeSummary summary;
  SceneRun run(options, files_of(before, after, output, options, ""), summary);
  return detect_in(run, summary, before, after, output, options, options.before_objects.empty() ? &model : nullptr);
}

}  // namespace plat
