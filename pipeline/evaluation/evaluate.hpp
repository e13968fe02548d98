// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"
#include "evaluation/compare_layers.hpp"
#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// What of two files is compared, and where.
struct EvaluateOptions {
  CompareOptions compare;       ///< its gsd_m and area are set from what follows
  std::optional<double> gsd_m;  ///< pixel size of the pixel rates in metres; unset: the scene's or rasters', else 0.5
  std::string predicted_layer;  ///< name of the layer; empty: the only one that has features
  std::string truth_layer;
  std::string area_layer;  ///< of `area`
  /// Rasters: the value that is the class; unset: a raster of one value but 0 is a mask, whose objects are connected
  /// pixels (by their sides), and one of several values holds one object a value.
  std::optional<int64_t> value;
  /// Raster whose rectangle is where the truth is known; with `area` only its pixel size counts. Empty: none.
  std::string scene;
  std::string area;            ///< vector layer of where the truth is known; empty: none
  std::optional<Bounds> bbox;  ///< rectangle where the truth is known
  Crs bbox_crs;                ///< of `bbox`; empty: the truth's
  std::string matches;         ///< vector file for every object with its outcome; empty: none
  bool overwrite = false;
  std::vector<std::string> also_read;  ///< files that the caller has read for this run: no output may replace them
  Progress progress;
};

struct Evaluation {
  Comparison comparison;
  CompareOptions options;             ///< as used, pixel size and area filled in
  std::vector<std::string> warnings;  ///< what was odd about the inputs
};

/// Compares a predicted vector layer or raster with a true one, in any CRS. Two rasters must share one grid; their
/// pixel rates are then exact, and pixels that are unknown in either are left out. Rasters are read by read_mask_values and
/// held in memory. Each part of a feature is an object, as in training. Throws DataError also where the coordinates of a layer
/// cannot be right (wrong_coordinates).
/// Throws IoError, DataError, UsageError.
Evaluation evaluate(const std::string& predicted, const std::string& truth, const EvaluateOptions& options);

}  // namespace plat
