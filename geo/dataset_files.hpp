// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat {

/// The files that a raster or a layer is read from: itself, its side-cars, the sources of a VRT. Of what GDAL cannot open, and of
/// its virtual paths (/vsi…), only the path itself; of a folder the files in it.
std::vector<std::string> files_read(const std::string& path);
/// The files that an output of this name may replace or remove: itself and the side-cars of its format.
std::vector<std::string> files_written(const std::string& path);

}  // namespace plat
