// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/grid.hpp"

#include <string>
#include <vector>

namespace plat {

/// The joined pixels of one or more rasters.
struct LoadedScene {
  std::vector<std::string> paths;
  Grid grid;
  double gsd_m = 0;
  Image<uint8_t> pixels;  ///< three bands
  Image<uint8_t> valid;   ///< 1 where a raster has data
};

/// Reads rasters at their own resolution, or at half of `gsd_m` where they are finer than that, scaled to bytes; those that
/// touch or overlap and share CRS and resolution become one scene. Throws IoError, DataError.
std::vector<LoadedScene> load_scenes(const std::vector<std::string>& paths, const std::vector<std::string>& bands,
                                     double gsd_m);

}  // namespace plat
