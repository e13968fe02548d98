// SPDX-License-Identifier: Apache-2.0
#include "pipeline/evaluation/evaluate_changes.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "evaluation/comparison_report.hpp"
#include "geo/mask_values.hpp"
#include "pipeline/evaluation/changes_input.hpp"
#include "pipeline/evaluation/evaluation_inputs.hpp"
#include "pipeline/output_check.hpp"

#include <algorithm>
#include <cstddef>

namespace plat {
namespace {

/// The kinds in the order given, each once.
std::vector<std::string> checked_kinds(const std::vector<std::string>& kinds) {
  const std::vector<std::string> known = changing_kinds();
  std::vector<std::string> out;
  for (const std::string& kind : kinds) {
    if (std::find(known.begin(), known.end(), kind) == known.end()) {
      throw UsageError("'" + kind + "' is no kind that can count as change; choose of " + join(known, ", "));
    }
    if (std::find(out.begin(), out.end(), kind) == out.end()) out.push_back(kind);
  }
  if (out.empty()) throw UsageError("no kind counts as change; choose of " + join(known, ", "));
  return out;
}

ChangesInput read_mask(const std::string& path, const std::optional<int64_t>& value) {
  MaskValues mask = read_mask_values(path, value);
  const auto values = std::count_if(mask.found.begin(), mask.found.end(), [](int32_t found) { return found > 0; });
  if (!value && values > static_cast<std::ptrdiff_t>(kMaxClasses)) {
    throw DataError(path + ": holds " + std::to_string(values) +
                    " values, too many for a mask of changes; give the threshold of a map of probabilities, or the one "
                    "value that means change");
  }
  return changes_of_mask(std::move(mask));
}

Image<uint8_t> pixels_that(const Image<int32_t>& values, auto&& holds) {
  Image<uint8_t> mask(values.width(), values.height());
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = holds(values.data()[i]) ? 1 : 0;
  return mask;
}

/// Counts on the rasters' own pixels, where nothing is lost to drawing outlines anew.
PixelCounts exact_counts(const Image<int32_t>& predicted, const Image<int32_t>& truth) {
  const auto is_changed = [](int32_t value) { return value > 0; };
  Image<uint8_t> known = pixels_that(truth, [](int32_t value) { return value != kUnknownPixel; });
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (predicted.data()[i] == kUnknownPixel) known.data()[i] = 0;
  }
  PixelCounts counts;
  counts.add(pixels_that(predicted, is_changed), pixels_that(truth, is_changed), known);
  counts.true_negatives = 0;
  return counts;
}

void check_truth(const std::string& truth, const EvaluateChangesOptions& options) {
  if (options.truth_before.empty() != options.truth_after.empty()) {
    throw UsageError("give the true objects of both dates, --truth-before and --truth-after, or neither");
  }
  if (truth.empty() == options.truth_before.empty()) {
    throw UsageError("say what is true: either TRUTH, or --truth-before and --truth-after");
  }
}

}  // namespace

ChangesEvaluation evaluate_changes(const std::string& predicted, const std::string& truth,
                                   const EvaluateChangesOptions& options) {
  const EvaluateOptions& common = options.evaluate;
  ChangesEvaluation result;
  result.options.kinds = checked_kinds(options.kinds);
  CompareOptions& compare = result.options.compare;
  compare = common.compare;
  compare.nothing_is_right = true;
  if (common.gsd_m) compare.gsd_m = *common.gsd_m;
  compare.validate();
  check_truth(truth, options);
  if (options.threshold && !is_raster(predicted)) {
    throw UsageError("a threshold is for a raster of probabilities, and " + predicted + " is a vector file");
  }
  if (!common.matches.empty()) {
    check_vector_output(common.matches);
    check_outputs({{predicted, truth, options.truth_before, options.truth_after, common.scene, common.area},
                   common.also_read,
                   {common.matches},
                   common.overwrite});
  }

  ChangesInput p = options.threshold ? changes_of_mask(read_probability_mask(predicted, *options.threshold))
                   : is_raster(predicted)
                       ? read_mask(predicted, common.value)
                       : read_changes(predicted, common.predicted_layer, options.step, true, result.warnings);
  ChangesInput t = truth.empty() ? find_changes_between(options.truth_before, options.truth_after, common.truth_layer,
                                                        result.warnings)
                   : is_raster(truth) ? read_mask(truth, common.value)
                                      : read_changes(truth, common.truth_layer, options.step, false, result.warnings);
  check_places({predicted, "the prediction", layer_location(p.changes.objects)},
               {truth.empty() ? options.truth_after : truth, "the truth", layer_location(t.changes.objects)});

  std::optional<double> gsd_m = common.gsd_m;
  for (const auto* side : {&t, &p}) {
    if (side->raster && !gsd_m) gsd_m = side->raster->grid.ground_sample_distance_m();
  }
  set_area(compare, common, t.crs, gsd_m);
  compare.gsd_m = gsd_m.value_or(compare.gsd_m);
  compare.validate();
  std::optional<PixelCounts> exact;
  if (p.raster && t.raster && on_same_grid(*p.raster, *t.raster) && !compare.area && !common.gsd_m &&
      compare.min_area_m2 == 0) {
    exact = exact_counts(p.raster->values, t.raster->values);
  }
  p.raster.reset();
  t.raster.reset();

  result.comparison = compare_changes(p.changes, t.changes, result.options, common.progress);
  if (exact) result.comparison.changes.pixels = *exact;
  if (!common.matches.empty()) {
    FeatureWriteOptions write;
    write.overwrite = common.overwrite;
    write_matches(common.matches, result.comparison.changes, t.crs.empty() ? p.crs : t.crs, write);
  }
  return result;
}

}  // namespace plat
