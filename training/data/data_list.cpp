// SPDX-License-Identifier: Apache-2.0
#include "training/data/data_list.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

namespace plat {
namespace {

std::vector<std::string> cells_of(const std::string& line) {
  char separator = ',';
  for (const char candidate : {'\t', ';'}) {
    if (line.find(candidate) != std::string::npos) separator = candidate;
  }
  std::vector<std::string> cells = split(line, separator);
  for (std::string& cell : cells) {
    cell = trim(cell);
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') cell = cell.substr(1, cell.size() - 2);
  }
  return cells;
}

std::optional<std::size_t> column(const std::vector<std::string>& head, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (std::find(names.begin(), names.end(), lower(head[i])) != names.end()) return i;
  }
  return std::nullopt;
}

bool there(const std::string& path) { return path.starts_with("/vsi") || std::filesystem::exists(path); }

}  // namespace

std::string resolved_path(const std::string& href, const std::string& file) {
  if (href.starts_with("http://") || href.starts_with("https://")) return "/vsicurl/" + href;
  if (href.starts_with("s3://")) return "/vsis3/" + href.substr(5);
  if (href.starts_with("gs://")) return "/vsigs/" + href.substr(5);
  if (href.starts_with("/vsi")) return href;
  const auto beside = [&file](const std::string& local) {
    return (std::filesystem::path(file).parent_path() / local).lexically_normal().string();
  };
  std::string local = href.starts_with("file://") ? href.substr(7) : href;
  if (!there(beside(local))) std::replace(local.begin(), local.end(), '\\', '/');
  return beside(local);
}

std::vector<ListedImage> read_data_list(const std::string& path) {
  std::istringstream file(read_text_file(path));
  std::vector<ListedImage> images;
  std::size_t image_column = 0;
  std::size_t label_column = 1;
  bool first = true;
  int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (trim(line).empty() || trim(line).front() == '#') continue;
    const std::vector<std::string> cells = cells_of(line);
    if (std::exchange(first, false)) {
      if (const auto found = column(cells, {"image", "images", "scene", "raster", "file", "filename", "path"})) {
        image_column = *found;
        label_column =
            column(cells, {"labels", "label", "mask", "masks", "annotation", "annotations"}).value_or(cells.size());
        continue;
      }
    }
    const auto cell = [&cells](std::size_t i) { return i < cells.size() ? cells[i] : std::string(); };
    ListedImage listed;
    for (const auto& [name, place] :
         {std::pair{cell(image_column), &listed.image}, {cell(label_column), &listed.labels}}) {
      if (name.empty()) continue;
      *place = resolved_path(name, path);
      if (!there(*place)) {
        throw DataError(path + ", line " + std::to_string(number) + ": there is no " + *place +
                        "; lines are image,labels with paths relative to the list");
      }
    }
    if (listed.image.empty()) {
      throw DataError(path + ", line " + std::to_string(number) + ": names no image; lines are image,labels");
    }
    images.push_back(std::move(listed));
  }
  if (images.empty()) throw DataError(path + ": the list names no image; write a line image,labels for each");
  return images;
}

}  // namespace plat
