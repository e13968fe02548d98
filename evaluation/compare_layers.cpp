// SPDX-License-Identifier: Apache-2.0
#include "evaluation/compare_layers.hpp"

#include "core/error.hpp"
#include "evaluation/comparison_frame.hpp"
#include "evaluation/detail/compare_prepared.hpp"

#include <cmath>

namespace plat {
namespace {

constexpr double kSmallestPixel = 0.001;  // metres: finer than any picture from above
constexpr int kMostRounds = 1'000'000;    // more make no interval better

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
  const PreparedLayer t = frame.prepare(truth);
  report(progress, 0.2);
  Comparison result = detail::compare_prepared(p, t, {p.geometry, t.geometry, {}},
                                               detail::order_by_score(predicted, p, options.score), options, progress);
  result.crs = frame.crs();
  return result;
}

}  // namespace plat
