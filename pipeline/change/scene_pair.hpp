// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/shift.hpp"
#include "geo/raster_reader.hpp"
#include "model/model_description.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Whose grid two scenes are compared on.
enum class PairGrid { Before, After, Finest };
/// "before", "after" or "finest"; throws UsageError.
PairGrid pair_grid_of(const std::string& text);

/// How two scenes of one place are laid on one another.
struct ScenePairOptions {
  PairGrid grid = PairGrid::Before;
  RasterOptions before;  ///< how the scenes are read; `gsd_m`, `bbox` and `bbox_crs` are looked at here and
                         ///< count for both, `target_grid` and `shift` are not looked at
  RasterOptions after;
  bool align = true;              ///< take the shift between the scenes out
  std::optional<Point> shift_px;  ///< the shift is this, in pixels of the common grid; unset: it is measured
  ShiftOptions shift;             ///< how
  Progress progress;
};

/// Two scenes read on one grid that covers what both show.
struct ScenePair {
  RasterReader before;
  RasterReader after;
  double before_gsd_m = 0;  ///< ground sample distances of the files
  double after_gsd_m = 0;
  double gsd_m = 0;                          ///< of the common grid
  std::optional<double> assumed_gsd_m = {};  ///< set where there is no georeferencing that would tell its pixels' size
  MeasuredShift shift = {};                  ///< what was measured, or given
  bool shifted = false;                      ///< whether it was worth taking out
  std::string before_taken = {};             ///< when they were taken, as "2024-02-11T09:40:00"; empty: not said
  std::string after_taken = {};
  std::vector<std::string> warnings = {};

  const Grid& grid() const { return before.grid(); }
};

/// Opens two scenes on their common grid: that of one of them, at the model's resolution where there is a model, cut to where
/// the other lies; the other is warped on the fly, whatever its CRS and resolution. Says in warnings what looks like a mistake: scenes
/// taken in the other order, the same pixels twice, shifts that cannot be measured. Throws UsageError for one file twice,
/// DataError for scenes that share no ground, of which one names no CRS, or whose shifts disagree without pattern.
ScenePair open_scene_pair(const std::string& before, const std::string& after, const ScenePairOptions& options,
                          const ModelDescription* model);

/// The STAC item beside a raster (`scene.json` of scene.tif), which may say when it was taken; empty where there is none.
std::string stac_item_of(const std::string& raster);
/// The time that a raster was taken, from its metadata or the STAC item beside it, as
/// "2024-02-11T09:40:00" or as much of it as is said; empty where nothing is.
std::string time_taken(const RasterInfo& info);

}  // namespace plat
