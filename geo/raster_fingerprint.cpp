// SPDX-License-Identifier: Apache-2.0
#include "geo/raster_fingerprint.hpp"

#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/raster_open.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

namespace plat {
namespace fs = std::filesystem;

std::optional<std::string> raster_fingerprint(const std::string& path) {
  const detail::DatasetHandle file = detail::open_raster(path);
  const detail::ListHandle list(GDALGetFileList(file.get()));
  std::vector<std::string> names;
  for (int i = 0; i < CSLCount(list.get()); ++i) names.emplace_back(CSLGetField(list.get(), i));
  // Folders are listed in any order.
  std::sort(names.begin(), names.end());
  if (names.empty()) return std::nullopt;
  std::string text;
  for (const std::string& name : names) {
    std::error_code error;
    const fs::path real = fs::canonical(name, error);
    if (error) return std::nullopt;
    const auto size = fs::file_size(real, error);
    if (error) return std::nullopt;
    const auto changed = fs::last_write_time(real, error);
    if (error) return std::nullopt;
    text +=
        real.string() + '|' + std::to_string(size) + '|' + std::to_string(changed.time_since_epoch().count()) + '\n';
  }
  return text;
}

}  // namespace plat
