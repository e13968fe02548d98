// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"
#include "model/model_description.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// A scene on the grid that a model works on.
struct ModelScene {
  RasterReader reader;
  RasterOptions raster;                 ///< how it is read
  double scene_gsd_m = 0;               ///< ground sample distance of the file
  double gsd_m = 0;                     ///< the one that it is read at
  std::optional<double> assumed_gsd_m;  ///< set where the scene has no georeferencing that would tell its pixels' size
  std::vector<std::string> warnings;
};

/// Opens a scene for a model: its bands, and the resolution by `raster.gsd_m`, else the model's unless the scene is far too
/// coarse for it, else the scene's own. Pixels that nearly have the right size are taken as they are. Throws what
/// RasterReader throws, UsageError for a wrong number of bands, DataError where the size of the pixels on the ground cannot
/// be told.
ModelScene open_model_scene(const std::string& scene, const RasterOptions& raster, const ModelDescription& model);
/// The same; without a model at `raster.gsd_m` or the scene's own resolution, and in any bands.
ModelScene open_grid_scene(const std::string& scene, const RasterOptions& raster, const ModelDescription* model);

/// Throws UsageError where a scene is read in another number of bands than the model takes.
void check_bands(const RasterReader& scene, const ModelDescription& model);
/// The bands to ask a reader for, unless others are wished for: none where the reader's own choice suits the model better.
std::vector<std::string> bands_of(const ModelDescription& model);

}  // namespace plat
