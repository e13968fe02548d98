// SPDX-License-Identifier: Apache-2.0
#include "postprocess/regularize.hpp"

#include "core/error.hpp"
#include "postprocess/detail/line_fit.hpp"
#include "postprocess/detail/main_direction.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/simplify.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace plat {
namespace {

using detail::LineFit;
using detail::LineFitOptions;
using detail::LineKind;
using detail::WallLine;

// What a wall more must explain, as a share of the tolerance cubed.
constexpr double kPenalty = 0.7;
// The outline that is kept where squaring fails follows the input this much closer.
constexpr double kSimplifyShare = 0.6;
constexpr double kReach = 3;

// Drops corners that say nothing: repeated ones and those within a straight edge.
Ring without_idle_corners(const Ring& ring, double tolerance) {
  Ring out = ring;
  for (bool changed = true; changed && out.size() >= 3;) {
    changed = false;
    for (std::size_t i = 0; i < out.size() && out.size() >= 3; ++i) {
      const Point& before = out[i > 0 ? i - 1 : out.size() - 1];
      const Point& after = out[i + 1 < out.size() ? i + 1 : 0];
      const double dx = after.x - before.x;
      const double dy = after.y - before.y;
      const double length = std::hypot(dx, dy);
      const double off = length > 0 ? std::abs(dx * (out[i].y - before.y) - dy * (out[i].x - before.x)) / length : 0;
      if (off > tolerance) continue;
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
      changed = true;
      break;
    }
  }
  return out;
}

// Refines the main direction: the lines' stretches, each turned to the main direction, scatter least along it.
double refined_angle(const std::vector<WallLine>& lines, double angle) {
  double cosine = 0;
  double sine = 0;
  for (const WallLine& line : lines) {
    if (line.kind == LineKind::Free) continue;
    const detail::Moments c = line.moments.centred();
    // The scatter's direction turned by twice the angle that the line's kind adds.
    const double turn = 2 * (line.angle - angle);
    const double x = c.xx - c.yy;
    const double y = 2 * c.xy;
    cosine += x * std::cos(turn) + y * std::sin(turn);
    sine += y * std::cos(turn) - x * std::sin(turn);
  }
  if (cosine == 0 && sine == 0) return angle;
  return 0.5 * std::atan2(sine, cosine);
}

LineFit fit_walls(const Ring& ring, double angle, double break_share, const RegularizeOptions& options) {
  LineFitOptions fit;
  fit.tolerance = options.tolerance;
  fit.penalty = kPenalty * options.tolerance * options.tolerance * options.tolerance;
  fit.main_angle = angle;
  fit.break_share = break_share;
  return detail::fit_ring(ring, fit);
}

// The direction whose walls explain the outline best.
double best_direction(const Ring& ring, const RegularizeOptions& options) {
  constexpr double kRoughly = 0.45;
  double least = std::numeric_limits<double>::infinity();
  double best = 0;
  for (double angle : detail::main_directions(ring, options.tolerance)) {
    for (int round = 0; round < 2; ++round) {
      const LineFit fit = fit_walls(ring, angle, kRoughly, options);
      angle = refined_angle(fit.lines, angle);
      if (fit.cost >= least) break;
      least = fit.cost;
      best = angle;
    }
  }
  return best;
}

std::optional<Polygon> square(const Polygon& polygon, const RegularizeOptions& options) {
  constexpr double kFinely = 0.2;
  const double angle = best_direction(polygon.exterior, options);
  const double reach = kReach * options.tolerance;
  const double idle = options.tolerance * 0.05;
  const auto squared = [&](const Ring& ring) {
    const LineFit fit = fit_walls(ring, angle, kFinely, options);
    return without_idle_corners(detail::join_ring(ring, fit.lines, reach), idle);
  };
  Polygon out;
  out.exterior = squared(polygon.exterior);
  for (const Ring& hole : polygon.holes) {
    if (hole.size() < 4) continue;
    Ring ring = squared(hole);
    const bool collapsed = ring.size() < 4 || signed_area(ring) * signed_area(hole) <= 0;
    if (!collapsed) out.holes.push_back(std::move(ring));
  }
  return out;
}

bool accepted(const Polygon& candidate, const Polygon& input, const RegularizeOptions& options) {
  if (candidate.exterior.size() < 4 || signed_area(candidate.exterior) * signed_area(input.exterior) <= 0) return false;
  const double before = area(input);
  if (std::abs(area(candidate) - before) > options.max_area_change * before) return false;
  return is_valid(candidate) && detail::overlap(candidate, input) >= options.min_iou;
}

}  // namespace

void RegularizeOptions::validate() const {
  if (!(tolerance > 0)) throw UsageError("regularization tolerance must be more than 0");
  if (!(max_area_change > 0 && max_area_change < 1))
    throw UsageError("regularization max_area_change must lie between 0 and 1");
  if (!(min_iou > 0 && min_iou < 1)) throw UsageError("regularization min_iou must lie between 0 and 1");
}

Polygon regularize(const Polygon& polygon, const RegularizeOptions& options) {
  options.validate();
  if (polygon.exterior.size() >= 4) {
    const std::optional<Polygon> squared = square(polygon, options);
    if (squared && accepted(*squared, polygon, options)) return *squared;
  }
  return simplify(polygon, kSimplifyShare * options.tolerance);
}

}  // namespace plat
