// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/evaluate.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "evaluation/comparison_report.hpp"
#include "geo/mask_values.hpp"
#include "pipeline/evaluation/evaluation_inputs.hpp"
#include "pipeline/output_check.hpp"
#include "postprocess/vectorize.hpp"

#include <utility>

namespace plat {
namespace {

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

void check_same_grid(const MaskValues& a, const MaskValues& b) {
  if (on_same_grid(a, b)) return;
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
  check_places({predicted, "the prediction", layer_location(predicted_layer)},
               {truth, "the truth", layer_location(truth_layer)});
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
  const auto warn_of = [&](const std::string& path, int64_t count, const char* rest) {
    if (count == 0) return;
    result.warnings.push_back(path + ": " + std::to_string(count) +
                              (count == 1 ? " object repeats another one; " : " objects repeat another one; ") + rest);
  };
  warn_of(predicted, result.comparison.predicted_repeated, "only one of the same can be right, the others are false");
  warn_of(truth, result.comparison.truth_repeated, "the same is counted once");
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
