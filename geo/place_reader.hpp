// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// A feature of a vector layer whose points count too.
struct Place {
  int64_t number = 0;         ///< its position in the layer, from 1
  std::vector<Point> points;  ///< of points, multipoints and collections; those of lines and rings are none
  Feature feature;            ///< its polygons and attributes
};

/// Of its points and polygons together.
Bounds bounds(const Place& place);

/// The points and polygons of a vector layer in memory.
struct PlaceLayer {
  std::string name;
  Crs crs;
  std::vector<Place> places;
  int64_t skipped = 0;    ///< features with neither (lines, empty), left out
  int64_t misplaced = 0;  ///< as in FeatureLayer
  std::string warning;    ///< as in FeatureLayer
};

/// Reads the points and polygons of any OGR vector file; layer, coordinates and errors as for read_features.
PlaceLayer read_places(const std::string& path, const std::string& layer = "");

}  // namespace plat
