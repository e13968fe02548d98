// SPDX-License-Identifier: Apache-2.0
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/overlay.hpp"
#include "geo/rasterize.hpp"
#include "pipeline/change/dated_objects.hpp"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// What of each object a scene does not show, read object by object.
class UnseenShares {
 public:
  explicit UnseenShares(const RasterReader& scene) : scene_(scene) {}

  double operator()(const MultiPolygon& pixel) {
    std::optional<RasterReader>& reader = readers_.local();
    if (!reader) {
      const std::lock_guard lock(cloning_);
      reader.emplace(scene_.clone());
    }
    const Bounds box = bounds(pixel);
    const auto col = static_cast<int64_t>(std::floor(box.min_x)), row = static_cast<int64_t>(std::floor(box.min_y));
    const Window whole{col, row, static_cast<int64_t>(std::ceil(box.max_x)) - col,
                       static_cast<int64_t>(std::ceil(box.max_y)) - row};
    // Objects as large as a scene are looked at from farther away.
    constexpr int64_t kLooked = 1024;
    const int64_t width = std::clamp<int64_t>(whole.width, 1, kLooked),
                  height = std::clamp<int64_t>(whole.height, 1, kLooked);
    const double x = static_cast<double>(width) / static_cast<double>(std::max<int64_t>(1, whole.width));
    const double y = static_cast<double>(height) / static_cast<double>(std::max<int64_t>(1, whole.height));
    RasterBlock block;
    try {
      block = reader->read_reduced(whole, width, height);
    } catch (const IoError&) {
      reader.reset();
      return 1;
    }
    MultiPolygon local = pixel;
    for (Polygon& polygon : local) {
      const auto move = [&](Ring& ring) {
        for (Point& p : ring) p = {(p.x - static_cast<double>(col)) * x, (p.y - static_cast<double>(row)) * y};
      };
      move(polygon.exterior);
      std::ranges::for_each(polygon.holes, move);
    }
    const Image<uint8_t> mask = rasterize_mask(std::span(&local, 1), width, height);
    int64_t all = 0, unseen = 0;
    for (std::size_t i = 0; i < mask.size(); ++i) {
      all += mask.data()[i];
      unseen += mask.data()[i] != 0 && block.valid.data()[i] == 0 ? 1 : 0;
    }
    return all == 0 ? 0 : static_cast<double>(unseen) / static_cast<double>(all);
  }

 private:
  const RasterReader& scene_;
  std::mutex cloning_;
  tbb::enumerable_thread_specific<std::optional<RasterReader>> readers_;
};

std::optional<std::string> class_of(const Feature& feature) {
  const AttributeValue* value = feature.find("class");
  if (value == nullptr || !std::holds_alternative<std::string>(*value)) return std::nullopt;
  return std::get<std::string>(*value);
}

/// A layer's polygons on the pair's grid, and their classes by name ("" where they have none).
struct PlacedLayer {
  std::vector<MultiPolygon> pixel;
  std::vector<std::string> classes;
  bool classed = true;
};

PlacedLayer place_layer(const std::string& path, const std::string& layer_name, const Grid& grid, SceneRun& run) {
  FeatureLayer layer = read_features(path, layer_name);
  if (!layer.warning.empty()) run.warn(layer.warning);
  const Crs& crs = layer.crs.empty() ? grid.crs : layer.crs;
  if (crs.empty() != grid.crs.empty()) {
    throw DataError(path + ": its CRS is known, that of the scenes is not. Pass --assign-crs EPSG:xxxx.");
  }
  std::optional<CrsTransform> transform;
  if (!crs.empty() && !crs.same_as(grid.crs)) transform.emplace(crs, grid.crs);
  const MultiPolygon frame = {to_polygon({0, 0, static_cast<double>(grid.width), static_cast<double>(grid.height)})};
  const AreaClipper clip(frame);
  PlacedLayer placed;
  for (Feature& feature : layer.features) {
    throw_if_cancelled();
    MultiPolygon pixel;
    try {
      pixel = transform ? (*transform)(feature.geometry) : std::move(feature.geometry);
    } catch (const DataError&) {
      continue;  // far off the scenes: it has no place in their CRS
    }
    for (Polygon& polygon : pixel) polygon = grid.to_pixel(polygon);
    pixel = clip(make_valid(pixel));
    if (area(pixel) <= 0) continue;
    const std::optional<std::string> name = class_of(feature);
    placed.classed = placed.classed && name.has_value();
    placed.classes.push_back(name.value_or(""));
    placed.pixel.push_back(std::move(pixel));
  }
  if (placed.pixel.empty() && !layer.features.empty()) {
    run.warn(path + ": none of its " + std::to_string(layer.features.size()) +
             " objects lies where both scenes do; check its CRS.");
  }
  return placed;
}

}  // namespace

SeriesObjects read_series(const SceneSeries& series, const std::vector<ObjectLayer>& layers, SceneRun& run) {
  const Grid grid = series.grid();
  const MatchingPlane plane(grid, series.assumed_gsd_m);
  SeriesObjects objects;
  std::vector<PlacedLayer> placed;
  for (const ObjectLayer& layer : layers) placed.push_back(place_layer(layer.path, layer.layer, grid, run));
  const bool classed =
      std::ranges::all_of(placed, [](const PlacedLayer& l) { return l.classed && !l.classes.empty(); });
  std::map<std::string, int32_t> position;
  for (const PlacedLayer& layer : placed) {
    for (const std::string& name : layer.classes) position.try_emplace(classed ? name : "object", 0);
  }
  for (auto& [name, at] : position) {
    at = static_cast<int32_t>(objects.classes.size());
    objects.classes.push_back(name);
  }
  objects.dates.resize(placed.size());
  for (std::size_t k = 0; k < placed.size(); ++k) {
    const PlacedLayer& layer = placed[k];
    DatedObjects& dated = objects.dates[k];
    std::optional<UnseenShares> earlier, later;
    if (k > 0) earlier.emplace(series.scenes[k - 1].reader);
    if (k + 1 < placed.size()) later.emplace(series.scenes[k + 1].reader);
    std::vector<ObjectFacts> facts(layer.pixel.size());
    tbb::enumerable_thread_specific<GroundMeasure> measures([&] { return GroundMeasure(grid.crs); });
    dated.area_m2.resize(layer.pixel.size());
    tbb::parallel_for(std::size_t{0}, layer.pixel.size(), [&](std::size_t i) {
      throw_if_cancelled();
      const MultiPolygon& pixel = layer.pixel[i];
      const double at_edge = share_at_edge(pixel, grid);
      if (earlier) facts[i].unseen_earlier = static_cast<float>(std::max((*earlier)(pixel), at_edge));
      if (later) facts[i].unseen_later = static_cast<float>(std::max((*later)(pixel), at_edge));
      if (series.assumed_gsd_m) {
        dated.area_m2[i] = area(pixel) * *series.assumed_gsd_m * *series.assumed_gsd_m;
        return;
      }
      for (const Polygon& part : pixel) dated.area_m2[i] += measures.local().area_m2(grid.to_world(part));
    });
    for (std::size_t i = 0; i < layer.pixel.size(); ++i) {
      facts[i].id = dated.store.size() + 1;
      facts[i].class_index = position.at(classed ? layer.classes[i] : "object");
      dated.store.add(plane.from_pixel(layer.pixel[i]), facts[i]);
    }
  }
  return objects;
}

}  // namespace plat
