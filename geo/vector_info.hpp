// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// What a vector layer says of itself.
struct LayerInfo {
  std::string name;
  std::string geometry;  ///< OGR's name of its geometry type, for example "Multi Polygon"
  int64_t features = 0;
  Crs crs;
  Bounds bounds;  ///< empty for layers without geometry
  std::vector<std::string> fields;
};

/// What a vector file says of itself.
struct VectorInfo {
  std::string path;
  std::string driver;  ///< GDAL's short name, for example "GPKG"
  std::vector<LayerInfo> layers;
};

/// Describes a vector file. Throws IoError.
VectorInfo inspect_vector(const std::string& path);

}  // namespace plat
