// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/geometry.hpp"

#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Where an image or a layer lies.
struct Location {
  Bounds box;  ///< in its CRS; empty: it has no georeference, or holds nothing
  Crs crs;
  std::optional<Bounds> degrees;  ///< the same in longitude and latitude, where that can be told
};

/// Of a rectangle in a CRS.
Location location_of(const Bounds& box, const Crs& crs);
/// Of a raster's file; `assigned` replaces its CRS. Throws IoError, DataError.
Location raster_location(const std::string& path, const Crs& assigned);
/// Of a layer of a vector file, chosen as by read_features; `assigned` stands in where it names no CRS. Throws IoError,
/// DataError.
Location layer_location(const std::string& path, const Crs& assigned, const std::string& layer = "");
/// Of a layer in memory.
Location layer_location(const FeatureLayer& layer, const Crs& assigned = {});

/// Whether two places share ground. Without a CRS, their coordinates are taken as those of one frame.
bool overlap(const Location& a, const Location& b);

/// What is wrong with the coordinates of a layer that shares no ground with others, which `name` calls in the sentence: they
/// are of another CRS than it says, or latitude comes before longitude. Unset where they may be right.
std::optional<std::string> wrong_coordinates(const Location& layer, const std::vector<Location>& others,
                                             const std::string& name);

/// Why a layer lies on none of these images and what to do about it: no CRS, coordinates of another CRS, latitude before
/// longitude, or just elsewhere.
std::string misplacement(const Location& layer, const std::vector<Location>& images);

}  // namespace plat
