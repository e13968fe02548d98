// SPDX-License-Identifier: Apache-2.0
#include "training/forgetting/retained_objects.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/rasterize.hpp"
#include "synthesis/shapes.hpp"
#include "training/data/data_files.hpp"
#include "training/samples/crop_sampler.hpp"
#include "training/samples/distance_transform.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kLeastPixels = 49;       // smaller objects are hardly a cell of the network's masks
constexpr std::size_t kMostPerTile = 8;    // so that objects come from several places
constexpr uint64_t kDrawnSeed = 0x5EED'5;  // the drawn objects are the same in all runs, whatever their seeds
constexpr double kLargestShare = 0.7;      // of the tile: what fills it is ground, not an object

struct Extent {
  int64_t pixels = 0;
  Window window;
};

std::map<int32_t, Extent> extents(const Image<int32_t>& labels) {
  std::map<int32_t, Extent> found;
  for (int64_t row = 0; row < labels.height(); ++row) {
    for (int64_t col = 0; col < labels.width(); ++col) {
      const int32_t label = labels.at(col, row);
      if (label == 0) continue;
      Extent& extent = found[label];
      if (extent.pixels++ == 0) extent.window = {col, row, 1, 1};
      Window& w = extent.window;
      const int64_t right = std::max(w.col_end(), col + 1);
      w.col = std::min(w.col, col);
      w.width = right - w.col;
      w.height = row + 1 - w.row;
    }
  }
  return found;
}

RetainedObject ask(const Image<int32_t>& labels, int32_t label, const Window& window, std::string kind) {
  RetainedObject object{std::move(kind), label, {}};
  const std::array<PointPrompt, 3> points = inner_points(labels, label);
  object.prompts[0].points = {points[0]};
  object.prompts[1].points = {points.begin(), points.end()};
  object.prompts[2].box =
      BoxPrompt{static_cast<double>(window.col), static_cast<double>(window.row),
                static_cast<double>(window.col_end() - 1), static_cast<double>(window.row_end() - 1)};
  return object;
}

/// Fills in the objects of a tile that can be asked for: whole, known, neither tiny nor all there is.
template <typename KindOf, typename Known>
void find_objects(RetainedTile& tile, int64_t most, const KindOf& kind_of, const Known& known) {
  const int64_t first = tile.margin(), last = tile.margin() + tile.inner;
  for (const auto& [label, extent] : extents(tile.labels)) {
    if (static_cast<int64_t>(tile.objects.size()) >= most) return;
    const Window& w = extent.window;
    // A pixel of distance from the edge tells that the object ends there.
    const bool whole = w.col > first && w.row > first && w.col_end() < last && w.row_end() < last;
    const bool sized =
        extent.pixels >= kLeastPixels &&
        static_cast<double>(extent.pixels) < kLargestShare * static_cast<double>(tile.inner * tile.inner);
    if (whole && sized && known(w)) tile.objects.push_back(ask(tile.labels, label, w, kind_of(label)));
  }
}

RetainedTile drawn_tile(uint64_t number, int64_t outer, int64_t inner, int64_t most) {
  const DrawnShapes drawn = draw_shapes(outer, outer, kDrawnSeed + number);
  RetainedTile tile;
  tile.inner = inner;
  tile.pixels = Image<uint8_t>(outer, outer, 3);
  std::transform(drawn.pixels.data(), drawn.pixels.data() + drawn.pixels.size(), tile.pixels.data(),
                 [](float value) { return static_cast<uint8_t>(value); });
  std::vector<MultiPolygon> outlines;
  for (const DrawnShape& shape : drawn.shapes) outlines.push_back({shape.outline});
  tile.labels = rasterize_labels(outlines, outer, outer);
  find_objects(
      tile, most, [&](int32_t label) { return drawn.shapes[static_cast<std::size_t>(label - 1)].kind; },
      [](const Window&) { return true; });
  return tile;
}

RetainedTiles drawn_tiles(int64_t objects, int64_t outer, int64_t inner) {
  RetainedTiles found;
  found.data = "drawn shapes of five kinds";
  constexpr uint64_t kMostTiles = 100'000;  // tiny tiles may stay without an object
  for (uint64_t number = 0; objects > 0 && number < kMostTiles; ++number) {
    throw_if_cancelled();
    RetainedTile tile = drawn_tile(number, outer, inner, std::min(objects, static_cast<int64_t>(kMostPerTile)));
    objects -= static_cast<int64_t>(tile.objects.size());
    if (!tile.objects.empty()) found.tiles.push_back(std::move(tile));
  }
  return found;
}

/// Where a tile could be cut.
struct Place {
  std::size_t scene = 0;
  int64_t col = 0;  ///< of the tile's middle's corner, in pixels of the model's resolution
  int64_t row = 0;
};

RetainedTile cut(const LabelledScene& scene, const Place& place, double gsd_m, int64_t outer, int64_t inner,
                 int64_t most, const std::string& kind) {
  const double spacing = gsd_m / scene.gsd_m;
  RetainedTile tile;
  tile.inner = inner;
  const int64_t margin = (outer - inner) / 2;
  const Affine affine = {static_cast<double>(place.col - margin) * spacing, spacing, 0,
                         static_cast<double>(place.row - margin) * spacing, 0,       spacing};
  tile.labels = warp_labels(scene, affine, outer, outer);
  const Image<uint8_t> known = warp_use(scene, affine, outer, outer, PixelUse::Train);
  find_objects(
      tile, most, [&](int32_t) { return kind; },
      [&](const Window& window) {
        for (int64_t row = window.row; row < window.row_end(); ++row) {
          const auto part =
              known.row(row).subspan(static_cast<std::size_t>(window.col), static_cast<std::size_t>(window.width));
          if (std::find(part.begin(), part.end(), 0) != part.end()) return false;
        }
        return true;
      });
  if (tile.objects.empty()) return tile;
  const Image<float> pixels = warp_pixels(scene, affine, outer, outer, Show::Everything);
  tile.pixels = Image<uint8_t>(outer, outer, 3);
  std::transform(pixels.data(), pixels.data() + pixels.size(), tile.pixels.data(),
                 [](float value) { return static_cast<uint8_t>(std::lround(value)); });
  return tile;
}

/// How one data set is read.
TrainingDataOptions data_options(const std::string& path, const TrainOptions& options) {
  TrainingDataOptions data = options.data;
  data.data = {path};
  data.scenes.clear();
  data.labels.clear();
  data.class_attribute.clear();
  data.class_values.clear();
  data.class_name = "objects of any kind";  // which no label says, so that all are taken
  data.val_bbox.reset();
  data.val_fraction = 0;
  data.rules = {};
  data.negatives = {};
  return data;
}

/// Adds up to `objects` objects of one data set.
void add_data(RetainedTiles& found, const std::string& path, int64_t objects, const TrainOptions& options,
              int64_t outer, int64_t inner) {
  const TrainingDataOptions data = data_options(path, options);
  const std::vector<LabelledScene> scenes = load_training_data(data).scenes;
  std::vector<Place> places;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const double spacing = data.gsd_m / scenes[i].gsd_m;
    for (int64_t row = 0; static_cast<double>(row) * spacing < static_cast<double>(scenes[i].height()); row += inner) {
      for (int64_t col = 0; static_cast<double>(col) * spacing < static_cast<double>(scenes[i].width()); col += inner)
        places.push_back({i, col, row});
    }
  }
  Random random(kDrawnSeed);
  for (std::size_t i = places.size(); i > 1; --i)
    std::swap(places[i - 1], places[static_cast<std::size_t>(random.integer(static_cast<int64_t>(i)))]);
  const std::size_t before = found.tiles.size();
  for (const Place& place : places) {
    if (objects <= 0) break;
    throw_if_cancelled();
    RetainedTile tile = cut(scenes[place.scene], place, data.gsd_m, outer, inner,
                            std::min(objects, static_cast<int64_t>(kMostPerTile)), file_name(path));
    objects -= static_cast<int64_t>(tile.objects.size());
    if (!tile.objects.empty()) found.tiles.push_back(std::move(tile));
  }
  if (found.tiles.size() == before) {
    throw DataError("--retain " + path + ": no object lies whole in a tile of " + std::to_string(inner) +
                    " pixels at the model's resolution; name data with objects that do, or leave --retain away");
  }
}

}  // namespace

std::array<PointPrompt, 3> inner_points(const Image<int32_t>& labels, int32_t label) {
  // A frame of other pixels, so that the edge of the image is one of the object.
  Window window;
  const Extent extent = extents(labels)[label];
  window = extent.window;
  Image<uint8_t> outside(window.width + 2, window.height + 2, 1, 1);
  for (int64_t row = 0; row < window.height; ++row) {
    for (int64_t col = 0; col < window.width; ++col)
      outside.at(col + 1, row + 1) = labels.at(window.col + col, window.row + row) == label ? 0 : 1;
  }
  const Image<float> depth = distance_transform(outside);
  const float deepest = *std::max_element(depth.data(), depth.data() + depth.size());
  std::array<PointPrompt, 3> points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    double best = -1;
    for (int64_t row = 0; row < depth.height(); ++row) {
      for (int64_t col = 0; col < depth.width(); ++col) {
        if (depth.at(col, row) < deepest / 2 || outside.at(col, row) != 0) continue;
        double merit = static_cast<double>(depth.at(col, row));
        if (i > 0) {
          merit = 1e300;
          for (std::size_t k = 0; k < i; ++k) {
            merit = std::min(merit, std::hypot(static_cast<double>(col + window.col - 1) - points[k].col,
                                               static_cast<double>(row + window.row - 1) - points[k].row));
          }
        }
        if (merit <= best) continue;
        best = merit;
        points[i] = {static_cast<double>(col + window.col - 1), static_cast<double>(row + window.row - 1), true};
      }
    }
  }
  return points;
}

int64_t retained_bytes(const TrainOptions& options) {
  int64_t bytes = 0;
  for (const std::string& path : options.forgetting.retain)
    bytes = std::max(bytes, TrainingDataLoader(data_options(path, options)).memory().scene_bytes);
  return bytes;
}

RetainedTiles retained_tiles(const TrainOptions& options, int64_t outer, int64_t inner) {
  const ForgettingOptions& wanted = options.forgetting;
  if (wanted.retain.empty()) return drawn_tiles(wanted.retain_objects, outer, inner);
  RetainedTiles found;
  const auto kinds = static_cast<int64_t>(wanted.retain.size());
  std::vector<std::string> names;
  for (int64_t i = 0; i < kinds; ++i) {
    // The first kinds get what does not divide.
    const int64_t share = wanted.retain_objects / kinds + (i < wanted.retain_objects % kinds ? 1 : 0);
    const std::string& path = wanted.retain[static_cast<std::size_t>(i)];
    names.push_back(file_name(path));
    if (share > 0) add_data(found, path, share, options, outer, inner);
  }
  found.data = some_of(names);
  return found;
}

}  // namespace plat
