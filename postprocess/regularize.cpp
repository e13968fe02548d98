// SPDX-License-Identifier: Apache-2.0
#include "postprocess/regularize.hpp"

#include "core/error.hpp"
#include "postprocess/detail/fit_options.hpp"
#include "postprocess/detail/squaring.hpp"
#include "postprocess/simplify.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace plat {
namespace {

using detail::LineFit;

Ring squared_ring(const Ring& ring, double angle, double tolerance) {
  const LineFit fit = detail::fit_ring(ring, detail::wall_options(tolerance, angle, true));
  return detail::without_idle_corners(detail::join_ring(ring, fit.lines, detail::kSquaredReach * tolerance), true,
                                      0.05 * tolerance);
}

Polygon square(const Polygon& polygon, double tolerance) {
  const double angle = detail::best_direction(polygon.exterior, tolerance);
  Polygon out{squared_ring(polygon.exterior, angle, tolerance), {}};
  for (const Ring& hole : polygon.holes) {
    const double size = std::abs(signed_area(hole));
    if (hole.size() < 4 || size < tolerance * tolerance) continue;
    Ring ring = squared_ring(hole, angle, detail::squaring_tolerance(tolerance, size));
    if (ring.size() >= 4 && signed_area(ring) * signed_area(hole) > 0) out.holes.push_back(std::move(ring));
  }
  return out;
}

}  // namespace

void RegularizeOptions::validate() const {
  if (!(tolerance > 0)) throw UsageError("regularization tolerance must be more than 0");
  if (!(max_area_change > 0 && max_area_change < 1)) {
    throw UsageError("regularization max_area_change must lie between 0 and 1");
  }
  if (!(min_iou > 0 && min_iou < 1)) throw UsageError("regularization min_iou must lie between 0 and 1");
}

Polygon regularize(const Polygon& polygon, const RegularizeOptions& options) {
  return regularized_outline(polygon, options).polygon;
}

Outline regularized_outline(const Polygon& polygon, const RegularizeOptions& options) {
  options.validate();
  if (polygon.exterior.size() >= 4) {
    Polygon squared = square(polygon, detail::squaring_tolerance(options.tolerance, area(polygon)));
    if (detail::accepted(squared, polygon, options)) {
      return {std::move(squared), OutlineKind::Squared, OutlineReason::None};
    }
  }
  return {simplify(polygon, detail::kSimplifyShare * options.tolerance), OutlineKind::Simplified, OutlineReason::Shape};
}

}  // namespace plat
