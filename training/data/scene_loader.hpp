// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "geo/grid.hpp"
#include "geo/raster_reader.hpp"
#include "training/data/model_grid.hpp"

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

/// A raster of a scene, and how it is read.
struct SceneRaster {
  std::string path;
  Grid grid;  ///< at the scene's resolution
  RasterOptions options;
};

/// A scene as the headers of one or more rasters tell it: no pixel of it is in memory.
struct SceneFrame {
  std::vector<std::size_t> files;  ///< positions of its rasters in what was asked for
  Grid grid;
  double gsd_m = 0;
  bool georeferenced = true;
  /// From a file's pixels to `grid`'s coordinates, of a scene of one file; unset where no plane does that (GCPs, RPCs).
  std::optional<Affine> world_from_file;
  int64_t file_width = 0;
  int64_t file_height = 0;
  /// Size of the grid that extraction reads the scene on, which covers the same ground. Rasters that are joined here it reads one
  /// by one.
  int64_t model_width = 0;
  int64_t model_height = 0;
  std::vector<SceneRaster> rasters;

  /// That grid, for a part of the scene.
  ModelGrid model_grid(const Window& part) const;
};

/// The joined pixels of a scene, or of a part of it.
struct LoadedScene {
  Grid grid;
  Image<uint8_t> pixels;  ///< three bands
  Image<uint8_t> valid;   ///< 1 where a raster has data
};

/// What GDAL's block cache needs to hold while scenes are read, in bytes.
inline constexpr int64_t kSceneCacheBytes = 128'000'000;
/// What load_scene() takes beside its result at most, in bytes, where the cache is no larger than that.
inline constexpr int64_t kSceneReadBytes = kSceneCacheBytes + 150'000'000;

/// Opens rasters, which will be read at their own resolution, or at half of `gsd_m` where they are finer than that; those of a
/// group that touch or overlap and share CRS and resolution become one scene. Throws IoError, DataError, UsageError.
std::vector<SceneFrame> plan_scenes(const std::vector<SceneFile>& files, const SceneOptions& options);

/// Reads a part of a scene, a window of its grid, scaled to bytes as the whole would be. Throws IoError, DataError.
LoadedScene load_scene(const SceneFrame& frame, const Window& part);

/// Throws UsageError where a scene would be shown so much finer than it is that crops hold nothing to learn from.
void require_sensible_gsd(double gsd_m, double scene_gsd_m, const std::string& scene);

}  // namespace plat
