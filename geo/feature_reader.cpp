// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/layer_scan.hpp"
#include "geo/detail/ogr_geometry.hpp"
#include "geo/feature_io.hpp"
#include "geo/place_reader.hpp"

#include <algorithm>

namespace plat {

const AttributeValue* Feature::find(const std::string& name) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.first == name; });
  return found == attributes.end() ? nullptr : &found->second;
}

FeatureLayer read_features(const std::string& path, const std::string& layer) {
  FeatureLayer out;
  const detail::LayerHead head = detail::scan_layer(path, layer, [&](const detail::ScannedFeature& source) {
    MultiPolygon geometry;
    if (source.geometry() != nullptr) geometry = detail::polygons_of(source.geometry(), source.north_first());
    if (geometry.empty()) {
      ++out.skipped;
      return;
    }
    out.features.push_back({std::move(geometry), source.attributes()});
  });
  out.name = head.name;
  out.crs = head.crs;
  return out;
}

PlaceLayer read_places(const std::string& path, const std::string& layer) {
  PlaceLayer out;
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
  });
  out.name = head.name;
  out.crs = head.crs;
  return out;
}

}  // namespace plat
