// SPDX-License-Identifier: Apache-2.0
#include "geo/dataset_files.hpp"

#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/output_file.hpp"

#include <filesystem>
#include <system_error>

namespace plat {

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
  const detail::GdalErrors quiet;
  const detail::DatasetHandle dataset(
      GDALOpenEx(path.c_str(), GDAL_OF_RASTER | GDAL_OF_VECTOR | GDAL_OF_READONLY, nullptr, nullptr, nullptr));
  if (!dataset) return files;
  const detail::ListHandle list(GDALGetFileList(dataset.get()));
  for (int i = 0; i < CSLCount(list.get()); ++i) files.emplace_back(CSLGetField(list.get(), i));
  return files;
}

std::vector<std::string> files_written(const std::string& path) { return detail::files_of(path); }

}  // namespace plat
