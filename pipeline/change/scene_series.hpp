// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/shift.hpp"
#include "geo/raster_reader.hpp"
#include "model/model_description.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Whose grid the scenes of a series are compared on: of a pair before and after.
enum class SeriesGrid { First, Last, Finest };
/// "before", "after" or "finest"; throws UsageError.
SeriesGrid series_grid_of(const std::string& text);

/// How scenes of one place, from the earliest to the latest, are laid on one another.
struct SceneSeriesOptions {
  SeriesGrid grid = SeriesGrid::First;
  RasterOptions first;  ///< how the first scene is read; `gsd_m`, `bbox` and `bbox_crs` are looked at here and
                        ///< count for all, `target_grid` and `shift` are not looked at
  RasterOptions later;  ///< how the others are
  bool align = true;    ///< take the shifts between the scenes out
  std::optional<Point> shift_px;  ///< the shift of a pair is this, in pixels of the common grid; unset: it is measured
  ShiftOptions shift;             ///< how
  Progress progress;
};

/// A scene of a series.
struct DatedScene {
  RasterReader reader;
  double gsd_m = 0;          ///< ground sample distance of the file
  std::string taken = {};    ///< when, as "2024-02-11T09:40:00"; empty: not said
  MeasuredShift shift = {};  ///< from the first scene, as measured or given; of the first none
  bool shifted = false;      ///< whether it was worth taking out

  const std::string& path() const { return reader.info().path; }
};

/// Scenes read on one grid that covers what two of them show at least.
struct SceneSeries {
  std::vector<DatedScene> scenes;            ///< two or more, from the earliest to the latest
  double gsd_m = 0;                          ///< of the common grid
  std::optional<double> assumed_gsd_m = {};  ///< set where there is no georeferencing that would tell its pixels' size
  std::vector<std::string> warnings = {};

  const Grid& grid() const { return scenes.front().reader.grid(); }
  /// The names of the scenes, for sentences.
  std::string names() const;
};

/// Opens scenes on their common grid: that of one of them, at the model's resolution where there is a model, cut to where
/// others lie; these are warped on the fly, whatever their CRS and resolution. Shifts are measured from the first scene or, where that
/// tells nothing, from the scene before, and taken out. Says in warnings what looks like a mistake: scenes taken in another order, the same pixels twice,
/// shifts that cannot be measured. Throws UsageError for fewer than two scenes or one file twice, DataError for a scene that shares no ground
/// with the one whose grid it is, scenes of which only some name a CRS, and shifts that disagree without pattern.
SceneSeries open_scene_series(const std::vector<std::string>& paths, const SceneSeriesOptions& options,
                              const ModelDescription* model);

/// The STAC item beside a raster (`scene.json` of scene.tif), which may say when it was taken; empty where there is none.
std::string stac_item_of(const std::string& raster);
/// The time that a raster was taken, from its metadata or the STAC item beside it, as
/// "2024-02-11T09:40:00" or as much of it as is said; empty where nothing is.
std::string time_taken(const RasterInfo& info);

}  // namespace plat
