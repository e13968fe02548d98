// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"

#include <string>

namespace plat {

/// Throws IoError when a file cannot be written at `path`: its folder is missing or not writable, or something is there
/// already and `overwrite` is off. Called before a long run. GDAL's virtual paths (/vsi…) are not checked.
void check_output_path(const std::string& path, bool overwrite);
/// Throws DataError when the scene has no CRS and `path` is to become a GeoJSON, which needs one.
void check_output_crs(const std::string& path, const std::string& scene, const Crs& crs);

}  // namespace plat
