// SPDX-License-Identifier: Apache-2.0
#include "pipeline/output_check.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace plat {
namespace fs = std::filesystem;

void check_output_path(const std::string& path, bool overwrite) {
  if (path.starts_with("/vsi")) return;
  std::error_code error;
  if (fs::is_directory(path, error)) throw IoError(path + ": is a folder. Name a file to write.");
  if (fs::exists(path, error) && !overwrite) throw IoError(path + ": exists already. Pass --overwrite to replace it.");
  const fs::path parent = fs::path(path).parent_path();
  const fs::path folder = parent.empty() ? fs::path(".") : parent;
  if (!fs::is_directory(folder, error)) {
    throw IoError(path + ": the folder " + folder.string() + " does not exist. Make it first, or write elsewhere.");
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw IoError(path + ": the folder " + folder.string() + " is not writable. Write elsewhere.");
  }
}

void check_output_crs(const std::string& path, const std::string& scene, const Crs& crs) {
  const std::string extension = lower(fs::path(path).extension().string());
  const bool geojson =
      extension == ".geojson" || extension == ".json" || extension == ".geojsonl" || extension == ".geojsons";
  if (!geojson || !crs.empty()) return;
  throw DataError(scene +
                  ": no CRS, and GeoJSON needs one. Pass --assign-crs EPSG:xxxx, or write .gpkg, .fgb or .shp.");
}

}  // namespace plat
