// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluate.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "evaluation/comparison_report.hpp"
#include "geo/overlay.hpp"
#include "geo/raster_reader.hpp"
#include "pipeline/output_check.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>

namespace plat {
namespace {

/// Pixels of one side as read: labels, and where they mean anything.
struct LabelRaster {
  Grid grid;
  Image<int32_t> labels;
  Image<uint8_t> valid;
};

bool is_raster(const std::string& path) {
  static constexpr std::array kExtensions{".tif",  ".tiff", ".vrt", ".png", ".jpg",
                                          ".jpeg", ".img",  ".jp2", ".bmp", ".asc"};
  const std::string extension = lower(std::filesystem::path(path).extension().string());
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

LabelRaster read_labels(const std::string& path, const std::optional<int64_t>& value) {
  RasterOptions options;
  options.bands = {"1"};
  RasterReader reader(path, options);
  LabelRaster raster{reader.grid(), Image<int32_t>(reader.grid().width, reader.grid().height),
                     Image<uint8_t>(reader.grid().width, reader.grid().height, 1, 1)};
  // Many masks call their background nodata; it is background all the same.
  const auto& nodata = reader.info().nodata;
  const bool zero_is_nodata = !nodata.empty() && nodata.front() == 0.0;
  constexpr int64_t kStrip = 512;
  for (int64_t row = 0; row < raster.grid.height; row += kStrip) {
    throw_if_cancelled();
    const Window window{0, row, raster.grid.width, std::min(kStrip, raster.grid.height - row)};
    const RasterBlock block = reader.read(window);
    for (int64_t r = 0; r < window.height; ++r) {
      for (int64_t c = 0; c < window.width; ++c) {
        const float pixel = block.pixels.at(c, r);
        const bool valid = block.valid.at(c, r) != 0 || zero_is_nodata;
        raster.valid.at(c, row + r) = valid ? 1 : 0;
        if (!valid) continue;
        // Whole numbers up to 2^24 pass through float unharmed.
        if (std::abs(pixel) > 16777216.0F) {
          throw DataError(path + ": label " + std::to_string(pixel) + " is above 16777216; renumber the labels");
        }
        const auto label = static_cast<int32_t>(std::lround(pixel));
        raster.labels.at(c, row + r) = value ? (label == *value ? 1 : 0) : label;
      }
    }
  }
  return raster;
}

FeatureLayer outlines(const LabelRaster& raster) {
  FeatureLayer layer;
  layer.crs = raster.grid.crs;
  const auto regions = vectorize(raster.labels);
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

void check_same_grid(const LabelRaster& a, const LabelRaster& b) {
  const bool same_crs = a.grid.crs.empty() ? b.grid.crs.empty() : a.grid.crs.same_as(b.grid.crs);
  if (a.grid.width == b.grid.width && a.grid.height == b.grid.height && same_crs &&
      a.grid.world_from_pixel == b.grid.world_from_pixel) {
    return;
  }
  throw DataError("the two rasters lie on different grids (" + std::to_string(a.grid.width) + " x " +
                  std::to_string(a.grid.height) + " and " + std::to_string(b.grid.width) + " x " +
                  std::to_string(b.grid.height) + " pixels); warp one onto the other's, or vectorize one");
}

Image<uint8_t> mask_of(const LabelRaster& raster) {
  Image<uint8_t> mask(raster.labels.width(), raster.labels.height());
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = raster.labels.data()[i] != 0 ? 1 : 0;
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
    const FeatureLayer layer = read_features(options.area);
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
  result.options.validate();
  if (!options.matches.empty()) {
    check_vector_output(options.matches);
    RunFiles files{{predicted, truth, options.scene, options.area}, {options.matches}, options.overwrite};
    files.inputs.insert(files.inputs.end(), options.also_read.begin(), options.also_read.end());
    check_outputs(files);
  }

  std::optional<double> gsd_m = options.gsd_m;
  std::optional<LabelRaster> predicted_raster;
  std::optional<LabelRaster> truth_raster;
  if (is_raster(predicted)) predicted_raster = read_labels(predicted, options.value);
  if (is_raster(truth)) truth_raster = read_labels(truth, options.value);
  std::optional<PixelCounts> exact;
  if (predicted_raster && truth_raster) {
    check_same_grid(*predicted_raster, *truth_raster);
    for (std::size_t i = 0; i < predicted_raster->labels.size(); ++i) {
      if (predicted_raster->valid.data()[i] != 0 && truth_raster->valid.data()[i] != 0) continue;
      predicted_raster->labels.data()[i] = 0;
      truth_raster->labels.data()[i] = 0;
    }
  }
  for (const auto* raster : {&truth_raster, &predicted_raster}) {
    if (*raster && !gsd_m) gsd_m = (*raster)->grid.ground_sample_distance_m();
  }
  const FeatureLayer predicted_layer =
      predicted_raster ? outlines(*predicted_raster) : read_features(predicted, options.predicted_layer);
  const FeatureLayer truth_layer = truth_raster ? outlines(*truth_raster) : read_features(truth, options.truth_layer);
  set_area(result.options, options, truth_layer.crs, gsd_m);
  result.options.gsd_m = gsd_m.value_or(result.options.gsd_m);
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
