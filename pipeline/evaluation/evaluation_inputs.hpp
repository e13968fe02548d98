// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/compare_layers.hpp"
#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/location.hpp"
#include "geo/mask_values.hpp"
#include "pipeline/evaluation/evaluate.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Whether a file is taken for a raster, by its extension.
bool is_raster(const std::string& path);

/// Reads a layer of outlines and adds what is odd about it to the warnings. Throws IoError, and DataError where none of its
/// features has an area.
FeatureLayer read_outlines(const std::string& path, const std::string& layer, std::vector<std::string>& warnings);
/// The same with the parts of each feature as objects of their own, as in training: a file may keep all roofs in one feature.
FeatureLayer read_objects(const std::string& path, const std::string& layer, std::vector<std::string>& warnings);

/// One side of a comparison and where it lies.
struct PlacedSide {
  const std::string& path;
  std::string name;
  Location place;
};
/// Throws DataError where the coordinates of a side cannot be right. Of two that fit each other's CRS, the one that says metres
/// and holds degrees is wrong, and the truth is trusted longest.
void check_places(const PlacedSide& predicted, const PlacedSide& truth);

/// Whether two rasters lie on one grid.
bool on_same_grid(const MaskValues& a, const MaskValues& b);

/// Sets where the truth is known, as the options say, and the pixel size by the scene where it is not set. Throws UsageError
/// where they say it twice.
void set_area(CompareOptions& compare, const EvaluateOptions& options, const Crs& truth_crs,
              std::optional<double>& gsd_m);

}  // namespace plat
