// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"
#include "geo/detail/coordinate_check.hpp"
#include "geo/detail/layer_scan.hpp"
#include "geo/detail/ogr_geometry.hpp"
#include "geo/feature_io.hpp"
#include "geo/place_reader.hpp"

#include <algorithm>
#include <utility>

namespace plat {
namespace {

/// Takes the objects out of a layer whose coordinates its CRS has no place for, unless all are such. Objects have numbers
/// (their positions in the file, from 1) and boxes.
template <typename Layer, typename Object, typename BoxOf>
void leave_out_misplaced(const std::string& path, Layer& layer, std::vector<Object>& objects,
                         const std::vector<int64_t>& numbers, const BoxOf& box_of) {
  const detail::CoordinateCheck check(layer.crs);
  std::vector<std::string> names;
  Point first;
  std::vector<char> misplaced(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const Bounds box = box_of(objects[i]);
    if (check.fits(box)) continue;
    misplaced[i] = 1;
    // Of the box's corners one that is out of place, not a good one.
    if (names.empty()) {
      const bool low = !check.fits({box.min_x, box.min_y, box.min_x, box.min_y});
      first = low ? Point{box.min_x, box.min_y} : Point{box.max_x, box.max_y};
    }
    names.push_back(std::to_string(numbers[i]));
  }
  if (names.empty() || names.size() == objects.size()) return;
  layer.misplaced = static_cast<int64_t>(names.size());
  layer.warning = path + ": " +
                  (names.size() == 1 ? "object " + names.front() + " has coordinates ("
                                     : std::to_string(names.size()) + " objects (" + some_of(names) +
                                           ") have coordinates (the first ") +
                  text_of(first) + ") that " + layer.crs.name() + " has no place for: left out";
  std::size_t kept = 0;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (misplaced[i] == 0 && kept++ != i) objects[kept - 1] = std::move(objects[i]);
  }
  objects.resize(kept);
}

}  // namespace

const AttributeValue* Feature::find(const std::string& name) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.first == name; });
  return found == attributes.end() ? nullptr : &found->second;
}

FeatureLayer read_features(const std::string& path, const std::string& layer) {
  FeatureLayer out;
  std::vector<int64_t> numbers;
  int64_t number = 0;
  const detail::LayerHead head = detail::scan_layer(path, layer, [&](const detail::ScannedFeature& source) {
    ++number;
    MultiPolygon geometry;
    if (source.geometry() != nullptr) geometry = detail::polygons_of(source.geometry(), source.north_first());
    if (geometry.empty()) {
      ++out.skipped;
      return;
    }
    out.features.push_back({std::move(geometry), source.attributes()});
    numbers.push_back(number);
  });
  out.name = head.name;
  out.crs = head.crs;
  leave_out_misplaced(path, out, out.features, numbers, [](const Feature& f) { return bounds(f.geometry); });
  return out;
}

Bounds bounds(const Place& place) {
  Bounds box = bounds(place.feature.geometry);
  for (const Point& point : place.points) box.add(point);
  return box;
}

PlaceLayer read_places(const std::string& path, const std::string& layer) {
  PlaceLayer out;
  std::vector<int64_t> numbers;
  int64_t number = 0;
  const detail::LayerHead head = detail::scan_layer(path, layer, [&](const detail::ScannedFeature& source) {
    Place place;
    place.number = ++number;
    if (source.geometry() != nullptr) {
      place.points = detail::points_of(source.geometry(), source.north_first());
      place.feature.geometry = detail::polygons_of(source.geometry(), source.north_first());
    }
    if (place.points.empty() && place.feature.geometry.empty()) {
      ++out.skipped;
      return;
    }
    place.feature.attributes = source.attributes();
    out.places.push_back(std::move(place));
    numbers.push_back(number);
  });
  out.name = head.name;
  out.crs = head.crs;
  leave_out_misplaced(path, out, out.places, numbers, [](const Place& place) { return bounds(place); });
  return out;
}

}  // namespace plat
