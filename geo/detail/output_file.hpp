// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat::detail {

/// Whether a path names something that exists (GDAL's virtual paths included).
bool path_exists(const std::string& path);
/// The name that an output gets, which is where a link leads. Throws IoError when the output exists and may not be replaced,
/// or when its folder does not exist.
std::string checked_output(const std::string& path, bool overwrite);
/// The files that belong together under a name: itself and the side-cars that its format may have (a Shapefile's tables
/// and indices, a GeoTIFF's metadata and overviews, SQLite's journals). Old ones must not outlive the file they describe.
std::vector<std::string> files_of(const std::string& path);
/// Removes a file and what belongs to it, silently.
void remove_output(const std::string& path);
/// Gives a complete file its final name; throws IoError.
void rename_output(const std::string& from, const std::string& to);
/// The file's name without folder and extension.
std::string stem_of(const std::string& path);
/// The extension in lower case with its dot; "" where there is none.
std::string extension_of(const std::string& path);

}  // namespace plat::detail
