// SPDX-License-Identifier: Apache-2.0
#include "training/data/data_pool.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/location.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace plat {
namespace {

/// A file of the pool and where it lies.
struct Placed {
  DataFile file;
  Location place;
};

/// The places of files; those that cannot be read are left out.
template <typename PlaceOf>
std::vector<Placed> placed(std::vector<DataFile>& files, FoundData& found, PlaceOf location_of) {
  std::vector<Placed> out;
  for (DataFile& file : files) {
    throw_if_cancelled();
    try {
      Location place = location_of(file.path);
      out.push_back({std::move(file), std::move(place)});
    } catch (const Error& error) {
      if (dynamic_cast<const Cancelled*>(&error) != nullptr) throw;
      found.left_out.push_back({file.path, error.what()});
    }
  }
  files.clear();
  return out;
}

/// Where all images lie, those that are paired already too: a layer may belong to any of them.
std::vector<Location> all_places(const std::vector<Placed>& images, const FoundData& found, const Crs& assign_crs) {
  std::vector<Location> out;
  for (const Placed& image : images) out.push_back(image.place);
  for (const ImageLabels& image : found.images) {
    try {
      out.push_back(raster_location(image.image, assign_crs));
    } catch (const Error&) {
      // Loading meets it again and says what is wrong with it.
    }
  }
  return out;
}

}  // namespace

void pair_by_name(DataPool& pool, FoundData& found, const std::string& how) {
  std::map<std::size_t, LabelSource> labels;
  std::vector<const DataName*> names;
  for (const DataFile& image : pool.images) names.push_back(&image.name);
  const auto take = [&](std::vector<DataFile>& files, LabelKind kind) {
    std::vector<DataFile> rest;
    for (DataFile& file : files) {
      const int64_t image = partner(file.name, names);
      if (image < 0) {
        rest.push_back(std::move(file));
        continue;
      }
      const auto place = static_cast<std::size_t>(image);
      const auto [other, is_new] = labels.try_emplace(place, LabelSource{kind, file.path, nullptr});
      if (!is_new)
        found.left_out.push_back({file.path, file_name(pool.images[place].path) + " has the labels " +
                                                 file_name(other->second.path) + " already"});
    }
    files = std::move(rest);
  };
  take(pool.layers, LabelKind::Layer);
  take(pool.masks, LabelKind::Mask);
  std::vector<DataFile> unpaired;
  for (std::size_t i = 0; i < pool.images.size(); ++i) {
    const auto own = labels.find(i);
    if (own == labels.end()) {
      unpaired.push_back(std::move(pool.images[i]));
    } else {
      found.images.push_back({pool.images[i].path, {own->second}, how + "by name", true});
    }
  }
  pool.images = std::move(unpaired);
}

void pair_by_place(DataPool& pool, FoundData& found, const std::string& how) {
  const auto raster = [&](const std::string& path) { return raster_location(path, pool.assign_crs); };
  const auto layer = [&](const std::string& path) { return layer_location(path, pool.labels_crs, pool.layer); };
  const std::vector<Placed> images = placed(pool.images, found, raster);
  const std::vector<Placed> masks =
      placed(pool.masks, found, [](const std::string& path) { return raster_location(path, {}); });
  const std::vector<Placed> layers = placed(pool.layers, found, layer);
  std::set<std::string> used;
  for (const Placed& image : images) {
    ImageLabels pair{image.file.path, {}, how + "by place", false};
    for (const auto& [files, kind] : {std::pair{&layers, LabelKind::Layer}, {&masks, LabelKind::Mask}}) {
      for (const Placed& file : *files) {
        if (!overlap(image.place, file.place)) continue;
        pair.labels.push_back({kind, file.file.path, nullptr});
        used.insert(file.file.path);
      }
    }
    if (!pair.labels.empty()) {
      found.images.push_back(std::move(pair));
    } else {
      found.left_out.push_back(
          {image.file.path, image.place.box.empty()
                                ? "no labels are named like it, and without a georeference none can be placed on it"
                                : "no labels are named like it or lie on it"});
    }
  }
  std::vector<Location> places;
  for (const Placed& file : layers) {
    if (used.contains(file.file.path)) continue;
    if (places.empty()) places = all_places(images, found, pool.assign_crs);
    const bool over_others =
        std::any_of(places.begin(), places.end(), [&](const Location& place) { return overlap(file.place, place); });
    found.left_out.push_back({file.file.path, over_others ? "the images that it lies on have other labels already"
                                                          : misplacement(file.place, places)});
  }
  for (const Placed& file : masks) {
    if (!used.contains(file.file.path))
      found.left_out.push_back({file.file.path, "a mask, but no image is named like it or lies under it"});
  }
}

}  // namespace plat
