// SPDX-License-Identifier: Apache-2.0
#include "training/data/stated_pairs.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/raster_reader.hpp"
#include "training/data/data_list.hpp"
#include "training/labels/annotations.hpp"

#include <filesystem>
#include <utility>

namespace plat {
namespace {

namespace fs = std::filesystem;

DataFile file_at(const std::string& path) {
  return {path, data_name(path, fs::path(path).parent_path().string(), true)};
}

/// The image that an annotation file names; empty where there is none, or several of that name among the candidates.
std::string find_image(const std::string& name, const fs::path& annotations, const std::vector<DataFile>& candidates) {
  const fs::path folder = annotations.parent_path();
  for (const fs::path& place : {folder / name, folder / "images" / name, folder / ".." / name,
                                folder / ".." / "images" / name, folder / ".." / annotations.stem() / name}) {
    if (fs::is_regular_file(place)) return place.lexically_normal().string();
  }
  std::string found;
  for (const DataFile& image : candidates) {
    if (file_name(image.path) != file_name(name)) continue;
    if (!found.empty()) return "";
    found = image.path;
  }
  return found;
}

std::string pixels(int64_t width, int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

/// The files that an asset means; none where it is not there.
std::vector<std::string> files_of(const std::string& asset) {
  if (is_virtual(asset) || fs::is_regular_file(asset)) return {asset};
  return fs::is_directory(asset) ? files_below(asset) : std::vector<std::string>();
}

}  // namespace

bool is_virtual(const std::string& path) { return path.starts_with("/vsi") || path.find("://") != std::string::npos; }

StatedPairs::StatedPairs(FoundData& found, std::string class_attribute, Crs assign_crs, Crs labels_crs,
                         std::string layer)
    : found_(found),
      class_attribute_(std::move(class_attribute)),
      assign_crs_(std::move(assign_crs)),
      labels_crs_(std::move(labels_crs)),
      layer_(std::move(layer)) {}

void StatedPairs::use(const std::string& path) { used_.insert(fs::path(path).lexically_normal().string()); }

bool StatedPairs::is_used(const std::string& path) const {
  return used_.contains(fs::path(path).lexically_normal().string());
}

void StatedPairs::drop_used(DataPool& pool) const {
  for (auto* files : {&pool.images, &pool.masks, &pool.layers})
    std::erase_if(*files, [this](const DataFile& file) { return is_used(file.path); });
}

std::vector<DataFile> StatedPairs::add_list(const std::string& path) {
  std::vector<DataFile> without;
  for (const ListedImage& line : read_data_list(path)) {
    if (line.labels.empty()) {
      without.push_back(file_at(line.image));
      continue;
    }
    const DataKind kind = data_kind(line.labels);
    if (kind != DataKind::Raster && kind != DataKind::Vector)
      throw DataError(path + ": " + line.labels + " is neither a layer nor a mask; list images with those only");
    const LabelKind labels = kind == DataKind::Raster ? LabelKind::Mask : LabelKind::Layer;
    found_.images.push_back({line.image, {{labels, line.labels, nullptr}}, "by " + file_name(path), true});
    use(line.image);
    use(line.labels);
  }
  return without;
}

void StatedPairs::add_annotations(const std::string& path, DataKind kind, const std::vector<DataFile>& candidates) {
  std::vector<std::string> missing;
  const std::vector<AnnotatedImage> entries = read_annotations(path, kind, class_attribute_);
  for (const AnnotatedImage& entry : entries) {
    const std::string image = find_image(entry.name, path, candidates);
    if (image.empty()) {
      missing.push_back(entry.name);
      continue;
    }
    if (is_used(image)) {
      found_.left_out.push_back({path, file_name(image) + " has other labels already"});
      continue;
    }
    use(image);
    if (entry.width > 0 && entry.height > 0) {
      const Grid grid = inspect_raster(image).grid;
      if (grid.width != entry.width || grid.height != entry.height) {
        found_.left_out.push_back({image, file_name(path) + " was drawn on " + pixels(entry.width, entry.height) +
                                              ", the image has " + pixels(grid.width, grid.height)});
        continue;
      }
    }
    found_.images.push_back({image, {{LabelKind::Annotations, path, entry.labels}}, "by " + file_name(path), true});
  }
  if (!missing.empty()) {
    found_.left_out.push_back({path, std::to_string(missing.size()) + " of its " + std::to_string(entries.size()) +
                                         " images are not there: " + some_of(missing)});
  }
}

void StatedPairs::add_stac(const std::string& path) {
  const StacData stac = read_stac(path);
  for (const StacPair& item : stac.pairs) add_item(item);
  for (const std::string& id : stac.without_labels) found_.left_out.push_back({path, "item " + id + " has no labels"});
  if (!stac.not_followed.empty())
    found_.left_out.push_back({path, "links to addresses are not loaded: " + some_of(stac.not_followed)});
}

void StatedPairs::add_item(const StacPair& item) {
  DataPool pool;
  pool.assign_crs = assign_crs_;
  pool.labels_crs = labels_crs_;
  pool.layer = layer_;
  std::vector<std::string> missing;
  for (const std::string& asset : item.images) {
    const std::vector<std::string> files = files_of(asset);
    if (files.empty()) missing.push_back(asset);
    for (const std::string& file : files) {
      if (known_kind(file) == DataKind::Raster && !is_used(file)) pool.images.push_back(file_at(file));
    }
  }
  for (const std::string& asset : item.labels) {
    const std::vector<std::string> files = files_of(asset);
    if (files.empty()) missing.push_back(asset);
    for (const std::string& file : files) {
      const DataKind kind = known_kind(file);
      if (kind == DataKind::Raster) pool.masks.push_back(file_at(file));
      if (kind == DataKind::Vector) pool.layers.push_back(file_at(file));
      if (kind == DataKind::Coco || kind == DataKind::Via) add_annotations(file, kind, pool.images);
    }
  }
  if (!missing.empty())
    found_.left_out.push_back({item.item, "item " + item.id + " names what is not there: " + some_of(missing)});
  // Annotations may just have used some of them.
  drop_used(pool);
  const std::vector<DataFile> labels = pool.layers.empty() ? pool.masks : pool.layers;
  if (labels.empty()) return;
  for (const auto* files : {&pool.images, &pool.masks, &pool.layers}) {
    for (const DataFile& file : *files) use(file.path);
  }
  const std::string how = "assets of the STAC item " + item.id;
  if (pool.images.size() == 1 && pool.masks.size() + pool.layers.size() == 1) {
    const LabelKind kind = pool.layers.empty() ? LabelKind::Mask : LabelKind::Layer;
    found_.images.push_back({pool.images.front().path, {{kind, labels.front().path, nullptr}}, how, true});
    return;
  }
  pair_by_name(pool, found_, how + ", ");
  pair_by_place(pool, found_, how + ", ");
}

}  // namespace plat
