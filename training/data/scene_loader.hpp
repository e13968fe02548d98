// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/grid.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// A raster to load.
struct SceneFile {
  std::string path;
  std::string group;  ///< only rasters of the same group are joined; empty: never
};

/// How rasters become scenes.
struct SceneOptions {
  std::vector<std::string> bands;     ///< as in RasterOptions; three
  double gsd_m = 0.3;                 ///< ground sample distance of the model, metres
  std::optional<double> image_gsd_m;  ///< of rasters without georeference; unset: the model's
  Crs assign_crs;                     ///< of the others, in place of their own; empty: their own
};

/// The joined pixels of one or more rasters.
struct LoadedScene {
  std::vector<std::size_t> files;  ///< positions of its rasters in what was asked for
  Grid grid;
  double gsd_m = 0;
  bool georeferenced = true;
  /// From a file's pixels to `grid`'s coordinates, of a scene of one file; unset where no plane does that (GCPs, RPCs).
  std::optional<Affine> world_from_file;
  int64_t file_width = 0;
  int64_t file_height = 0;
  Image<uint8_t> pixels;  ///< three bands
  Image<uint8_t> valid;   ///< 1 where a raster has data
};

/// Reads rasters at their own resolution, or at half of `gsd_m` where they are finer than that, scaled to bytes; those of a
/// group that touch or overlap and share CRS and resolution become one scene. Throws IoError, DataError, UsageError.
std::vector<LoadedScene> load_scenes(const std::vector<SceneFile>& files, const SceneOptions& options);

}  // namespace plat
