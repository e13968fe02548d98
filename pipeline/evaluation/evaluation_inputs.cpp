// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/evaluation_inputs.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "geo/raster_reader.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace plat {
namespace {

/// Makes the parts of each feature objects of their own, as training does: a file may keep all roofs in one feature.
FeatureLayer with_single_parts(FeatureLayer layer) {
  std::vector<Feature> parts;
  for (Feature& feature : layer.features) {
    throw_if_cancelled();
    for (Polygon& part : feature.geometry) parts.push_back({{std::move(part)}, feature.attributes});
  }
  layer.features = std::move(parts);
  return layer;
}

/// A rectangle with points along its sides, which bend when they are reprojected.
Polygon dense_rectangle(const Bounds& b) {
  constexpr int kSteps = 32;
  Polygon polygon;
  const auto side = [&](double xa, double ya, double xb, double yb) {
    for (int i = 0; i < kSteps; ++i) {
      const double t = static_cast<double>(i) / kSteps;
      polygon.exterior.push_back({xa + (xb - xa) * t, ya + (yb - ya) * t});
    }
  };
  side(b.min_x, b.min_y, b.max_x, b.min_y);
  side(b.max_x, b.min_y, b.max_x, b.max_y);
  side(b.max_x, b.max_y, b.min_x, b.max_y);
  side(b.min_x, b.max_y, b.min_x, b.min_y);
  return polygon;
}

}  // namespace

bool is_raster(const std::string& path) {
  static constexpr std::array kExtensions{".tif",  ".tiff", ".vrt", ".png", ".jpg",
                                          ".jpeg", ".img",  ".jp2", ".bmp", ".asc"};
  const std::string extension = lower(std::filesystem::path(path).extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

FeatureLayer read_outlines(const std::string& path, const std::string& layer, std::vector<std::string>& warnings) {
  FeatureLayer objects = read_features(path, layer);
  if (objects.features.empty() && objects.skipped > 0) {
    throw DataError(path + ": holds no polygon, only " + std::to_string(objects.skipped) +
                    " points, lines or empty features; objects are compared by their area, so give their outlines");
  }
  if (!objects.warning.empty()) warnings.push_back(objects.warning);
  return objects;
}

FeatureLayer read_objects(const std::string& path, const std::string& layer, std::vector<std::string>& warnings) {
  return with_single_parts(read_outlines(path, layer, warnings));
}

void check_places(const PlacedSide& predicted, const PlacedSide& truth) {
  const auto check = [](const PlacedSide& side, const PlacedSide& other) {
    const auto wrong = wrong_coordinates(side.place, {other.place}, other.name);
    if (wrong) throw DataError(side.path + ": " + *wrong);
  };
  const auto is_placed = [](const PlacedSide& side) {
    return side.place.box.empty() || side.place.crs.empty() || side.place.degrees;
  };
  for (const auto& [side, other] : {std::pair{&predicted, &truth}, {&truth, &predicted}}) {
    if (!is_placed(*side)) check(*side, *other);
  }
  if (predicted.place.box.empty() || truth.place.box.empty() || overlap(predicted.place, truth.place)) return;
  const bool truth_first = predicted.place.crs.is_geographic() && !truth.place.crs.is_geographic();
  check(truth_first ? truth : predicted, truth_first ? predicted : truth);
}

bool on_same_grid(const MaskValues& a, const MaskValues& b) {
  const bool same_crs = a.grid.crs.empty() ? b.grid.crs.empty() : a.grid.crs.same_as(b.grid.crs);
  return a.grid.width == b.grid.width && a.grid.height == b.grid.height && same_crs &&
         a.grid.world_from_pixel == b.grid.world_from_pixel;
}

void set_area(CompareOptions& compare, const EvaluateOptions& options, const Crs& truth_crs,
              std::optional<double>& gsd_m) {
  if (options.bbox && !(options.scene.empty() && options.area.empty()))
    throw UsageError("give --bbox without --scene and --area: each says where the truth is known");
  if (!options.scene.empty()) {
    const RasterReader scene(options.scene);
    compare.area = MultiPolygon{dense_rectangle(scene.grid().world_bounds())};
    compare.area_crs = scene.grid().crs;
    if (!gsd_m) gsd_m = scene.grid().ground_sample_distance_m();
  }
  if (!options.area.empty()) {
    const FeatureLayer layer = read_features(options.area, options.area_layer);
    if (layer.features.empty()) throw DataError(options.area + ": no polygon says where the truth is known");
    compare.area.emplace();
    for (const Feature& feature : layer.features) {
      compare.area->insert(compare.area->end(), feature.geometry.begin(), feature.geometry.end());
    }
    compare.area_crs = layer.crs;
  }
  if (options.bbox) {
    compare.area = MultiPolygon{dense_rectangle(*options.bbox)};
    compare.area_crs = options.bbox_crs.empty() ? truth_crs : options.bbox_crs;
  }
}

}  // namespace plat
