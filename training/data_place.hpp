// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Where an image or a layer lies.
struct DataPlace {
  Bounds box;  ///< in its CRS; empty: it has no georeference, or holds nothing
  Crs crs;
  std::optional<Bounds> degrees;  ///< the same in longitude and latitude, where that can be told
};

/// Of a raster's file; `assigned` replaces its CRS. Throws IoError, DataError.
DataPlace raster_place(const std::string& path, const Crs& assigned);
/// Of the first layer of a vector file; `assigned` stands in where it names no CRS. Throws IoError, DataError.
DataPlace layer_place(const std::string& path, const Crs& assigned);

/// Whether two places share ground. Without a CRS, their coordinates are taken as those of one frame.
bool overlap(const DataPlace& a, const DataPlace& b);

/// Why a layer lies on none of these images and what to do about it: no CRS, coordinates of another CRS, latitude before
/// longitude, or just elsewhere.
std::string misplacement(const DataPlace& layer, const std::vector<DataPlace>& images);

}  // namespace plat
