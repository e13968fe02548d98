// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "pipeline/change/pair_scaling.hpp"
#include "pipeline/change/scene_pair.hpp"
#include "pipeline/object_options.hpp"
#include "pipeline/scene_run.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace plat {

class Segmenter;

inline constexpr double kLeastChangeScore = 0.5;

struct ChangeOptions : RunOptions, ObjectOptions {
  ScenePairOptions pair;
  /// Polygon layers of the objects at both dates, in any CRS, in place of a model; both or none.
  std::string before_objects;
  std::string after_objects;
  std::string before_layer;  ///< the layer of that file; empty: the only one that has features
  std::string after_layer;
  /// How the later scene's values become those of the earlier before the model sees them, and in the preview.
  Normalization normalize = Normalization::Auto;
  std::string shifts;                 ///< layer path for the blocks whose shift was measured; empty: none
  double least_change = 0.25;         ///< share of its area by which an object has grown or shrunk, >= 0
  std::optional<double> tolerance_m;  ///< how far outlines may be drawn too far out or in, >= 0; unset: a pixel
  /// Least probability of a change, in [0, 1]: that an object is there on one date (its score) and is not on the other (1 less
  /// the mean of that date's map where only the first has an outline). What is sure on one date and faint on the other is still
  /// there; 0: the maps have no say. Unset: the least score of the class's objects, at least kLeastChangeScore.
  std::optional<double> min_change_score;
  /// Whether a split or merger whose ground stays the same counts as unchanged; unset: for classes that are squared.
  std::optional<bool> split_needs_ground;
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct ChangeSummary : RunSummary {
  int64_t width = 0;  ///< of the common grid
  int64_t height = 0;
  double gsd_m = 0;
  double before_gsd_m = 0;  ///< of the files
  double after_gsd_m = 0;
  std::string before_taken;  ///< empty: not said
  std::string after_taken;
  MeasuredShift shift;
  bool shifted = false;  ///< whether the shift was taken out
  /// What was done to the later scene's values; unset where only layers were compared.
  std::optional<RadiometricFit> radiometry;
  int64_t before_objects = 0;
  int64_t after_objects = 0;
  std::array<ChangeTotal, kChangeKinds> totals{};  ///< by kind; areas in square metres on the ground
  int64_t unsure = 0;                              ///< changes less probable than wanted, which count as unchanged
  double seconds_align = 0;
  double seconds_match = 0;

  const ChangeTotal& total(ChangeKind kind) const { return totals[static_cast<std::size_t>(kind)]; }
};

using PartialChangeError = PartialRun<ChangeSummary>;

/// Tells what became of the objects of a class between two scenes: both are laid on one grid (open_scene_pair), their values made comparable (scale_pair), the objects of
/// both are extracted as `extract` does, or read from layers, and matched (find_changes). Writes the layer of changes with the
/// attributes id, kind, class, score, area_before_m2, area_after_m2, iou, before_id, after_id (of several: the first; before_ids
/// and after_ids then list them all), with the outline after, or before where it has vanished; into a GeoPackage the layers `before` and `after`
/// too. What a date does not show (missing data, the edge of the scenes) is of kind unknown. Streamed but for the objects themselves: the
/// scenes' memory stays within `ram_bytes`. Same input and options, same bytes, for any number of threads. Throws what the parts
/// throw; PartialChangeError where tiles failed or a further output could not be written.
ChangeSummary detect_change(const std::string& before, const std::string& after, const std::string& output,
                            const ChangeOptions& options);
/// The same with a model that is open already; `options.model` and `options.device` are not looked at.
ChangeSummary detect_change(const std::string& before, const std::string& after, const std::string& output,
                            const ChangeOptions& options, const Segmenter& model);

}  // namespace plat
