// SPDX-License-Identifier: Apache-2.0
#include "geo/dataset_files.hpp"

#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/output_file.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace plat {

namespace {

/// The files of a dataset as GDAL lists them: those that a VRT names, but not what these are read from.
std::vector<std::string> files_of_dataset(const std::string& path) {
  const detail::GdalErrors quiet;
  std::vector<std::string> files;
  const detail::DatasetHandle dataset(
      GDALOpenEx(path.c_str(), GDAL_OF_RASTER | GDAL_OF_VECTOR | GDAL_OF_READONLY, nullptr, nullptr, nullptr));
  if (!dataset) return files;
  const detail::ListHandle list(GDALGetFileList(dataset.get()));
  for (int i = 0; i < CSLCount(list.get()); ++i) files.emplace_back(CSLGetField(list.get(), i));
  return files;
}

}  // namespace

std::vector<std::string> files_read(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> files{path};
  if (path.empty() || path.starts_with("/vsi")) return files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (const auto& entry : fs::directory_iterator(path, error)) {
      if (entry.is_regular_file(error)) files.push_back(entry.path().string());
    }
    return files;
  }
  // Sources of a VRT may be VRTs.
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0 && detail::extension_of(files[i]) != ".vrt") continue;
    for (const std::string& file : files_of_dataset(files[i])) {
      if (std::ranges::find(files, file) == files.end()) files.push_back(file);
    }
  }
  return files;
}

std::vector<std::string> files_written(const std::string& path) { return detail::files_of(path); }

}  // namespace plat
