// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/crs.hpp"
#include "geo/feature_io.hpp"
#include "geo/raster_writer.hpp"
#include "pipeline/change.hpp"
#include "tests/pipeline/extract_world.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plat::test {

inline constexpr Bounds kNoHouse{0, 0, 0, 0};

/// A bright house on dark ground at two dates, in metres east and south of the town's corner.
struct DrawnHouse {
  Bounds before;
  Bounds after;
  std::string kind;

  const Bounds& shown() const { return kind == "vanished" ? before : after; }
};

/// Houses in rows, of which some have changed, far enough from one another and from the edges to stay on their own.
inline std::vector<DrawnHouse> drawn_town(int64_t side, double first = 24) {
  const std::vector<std::string> kinds = {"unchanged", "appeared", "unchanged", "vanished", "grown", "shrunk"};
  std::vector<DrawnHouse> town;
  std::size_t n = 0;
  for (double y = first; y + 48 <= static_cast<double>(side); y += 44) {
    for (double x = first; x + 40 <= static_cast<double>(side); x += 37, ++n) {
      const std::string& kind = kinds[n % kinds.size()];
      const double width = 12 + static_cast<double>(n % 4), height = 10 + static_cast<double>(n % 3);
      const Bounds small{x, y, x + width, y + height}, large{x, y, x + width, y + height + 9};
      town.push_back({kind == "appeared" ? kNoHouse
                      : kind == "shrunk" ? large
                                         : small,
                      kind == "vanished" ? kNoHouse
                      : kind == "grown"  ? large
                                         : small,
                      kind});
    }
  }
  return town;
}

/// Dark ground whose structure is the same at both dates: noise at every fourth metre, smooth between.
inline double ground_at(double x, double y) {
  const auto noise = [](int64_t i, int64_t j) {
    uint64_t h = static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15U ^ static_cast<uint64_t>(j) * 0xC2B2AE3D27D4EB4FU;
    h = (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9U;
    return static_cast<double>((h ^ (h >> 29)) & 0xFFFFU) / 65535.0;
  };
  const double u = x / 4, v = y / 4, i = std::floor(u), j = std::floor(v), a = u - i, b = v - j;
  const auto c = static_cast<int64_t>(i), r = static_cast<int64_t>(j);
  return 8 + 50 * ((1 - b) * ((1 - a) * noise(c, r) + a * noise(c + 1, r)) +
                   b * ((1 - a) * noise(c, r + 1) + a * noise(c + 1, r + 1)));
}

/// How a date is seen.
struct Camera {
  Grid grid;
  Point shift;       ///< metres east and south by which it shows things out of place
  double scale = 1;  ///< of the values
};

/// What a camera sees of the town at a date; each pixel is the mean of four samples.
template <typename T = uint8_t>
Image<T> seen(const std::vector<DrawnHouse>& town, bool after, const Camera& camera) {
  const Grid& grid = camera.grid;
  std::optional<CrsTransform> to_town;
  if (!grid.crs.empty() && !grid.crs.same_as(utm())) to_town.emplace(grid.crs, utm());
  Image<T> image(grid.width, grid.height, 3);
  for (int64_t row = 0; row < grid.height; ++row) {
    for (int64_t col = 0; col < grid.width; ++col) {
      double sum = 0;
      for (int k = 0; k < 4; ++k) {
        const Point at = {static_cast<double>(col) + (k % 2 == 0 ? 0.25 : 0.75),
                          static_cast<double>(row) + (k / 2 == 0 ? 0.25 : 0.75)};
        Point world = grid.world_from_pixel(at);
        if (to_town) world = (*to_town)(world);
        const double x = world.x - 500000 - camera.shift.x, y = 3000000 - world.y - camera.shift.y;
        const bool house = std::ranges::any_of(town, [&](const DrawnHouse& h) {
          const Bounds& box = after ? h.after : h.before;
          return x >= box.min_x && x < box.max_x && y >= box.min_y && y < box.max_y;
        });
        sum += house ? 240 : ground_at(x, y);
      }
      for (int64_t b = 0; b < 3; ++b) image.at(col, row, b) = static_cast<T>(std::lround(sum / 4 * camera.scale));
    }
  }
  return image;
}

/// The grid of another CRS that covers the same ground at about one metre a pixel.
inline Grid grid_in(const std::string& crs_name, const Grid& of, double pixel) {
  const Crs crs = Crs::from_text(crs_name);
  const Bounds box = CrsTransform(of.crs, crs)(of.world_bounds());
  return {static_cast<int64_t>((box.max_x - box.min_x) / pixel),
          static_cast<int64_t>((box.max_y - box.min_y) / pixel),
          {box.min_x, pixel, 0, box.max_y, 0, -pixel},
          crs};
}

inline std::string text(const Feature& feature, const std::string& name) {
  const AttributeValue* value = feature.find(name);
  const auto* said = value != nullptr ? std::get_if<std::string>(value) : nullptr;
  return said != nullptr ? *said : "";
}

/// The layer of changes, in metres east and south of the town's corner.
inline FeatureLayer changes_of(const std::string& path, const std::string& name = "changes") {
  FeatureLayer layer = read_features(path, path.ends_with(".gpkg") ? name : "");
  std::optional<CrsTransform> to_town;
  if (!layer.crs.empty() && !layer.crs.same_as(utm())) to_town.emplace(layer.crs, utm());
  for (Feature& feature : layer.features) {
    if (to_town) feature.geometry = (*to_town)(feature.geometry);
    for (Polygon& polygon : feature.geometry) {
      for (Point& p : polygon.exterior) p = {p.x - 500000, 3000000 - p.y};
    }
  }
  return layer;
}

/// The features that cover the middle of a house.
inline std::vector<const Feature*> at_house(const FeatureLayer& layer, const DrawnHouse& house) {
  const Bounds& box = house.kind == "vanished" || house.kind == "grown" ? house.before : house.after;
  const Point middle{0.5 * (box.min_x + box.max_x), 0.5 * (box.min_y + box.max_y)};
  std::vector<const Feature*> found;
  for (const Feature& feature : layer.features) {
    if (std::ranges::any_of(feature.geometry, [&](const Polygon& p) { return contains(p, middle); }))
      found.push_back(&feature);
  }
  return found;
}

inline std::string mirrored(const std::string& kind) {
  static const std::map<std::string, std::string> pairs = {
      {"appeared", "vanished"}, {"vanished", "appeared"}, {"grown", "shrunk"}, {"shrunk", "grown"}};
  const auto found = pairs.find(kind);
  return found == pairs.end() ? kind : found->second;
}

/// The options of a run whose outlines stay on pixel edges.
inline ChangeOptions change_options(int threads = 2) {
  ChangeOptions options;
  options.threads = threads;
  options.simplify_m = 0;
  options.regularize = false;
  options.ram_bytes = int64_t{2} << 30;
  options.overwrite = true;
  return options;
}

}  // namespace plat::test
