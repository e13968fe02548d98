// SPDX-License-Identifier: Apache-2.0
#include "pipeline/output_check.hpp"

#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "core/text.hpp"
#include "geo/dataset_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

namespace plat {
namespace fs = std::filesystem;
namespace {

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

/// Whether an output's files and those of another name have one in common.
bool share_a_file(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& one) {
    return std::ranges::any_of(b, [&](const std::string& other) { return same_file(one, other); });
  });
}

}  // namespace

void check_outputs(const RunFiles& files) {
  for (const std::string& output : files.outputs) {
    if (!output.empty()) check_output_path(output, files.overwrite);
  }
  std::vector<std::string> read;
  for (const auto* inputs : {&files.inputs, &files.also_read}) {
    for (const std::string& input : *inputs) {
      if (!input.empty()) std::ranges::move(files_read(input), std::back_inserter(read));
    }
  }
  for (auto output = files.outputs.begin(); output != files.outputs.end(); ++output) {
    if (output->empty()) continue;
    const std::vector<std::string> written = files_written(*output);
    if (share_a_file(written, read)) throw UsageError(*output + ": is what is read; name another file to write.");
    for (auto other = files.outputs.begin(); other != output; ++other) {
      if (!other->empty() && share_a_file(written, files_written(*other)))
        throw UsageError(*output + ": is the name of two outputs; give each its own.");
    }
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
