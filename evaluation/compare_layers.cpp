// SPDX-License-Identifier: Apache-2.0
#include "evaluation/compare_layers.hpp"

#include "core/error.hpp"
#include "evaluation/comparison_frame.hpp"
#include "evaluation/detail/compare_prepared.hpp"
#include "evaluation/polygon_matching.hpp"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace plat {
namespace {

constexpr double kSmallestPixel = 0.001;  // metres: finer than any picture from above
constexpr int kMostRounds = 1'000'000;    // more make no interval better

/// Takes out the objects that repeat another one, and returns their number.
int64_t take_out_repeated(PreparedLayer& layer) {
  const std::vector<std::size_t> repeated = find_repeated(layer.geometry);
  PreparedLayer once;
  auto next = repeated.begin();
  for (std::size_t i = 0; i < layer.geometry.size(); ++i) {
    if (next != repeated.end() && *next == i) {
      ++next;
      continue;
    }
    once.geometry.push_back(std::move(layer.geometry[i]));
    once.position.push_back(layer.position[i]);
  }
  const auto count = static_cast<int64_t>(repeated.size());
  once.left_out = layer.left_out + count;
  layer = std::move(once);
  return count;
}

}  // namespace

void CompareOptions::validate() const {
  if (!(iou > 0 && iou < 1)) throw UsageError("the IoU threshold must lie between 0 and 1, for example 0.5");
  if (!(min_area_m2 >= 0)) throw UsageError("the minimum area must be 0 or more square metres");
  if (!(gsd_m >= kSmallestPixel && std::isfinite(gsd_m))) {
    throw UsageError("the pixel size must be 0.001 m or more, for example 0.5");
  }
  if (!(block_m > 0 && std::isfinite(block_m)))
    throw UsageError("the block size must be a positive number of metres, for example 128");
  if (rounds < 0 || rounds > kMostRounds) throw UsageError("the number of draws must lie between 0 and 1000000");
}

std::string to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::TruePositive: return "tp";
    case Outcome::FalsePositive: return "fp";
    case Outcome::FalseNegative: return "fn";
  }
  return "";
}

Comparison compare_layers(const FeatureLayer& predicted, const FeatureLayer& truth, const CompareOptions& options,
                          const Progress& progress) {
  options.validate();
  const ComparisonFrame frame(predicted, truth, options);
  const PreparedLayer p = frame.prepare(predicted);
  PreparedLayer t = frame.prepare(truth);
  const int64_t truth_repeated = take_out_repeated(t);
  report(progress, 0.2);
  Comparison result = detail::compare_prepared(p, t, {p.geometry, t.geometry, {}},
                                               detail::order_by_score(predicted, p, options.score), options, progress);
  result.predicted_repeated = static_cast<int64_t>(find_repeated(p.geometry).size());
  result.truth_repeated = truth_repeated;
  result.crs = frame.crs();
  return result;
}

}  // namespace plat
