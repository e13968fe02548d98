// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/dated_objects.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/memory.hpp"
#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/overlay.hpp"
#include "geo/rasterize.hpp"
#include "model/segmenter.hpp"
#include "pipeline/object_stream.hpp"
#include "pipeline/result_checks.hpp"
#include "pipeline/stopwatch.hpp"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace plat {
namespace {

/// Within so many pixels of the edge of the common grid an outline depends on what lies behind it.
constexpr double kEdge = 2;

/// The share of an object that lies at the edge of the common grid.
double share_at_edge(const MultiPolygon& pixel, const Grid& grid) {
  const Bounds inner{kEdge, kEdge, static_cast<double>(grid.width) - kEdge, static_cast<double>(grid.height) - kEdge};
  const Bounds box = bounds(pixel);
  if (box.min_x >= inner.min_x && box.min_y >= inner.min_y && box.max_x <= inner.max_x && box.max_y <= inner.max_y) {
    return 0;
  }
  const double all = area(pixel);
  if (inner.empty() || !(all > 0)) return 1;
  return std::clamp(1 - intersection_area(pixel, {to_polygon(inner)}) / all, 0.0, 1.0);
}

MultiPolygon mapped(const MultiPolygon& polygons, double scale_x, double scale_y) {
  MultiPolygon out = polygons;
  const auto scale = [&](Ring& ring) {
    for (Point& p : ring) p = {p.x * scale_x, p.y * scale_y};
  };
  for (Polygon& polygon : out) {
    scale(polygon.exterior);
    std::ranges::for_each(polygon.holes, scale);
  }
  return out;
}

/// The bands of one date in an image that holds those of both, one after the other; empty where that is.
template <typename T>
Image<T> bands_of_date(const Image<T>& both, int64_t date, int64_t bands) {
  if (both.empty()) return {};
  Image<T> out(both.width(), both.height(), bands);
  std::copy_n(both.band(date * bands).data(), out.size(), out.data());
  return out;
}

/// Both dates' tiles in, both dates' objects out. Not thread-safe.
class PairSink {
 public:
  PairSink(const Grid& grid, const WorkPlan& plan, const ObjectOptions& options, const MatchingPlane& plane,
           int64_t most_bytes, PairObjects& objects, const std::function<void(const Strip&)>& on_maps)
      : grid_(grid),
        plan_(plan),
        plane_(plane),
        most_bytes_(most_bytes),
        on_maps_(on_maps),
        before_(*this, options, objects.before),
        after_(*this, options, objects.after) {}

  void add(const TileData& data, const Image<float>& maps) {
    before_.stitcher.add(data.tile, bands_of_date(maps, 0, plan_.bands_out), bands_of_date(data.valid, 0, 1));
    after_.stitcher.add(data.tile, bands_of_date(maps, 1, plan_.bands_out), bands_of_date(data.valid, 1, 1));
    pass_on();
  }

  void finish() {
    before_.stitcher.finish();
    after_.stitcher.finish();
    pass_on();
    before_.stream.finish();
    after_.stream.finish();
  }

  /// Throws DataError for a date that shows nothing: what the other one has would all be unknown.
  void require_both(const ScenePair& pair) const {
    for (const auto& [date, scene, other] :
         {std::tuple{&before_, &pair.before, &pair.after}, {&after_, &pair.after, &pair.before}}) {
      if (date->checks.valid_pixels() > 0) continue;
      throw DataError(scene->info().path + ": no pixel has data where " + other->info().path +
                      " lies. Check its nodata value (--nodata, --after-nodata), --bbox and --shift.");
    }
  }

  std::vector<std::string> warnings(const ScenePair& pair, const PairObjects& objects) const {
    std::vector<std::string> all;
    for (const auto& [date, scene, found] : {std::tuple{&before_, &pair.before, objects.before.store.size()},
                                             {&after_, &pair.after, objects.after.store.size()}}) {
      for (const std::string& text : date->checks.warnings(found)) all.push_back(scene->info().path + ": " + text);
    }
    return all;
  }

 private:
  struct Date {
    Date(PairSink& sink, const ObjectOptions& options, DatedObjects& objects)
        : checks(sink.plan_.classes),
          stream(
              sink.grid_, sink.plan_, options,
              [&sink, &objects](std::size_t c, ExtractedObject&& object) { sink.take(objects, c, object); }, true),
          stitcher(sink.plan_.tiles, sink.plan_.bands_out,
                   [this](Strip&& strip) { strips.push_back(std::move(strip)); }) {}

    ResultChecks checks;
    ObjectStream stream;
    Stitcher stitcher;
    std::deque<Strip> strips;  ///< that wait for the other date's
  };

  void pass_on() {
    while (!before_.strips.empty() && !after_.strips.empty()) {
      const Strip before = std::move(before_.strips.front());
      const Strip after = std::move(after_.strips.front());
      before_.strips.pop_front();
      after_.strips.pop_front();
      before_.checks.add(before);
      after_.checks.add(after);
      before_.stream.add(witnessed(before, after));
      after_.stream.add(witnessed(after, before));
      if (on_maps_) on_maps_(difference(before, after));
    }
    before_.stream.draw();
    after_.stream.draw();
  }

  /// The maps of one date, each class's followed by what the other date's extent says.
  Strip witnessed(const Strip& own, const Strip& other) const {
    const int64_t classes = own.maps.bands() / kMapsPerClass;
    Strip out{own.row, Image<float>(own.maps.width(), own.maps.height(), classes * (kMapsPerClass + 1)), own.valid};
    for (int64_t c = 0; c < classes; ++c) {
      for (int64_t map = 0; map < kMapsPerClass; ++map) {
        std::ranges::copy(own.maps.band(c * kMapsPerClass + map), out.maps.band(c * (kMapsPerClass + 1) + map).begin());
      }
      std::ranges::transform(other.maps.band(c * kMapsPerClass), other.valid.band(0),
                             out.maps.band(c * (kMapsPerClass + 1) + kMapsPerClass).begin(),
                             [](float extent, uint8_t valid) { return valid != 0 ? extent : -1.0F; });
    }
    return out;
  }

  /// How much the extents of the classes wanted differ, where both dates show something.
  Strip difference(const Strip& before, const Strip& after) const {
    const auto classes = static_cast<int64_t>(plan_.classes.size());
    Strip out{before.row, Image<float>(before.maps.width(), before.maps.height(), classes), before.valid};
    std::ranges::transform(before.valid.band(0), after.valid.band(0), out.valid.data(),
                           [](uint8_t a, uint8_t b) -> uint8_t { return a != 0 && b != 0 ? 1 : 0; });
    for (int64_t c = 0; c < classes; ++c) {
      const int64_t band = plan_.classes[static_cast<std::size_t>(c)].first_band;
      std::ranges::transform(before.maps.band(band), after.maps.band(band), out.maps.band(c).begin(),
                             [](float a, float b) { return std::abs(a - b); });
    }
    return out;
  }

  void take(DatedObjects& objects, std::size_t class_index, const ExtractedObject& object) {
    const double unseen = std::max(object.unseen, share_at_edge(object.pixel, grid_));
    objects.store.add(plane_.from_pixel(object.pixel), {objects.store.size() + 1, static_cast<int32_t>(class_index),
                                                        static_cast<float>(object.score), static_cast<float>(unseen)});
    objects.area_m2.push_back(object.area_m2);
    objects.evidence.push_back(static_cast<float>(object.witness));
    if (objects.store.size() % 1024 != 0 || objects.store.bytes() < most_bytes_ / 2) return;
    throw UsageError("the objects of the scenes take more than the " + format_memory(most_bytes_) +
                     " that this run may keep for them. Pass a larger --ram, or a --bbox.");
  }

  const Grid& grid_;
  const WorkPlan& plan_;
  const MatchingPlane& plane_;
  int64_t most_bytes_;
  const std::function<void(const Strip&)>& on_maps_;
  Date before_;
  Date after_;
};

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

MatchingPlane::MatchingPlane(const Grid& grid, const std::optional<double>& assumed_gsd_m) {
  if (assumed_gsd_m) {
    metres_x = metres_y = *assumed_gsd_m;
    return;
  }
  const GroundMeasure measure(grid.crs);
  const double col = 0.5 * static_cast<double>(grid.width), row = 0.5 * static_cast<double>(grid.height);
  const Affine& world = grid.world_from_pixel;
  metres_x = measure.distance_m(world({col - 0.5, row}), world({col + 0.5, row}));
  metres_y = measure.distance_m(world({col, row - 0.5}), world({col, row + 0.5}));
}

MultiPolygon MatchingPlane::from_pixel(const MultiPolygon& pixel) const { return mapped(pixel, metres_x, metres_y); }
MultiPolygon MatchingPlane::to_pixel(const MultiPolygon& metres) const {
  return mapped(metres, 1 / metres_x, 1 / metres_y);
}

PairObjects extract_pair(ScenePair& pair, const PairScaling& scaling, const WorkPlan& plan,
                         const ObjectOptions& options, const Segmenter& model, SceneRun& run, int64_t most_bytes,
                         const std::function<void(const Strip&)>& on_maps) {
  PairObjects objects;
  for (const ClassPlan& c : plan.classes) {
    objects.classes.push_back(c.name);
    objects.least_scores.push_back(c.thresholds.min_score);
  }
  const Grid grid = pair.grid();
  const MatchingPlane plane(grid, pair.assumed_gsd_m);
  const TileSource source({{pair.before, scaling.before}, {pair.after, scaling.after}}, plan.tiles);
  PairSink sink(grid, plan, options, plane, most_bytes, objects, on_maps);
  const int64_t bands = pair.before.bands();
  const auto infer = [&](const TileData& data) {
    Image<float> both(data.pixels.width(), data.pixels.height(), 2 * plan.bands_out);
    for (const int64_t date : {0, 1}) {
      // What one date does not show at all stays without a map.
      if (std::ranges::count(data.valid.band(date), 0) == static_cast<std::ptrdiff_t>(data.valid.band(date).size()))
        continue;
      const Image<float> maps = model.segment(bands_of_date(data.pixels, date, bands));
      std::copy_n(maps.data(), maps.size(), both.band(date * plan.bands_out).data());
    }
    return both;
  };
  run.infer_tiles(pair.before.info().path + " and " + pair.after.info().path, source, infer,
                  [&](const TileData& data, const Image<float>& maps) {
                    const Stopwatch watch;
                    sink.add(data, maps);
                    objects.seconds += watch.seconds();
                  },
                  {plan.threads, plan.memory.tiles_in_flight, plan.memory.per_tile});
  const Stopwatch finishing;
  sink.finish();
  objects.seconds += finishing.seconds();
  sink.require_both(pair);
  for (const std::string& text : sink.warnings(pair, objects)) run.warn(text);
  return objects;
}

PairObjects read_pair(ScenePair& pair, const std::string& before, const std::string& before_layer,
                      const std::string& after, const std::string& after_layer, SceneRun& run) {
  const Grid grid = pair.grid();
  const MatchingPlane plane(grid, pair.assumed_gsd_m);
  PairObjects objects;
  PlacedLayer layers[2] = {place_layer(before, before_layer, grid, run), place_layer(after, after_layer, grid, run)};
  const bool classed =
      layers[0].classed && layers[1].classed && !layers[0].classes.empty() && !layers[1].classes.empty();
  std::map<std::string, int32_t> position;
  for (const PlacedLayer& layer : layers) {
    for (const std::string& name : layer.classes) position.try_emplace(classed ? name : "object", 0);
  }
  for (auto& [name, at] : position) {
    at = static_cast<int32_t>(objects.classes.size());
    objects.classes.push_back(name);
  }
  for (const int date : {0, 1}) {
    const PlacedLayer& layer = layers[date];
    DatedObjects& dated = date == 0 ? objects.before : objects.after;
    UnseenShares unseen(date == 0 ? pair.after : pair.before);
    std::vector<float> share(layer.pixel.size());
    tbb::enumerable_thread_specific<GroundMeasure> measures([&] { return GroundMeasure(grid.crs); });
    dated.area_m2.resize(layer.pixel.size());
    tbb::parallel_for(std::size_t{0}, layer.pixel.size(), [&](std::size_t i) {
      throw_if_cancelled();
      share[i] = static_cast<float>(std::max(unseen(layer.pixel[i]), share_at_edge(layer.pixel[i], grid)));
      if (pair.assumed_gsd_m) {
        dated.area_m2[i] = area(layer.pixel[i]) * *pair.assumed_gsd_m * *pair.assumed_gsd_m;
        return;
      }
      for (const Polygon& part : layer.pixel[i]) dated.area_m2[i] += measures.local().area_m2(grid.to_world(part));
    });
    for (std::size_t i = 0; i < layer.pixel.size(); ++i) {
      dated.store.add(plane.from_pixel(layer.pixel[i]),
                      {dated.store.size() + 1, position.at(classed ? layer.classes[i] : "object"), 1, share[i]});
    }
  }
  return objects;
}

}  // namespace plat
