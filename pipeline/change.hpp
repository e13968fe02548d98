// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "pipeline/change/dated_objects.hpp"
#include "pipeline/change/evidence.hpp"
#include "pipeline/change/pair_scaling.hpp"
#include "pipeline/change/scene_series.hpp"
#include "pipeline/object_options.hpp"
#include "pipeline/scene_run.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

class Segmenter;

struct ChangeOptions : RunOptions, ObjectOptions {
  SceneSeriesOptions series;
  /// Polygon layers of the objects at each date in place of a model; none, or one for each scene.
  std::vector<ObjectLayer> objects;
  /// How the later scenes' values become those of the first before the model sees them, and in the preview.
  Normalization normalize = Normalization::Auto;
  std::string shifts;                 ///< layer path for the blocks whose shift was measured; empty: none
  double least_change = 0.25;         ///< share of its area by which an object has grown or shrunk, >= 0
  std::optional<double> tolerance_m;  ///< how far outlines may be drawn too far out or in, >= 0; unset: a pixel
  /// Least probability of a change, in [0, 1] (weigh_evidence); unset: what objects of its class need. 0: outlines alone decide.
  std::optional<double> min_change_score;
  /// Whether a split or merger whose ground stays the same counts as unchanged; unset: for classes that are squared.
  std::optional<bool> split_needs_ground;
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

/// What is told of a scene of the series.
struct SceneSummary {
  std::string path;
  std::string taken;  ///< empty: not said
  double gsd_m = 0;   ///< of the file
  MeasuredShift shift;
  bool shifted = false;  ///< whether the shift was taken out
  /// What was done to a later scene's values; unset where only layers were compared.
  std::optional<RadiometricFit> radiometry = {};
  int64_t objects = 0;
};

/// What is told of the step from one scene to the next.
struct StepSummary {
  std::array<ChangeTotal, kChangeKinds> totals{};  ///< by kind; areas in square metres on the ground
  int64_t unsure = 0;                              ///< changes less probable than wanted, which count as unchanged

  const ChangeTotal& total(ChangeKind kind) const { return totals[static_cast<std::size_t>(kind)]; }
};

/// Objects through a series.
struct TrackTotals {
  int64_t count = 0;
  int64_t throughout = 0;  ///< on every date
  int64_t begun = 0;       ///< surely begun after the first date
  int64_t ended = 0;       ///< surely ended before the last, those that have begun as well
  int64_t unclear = 0;     ///< none of these: on some date they were not seen, or the maps do not say so clearly
};

struct ChangeSummary : RunSummary {
  int64_t width = 0;  ///< of the common grid
  int64_t height = 0;
  double gsd_m = 0;
  std::vector<SceneSummary> scenes;
  std::vector<StepSummary> steps;  ///< one fewer
  TrackTotals tracks;
  double seconds_align = 0;
  double seconds_match = 0;
};

using PartialChangeError = PartialRun<ChangeSummary>;

/// Tells what became of the objects of a class from scene to scene, the earliest first: all are laid on one grid (open_scene_series), their
/// values made comparable (match_scaling), the objects of each are extracted as `extract` does, or read from layers, and matched with those of the
/// next (find_changes). Writes the layer of changes with the attributes id, kind, class, score, area_before_m2, area_after_m2,
/// iou, before_id, after_id (of several: the first; before_ids and after_ids then list them all), with the outline after, or before where it
/// has vanished; into a GeoPackage the layers `before` and `after` too. Of three scenes and more each change names its step, ids are those that
/// objects keep through the series (ObjectTracker), and a GeoPackage holds the layers `objects` and `tracks`. What a date does not show (missing
/// data, the edge of the scenes) is of kind unknown. Streamed but for the objects themselves: the
/// scenes' memory stays within `ram_bytes`. Same input and options, same bytes, for any number of threads. Throws what the parts
/// throw; PartialChangeError where tiles failed or a further output could not be written.
ChangeSummary detect_change(const std::vector<std::string>& scenes, const std::string& output,
                            const ChangeOptions& options);
/// The same with a model that is open already; `options.model` and `options.device` are not looked at.
ChangeSummary detect_change(const std::vector<std::string>& scenes, const std::string& output,
                            const ChangeOptions& options, const Segmenter& model);

}  // namespace plat
