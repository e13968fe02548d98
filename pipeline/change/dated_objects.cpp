// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/dated_objects.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "geo/crs.hpp"
#include "geo/overlay.hpp"
#include "model/segmenter.hpp"
#include "pipeline/object_stream.hpp"
#include "pipeline/result_checks.hpp"
#include "pipeline/stopwatch.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <utility>

namespace plat {
namespace {

/// Within so many pixels of the edge of the common grid an outline depends on what lies behind it.
constexpr double kEdge = 2;

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

/// All dates' tiles in, all dates' objects out. Not thread-safe.
class SeriesSink {
 public:
  SeriesSink(const Grid& grid, const WorkPlan& plan, const ObjectOptions& options, const MatchingPlane& plane,
             int64_t most_bytes, SeriesObjects& objects, const std::function<void(const MapBlock&)>& on_maps)
      : grid_(grid), plan_(plan), plane_(plane), most_bytes_(most_bytes), on_maps_(on_maps) {
    const std::size_t count = objects.dates.size();
    for (std::size_t k = 0; k < count; ++k) dates_.push_back(std::make_unique<Date>(*this, options, objects, k));
  }

  void add(const TileData& data, const Image<float>& maps) {
    for (std::size_t k = 0; k < dates_.size(); ++k) {
      const auto date = static_cast<int64_t>(k);
      dates_[k]->stitcher.add(data.tile, bands_of_date(maps, date, plan_.bands_out),
                              bands_of_date(data.valid, date, 1));
    }
    pass_on();
  }

  void finish() {
    for (auto& date : dates_) date->stream.finish();
  }

  /// Throws DataError for a date that shows nothing: what others have would all be unknown.
  void require_all(const SceneSeries& series) const {
    for (std::size_t k = 0; k < dates_.size(); ++k) {
      if (dates_[k]->checks.valid_pixels() > 0) continue;
      const std::string other = series.scenes[k == 0 ? 1 : 0].path();
      throw DataError(series.scenes[k].path() + ": no pixel has data where " + other +
                      " lies. Check its nodata value (--nodata, --after-nodata), --bbox and --shift.");
    }
  }

  std::vector<std::string> warnings(const SceneSeries& series, const SeriesObjects& objects) const {
    std::vector<std::string> all;
    for (std::size_t k = 0; k < dates_.size(); ++k) {
      for (const std::string& text : dates_[k]->checks.warnings(objects.dates[k].store.size()))
        all.push_back(series.scenes[k].path() + ": " + text);
    }
    return all;
  }

 private:
  struct Date {
    Date(SeriesSink& sink, const ObjectOptions& options, SeriesObjects& objects, std::size_t k)
        : has_earlier(k > 0),
          has_later(k + 1 < objects.dates.size()),
          checks(sink.plan_.classes),
          stream(
              sink.grid_, sink.plan_, options,
              [&sink, &objects, k, this](std::size_t c, ExtractedObject&& object) {
                sink.take(*this, objects.dates[k], c, object);
              },
              (has_earlier ? 1 : 0) + (has_later ? 1 : 0)),
          stitcher(
              sink.plan_.tiles, sink.plan_.bands_out, [this](MapBlock&& block) { blocks.push_back(std::move(block)); },
              sink.plan_.shared_bytes) {}

    bool has_earlier;
    bool has_later;
    ResultChecks checks;
    ObjectStream stream;
    Stitcher stitcher;
    std::deque<MapBlock> blocks;  ///< that wait for the other dates'
  };

  void pass_on() {
    const auto has_block = [](const auto& date) { return !date->blocks.empty(); };
    while (std::ranges::all_of(dates_, has_block)) {
      std::vector<MapBlock> blocks;
      for (auto& date : dates_) {
        blocks.push_back(std::move(date->blocks.front()));
        date->blocks.pop_front();
      }
      for (std::size_t k = 0; k < dates_.size(); ++k) {
        Date& date = *dates_[k];
        date.checks.add(blocks[k]);
        std::vector<const MapBlock*> witnesses;
        if (date.has_earlier) witnesses.push_back(&blocks[k - 1]);
        if (date.has_later) witnesses.push_back(&blocks[k + 1]);
        date.stream.add(witnessed(blocks[k], witnesses));
      }
      if (on_maps_) on_maps_(difference(blocks));
    }
    for (auto& date : dates_) date->stream.draw();
  }

  /// The maps of one date, each class's followed by what other dates' extents say.
  static MapBlock witnessed(const MapBlock& own, const std::vector<const MapBlock*>& witnesses) {
    const auto further = static_cast<int64_t>(witnesses.size());
    const int64_t classes = own.maps.bands() / kMapsPerClass;
    const int64_t maps = kMapsPerClass + further;
    MapBlock out{own.col, own.row, Image<float>(own.maps.width(), own.maps.height(), classes * maps), own.valid};
    for (int64_t c = 0; c < classes; ++c) {
      for (int64_t map = 0; map < kMapsPerClass; ++map) {
        std::ranges::copy(own.maps.band(c * kMapsPerClass + map), out.maps.band(c * maps + map).begin());
      }
      for (int64_t w = 0; w < further; ++w) {
        const MapBlock& other = *witnesses[static_cast<std::size_t>(w)];
        std::ranges::transform(other.maps.band(c * kMapsPerClass), other.valid.band(0),
                               out.maps.band(c * maps + kMapsPerClass + w).begin(),
                               [](float extent, uint8_t valid) { return valid != 0 ? extent : -1.0F; });
      }
    }
    return out;
  }

  /// How much the extents of the classes wanted differ from date to date; NaN where one of the two shows nothing.
  MapBlock difference(const std::vector<MapBlock>& blocks) const {
    const auto classes = static_cast<int64_t>(plan_.classes.size());
    const std::size_t steps = blocks.size() - 1;
    const int64_t width = blocks.front().maps.width(), height = blocks.front().maps.height();
    MapBlock out{blocks.front().col, blocks.front().row,
                 Image<float>(width, height, static_cast<int64_t>(steps) * classes),
                 Image<uint8_t>(width, height, 1, uint8_t{1})};
    for (std::size_t step = 0; step < steps; ++step) {
      const MapBlock &before = blocks[step], &after = blocks[step + 1];
      for (int64_t c = 0; c < classes; ++c) {
        const int64_t band = plan_.classes[static_cast<std::size_t>(c)].first_band;
        const auto a = before.maps.band(band), b = after.maps.band(band);
        const auto to = out.maps.band(static_cast<int64_t>(step) * classes + c);
        for (std::size_t i = 0; i < to.size(); ++i) {
          const bool both = before.valid.data()[i] != 0 && after.valid.data()[i] != 0;
          to[i] = both ? std::abs(a[i] - b[i]) : std::numeric_limits<float>::quiet_NaN();
        }
      }
    }
    return out;
  }

  void take(const Date& date, DatedObjects& objects, std::size_t class_index, const ExtractedObject& object) {
    const double at_edge = share_at_edge(object.pixel, grid_);
    ObjectFacts facts{objects.store.size() + 1, static_cast<int32_t>(class_index), static_cast<float>(object.score)};
    auto witness = object.witnesses.begin();
    if (date.has_earlier) {
      facts.unseen_earlier = static_cast<float>(std::max(witness->unseen, at_edge));
      objects.evidence_earlier.push_back(static_cast<float>(witness->says));
      ++witness;
    }
    if (date.has_later) {
      facts.unseen_later = static_cast<float>(std::max(witness->unseen, at_edge));
      objects.evidence_later.push_back(static_cast<float>(witness->says));
    }
    objects.store.add(plane_.from_pixel(object.pixel), facts);
    objects.area_m2.push_back(object.area_m2);
    const auto dates = static_cast<int64_t>(dates_.size());
    if (objects.store.size() % 1024 != 0 || objects.store.bytes() < most_bytes_ / dates) return;
    throw UsageError("the objects of the scenes take more than the " + format_memory(most_bytes_) +
                     " that this run may keep for them. Pass a larger --ram, or a --bbox.");
  }

  const Grid& grid_;
  const WorkPlan& plan_;
  const MatchingPlane& plane_;
  int64_t most_bytes_;
  const std::function<void(const MapBlock&)>& on_maps_;
  std::vector<std::unique_ptr<Date>> dates_;
};

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

SeriesObjects extract_series(const SceneSeries& series, const std::vector<Scaling>& scalings, const WorkPlan& plan,
                             const ObjectOptions& options, const Segmenter& model, SceneRun& run, int64_t most_bytes,
                             const std::function<void(const MapBlock&)>& on_maps) {
  SeriesObjects objects;
  objects.dates.resize(series.scenes.size());
  for (const ClassPlan& c : plan.classes) {
    objects.classes.push_back(c.name);
    objects.least_scores.push_back(c.thresholds.min_score);
  }
  const Grid grid = series.grid();
  const MatchingPlane plane(grid, series.assumed_gsd_m);
  std::vector<TileScene> scenes;
  for (std::size_t k = 0; k < scalings.size(); ++k) scenes.push_back({series.scenes[k].reader, scalings[k]});
  const TileSource source(std::move(scenes), plan.tiles);
  SeriesSink sink(grid, plan, options, plane, most_bytes, objects, on_maps);
  const int64_t bands = series.scenes.front().reader.bands();
  const auto dates = static_cast<int64_t>(series.scenes.size());
  const auto infer = [&](const TileData& data) {
    Image<float> all(data.pixels.width(), data.pixels.height(), dates * plan.bands_out);
    for (int64_t date = 0; date < dates; ++date) {
      // What one date does not show at all stays without a map.
      if (std::ranges::count(data.valid.band(date), 0) == static_cast<std::ptrdiff_t>(data.valid.band(date).size()))
        continue;
      const Image<float> maps = model.segment(bands_of_date(data.pixels, date, bands));
      std::copy_n(maps.data(), maps.size(), all.band(date * plan.bands_out).data());
    }
    return all;
  };
  const auto add = [&](const TileData& data, const Image<float>& maps) {
    const Stopwatch watch;
    sink.add(data, maps);
    objects.seconds += watch.seconds();
  };
  run.infer_tiles(series.names(), source, infer, add, {plan.threads, plan.tiles_in_flight, plan.bytes_per_tile});
  const Stopwatch finishing;
  sink.finish();
  objects.seconds += finishing.seconds();
  sink.require_all(series);
  for (const std::string& text : sink.warnings(series, objects)) run.warn(text);
  return objects;
}

}  // namespace plat
