// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluate.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "evaluation/comparison_report.hpp"
#include "geo/data_place.hpp"
#include "geo/mask_values.hpp"
#include "geo/overlay.hpp"
#include "geo/raster_reader.hpp"
#include "pipeline/output_check.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace plat {
namespace {

bool is_raster(const std::string& path) {
  static constexpr std::array kExtensions{".tif",  ".tiff", ".vrt", ".png", ".jpg",
                                          ".jpeg", ".img",  ".jp2", ".bmp", ".asc"};
  const std::string extension = lower(std::filesystem::path(path).extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

FeatureLayer outlines(const MaskValues& raster) {
  FeatureLayer layer;
  layer.crs = raster.grid.crs;
  const auto regions = vectorize(raster.values);
  const auto world = [&](const Polygon& polygon) { return raster.grid.to_world(polygon); };
  for (const auto& [label, region] : regions) {
    if (regions.size() == 1) {
      for (const Polygon& part : region) layer.features.push_back({{world(part)}, {}});
    } else {
      MultiPolygon whole;
      for (const Polygon& part : region) whole.push_back(world(part));
      layer.features.push_back({std::move(whole), {}});
    }
  }
  return layer;
}

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

FeatureLayer read_objects(const std::string& path, const std::string& layer, std::vector<std::string>& warnings) {
  FeatureLayer objects = with_single_parts(read_features(path, layer));
  if (objects.features.empty() && objects.skipped > 0) {
    throw DataError(path + ": holds no polygon, only " + std::to_string(objects.skipped) +
                    " points, lines or empty features; objects are compared by their area, so give their outlines");
  }
  if (!objects.warning.empty()) warnings.push_back(objects.warning);
  return objects;
}

/// One side of the comparison and where it lies.
struct Side {
  const std::string& path;
  std::string name;
  DataPlace place;
};

/// Throws DataError where the coordinates of a side cannot be right. Of two that fit each other's CRS, the one that says metres
/// and holds degrees is wrong, and the truth is trusted longest.
void check_places(const Side& predicted, const Side& truth) {
  const auto check = [](const Side& side, const Side& other) {
    const auto wrong = wrong_coordinates(side.place, {other.place}, other.name);
    if (wrong) throw DataError(side.path + ": " + *wrong);
  };
  const auto is_placed = [](const Side& side) {
    return side.place.box.empty() || side.place.crs.empty() || side.place.degrees;
  };
  for (const auto& [side, other] : {std::pair{&predicted, &truth}, {&truth, &predicted}}) {
    if (!is_placed(*side)) check(*side, *other);
  }
  if (predicted.place.box.empty() || truth.place.box.empty() || overlap(predicted.place, truth.place)) return;
  const bool truth_first = predicted.place.crs.is_geographic() && !truth.place.crs.is_geographic();
  check(truth_first ? truth : predicted, truth_first ? predicted : truth);
}

void check_same_grid(const MaskValues& a, const MaskValues& b) {
  const bool same_crs = a.grid.crs.empty() ? b.grid.crs.empty() : a.grid.crs.same_as(b.grid.crs);
  if (a.grid.width == b.grid.width && a.grid.height == b.grid.height && same_crs &&
      a.grid.world_from_pixel == b.grid.world_from_pixel) {
    return;
  }
  throw DataError("the two rasters lie on different grids (" + std::to_string(a.grid.width) + " x " +
                  std::to_string(a.grid.height) + " and " + std::to_string(b.grid.width) + " x " +
                  std::to_string(b.grid.height) + " pixels); warp one onto the other's, or vectorize one");
}

/// Makes what is unknown in either image background in both.
void leave_out_unknown(Image<int32_t>& a, Image<int32_t>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a.data()[i] == kUnknownPixel || b.data()[i] == kUnknownPixel) a.data()[i] = b.data()[i] = 0;
  }
}

Image<uint8_t> mask_of(const MaskValues& raster) {
  Image<uint8_t> mask(raster.values.width(), raster.values.height());
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = raster.values.data()[i] != 0 ? 1 : 0;
  return mask;
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

void set_area(CompareOptions& compare, const EvaluateOptions& options, const Crs& truth_crs,
              std::optional<double>& gsd_m) {
  const int given = (options.scene.empty() ? 0 : 1) + (options.area.empty() ? 0 : 1) + (options.bbox ? 1 : 0);
  if (given > 1) throw UsageError("give only one of --scene, --area and --bbox: each says where the truth is known");
  if (!options.scene.empty()) {
    const RasterReader scene(options.scene);
    compare.area = MultiPolygon{dense_rectangle(scene.grid().world_bounds())};
    compare.area_crs = scene.grid().crs;
    if (!gsd_m) gsd_m = scene.grid().ground_sample_distance_m();
  } else if (!options.area.empty()) {
    const FeatureLayer layer = read_features(options.area, options.area_layer);
    if (layer.features.empty()) throw DataError(options.area + ": no polygon says where the truth is known");
    compare.area.emplace();
    for (const Feature& feature : layer.features) {
      compare.area->insert(compare.area->end(), feature.geometry.begin(), feature.geometry.end());
    }
    compare.area_crs = layer.crs;
  } else if (options.bbox) {
    compare.area = MultiPolygon{dense_rectangle(*options.bbox)};
    compare.area_crs = options.bbox_crs.empty() ? truth_crs : options.bbox_crs;
  }
}

}  // namespace

Evaluation evaluate(const std::string& predicted, const std::string& truth, const EvaluateOptions& options) {
  Evaluation result;
  result.options = options.compare;
  if (options.gsd_m) result.options.gsd_m = *options.gsd_m;
  result.options.validate();
  if (!options.matches.empty()) {
    check_vector_output(options.matches);
    check_outputs(
        {{predicted, truth, options.scene, options.area}, options.also_read, {options.matches}, options.overwrite});
  }

  std::optional<double> gsd_m = options.gsd_m;
  std::optional<MaskValues> predicted_raster;
  std::optional<MaskValues> truth_raster;
  if (is_raster(predicted)) predicted_raster = read_mask_values(predicted, options.value);
  if (is_raster(truth)) truth_raster = read_mask_values(truth, options.value);
  std::optional<PixelCounts> exact;
  if (predicted_raster && truth_raster) {
    check_same_grid(*predicted_raster, *truth_raster);
    leave_out_unknown(predicted_raster->values, truth_raster->values);
  }
  for (auto* raster : {&truth_raster, &predicted_raster}) {
    if (*raster) leave_out_unknown((*raster)->values, (*raster)->values);
    if (*raster && !gsd_m) gsd_m = (*raster)->grid.ground_sample_distance_m();
  }
  const FeatureLayer predicted_layer = predicted_raster
                                           ? outlines(*predicted_raster)
                                           : read_objects(predicted, options.predicted_layer, result.warnings);
  const FeatureLayer truth_layer =
      truth_raster ? outlines(*truth_raster) : read_objects(truth, options.truth_layer, result.warnings);
  check_places({predicted, "the prediction", layer_place(predicted_layer)},
               {truth, "the truth", layer_place(truth_layer)});
  set_area(result.options, options, truth_layer.crs, gsd_m);
  result.options.gsd_m = gsd_m.value_or(result.options.gsd_m);
  result.options.validate();
  if (predicted_raster && truth_raster && !result.options.area && !options.gsd_m && result.options.min_area_m2 == 0) {
    exact.emplace();
    exact->add(mask_of(*predicted_raster), mask_of(*truth_raster));
    exact->true_negatives = 0;
  }
  predicted_raster.reset();
  truth_raster.reset();

  result.comparison = compare_layers(predicted_layer, truth_layer, result.options, options.progress);
  // On the rasters' own pixels nothing is lost to drawing outlines anew.
  if (exact) result.comparison.pixels = *exact;
  if (!options.matches.empty()) {
    FeatureWriteOptions write;
    write.overwrite = options.overwrite;
    write_matches(options.matches, result.comparison, truth_layer.crs.empty() ? predicted_layer.crs : truth_layer.crs,
                  write);
  }
  return result;
}

}  // namespace plat
