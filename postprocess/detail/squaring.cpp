// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/squaring.hpp"

#include "postprocess/detail/fit_options.hpp"
#include "postprocess/detail/main_direction.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/validity.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace plat::detail {
namespace {

// Turns a direction so that the lines' stretches, each turned by what its kind adds, scatter least along it.
double refined_angle(const std::vector<WallLine>& lines, double angle) {
  double cosine = 0;
  double sine = 0;
  for (const WallLine& line : lines) {
    if (line.kind == LineKind::Free) continue;
    const Moments c = line.moments.centred();
    const double turn = 2 * (line.angle - angle);
    const double x = c.xx - c.yy;
    const double y = 2 * c.xy;
    cosine += x * std::cos(turn) + y * std::sin(turn);
    sine += y * std::cos(turn) - x * std::sin(turn);
  }
  return cosine == 0 && sine == 0 ? angle : 0.5 * std::atan2(sine, cosine);
}

}  // namespace

double best_direction(const Ring& ring, double tolerance) {
  double least = std::numeric_limits<double>::infinity();
  double best = 0;
  for (double angle : main_directions(ring, tolerance)) {
    for (int round = 0; round < 2; ++round) {
      const LineFit fit = fit_ring(ring, wall_options(tolerance, angle, false));
      angle = refined_angle(fit.lines, angle);
      if (fit.cost >= least) break;
      least = fit.cost;
      best = angle;
    }
  }
  return best;
}

std::vector<Point> without_idle_corners(std::vector<Point> points, bool closed, double tolerance) {
  const std::size_t least = closed ? 3 : 2;
  const auto idle = [&](std::size_t i) {
    if (!closed && (i == 0 || i + 1 == points.size())) return false;
    const Point& before = points[i > 0 ? i - 1 : points.size() - 1];
    const Point& after = points[i + 1 < points.size() ? i + 1 : 0];
    const double dx = after.x - before.x;
    const double dy = after.y - before.y;
    const double length = std::hypot(dx, dy);
    return length == 0 || std::abs(dx * (points[i].y - before.y) - dy * (points[i].x - before.x)) / length <= tolerance;
  };
  // Of all idle corners the first goes, again and again. What is before its neighbour stays as it was.
  for (std::size_t i = 0; i < points.size() && points.size() > least;) {
    if (!idle(i)) {
      ++i;
      continue;
    }
    points.erase(points.begin() + static_cast<std::ptrdiff_t>(i));
    i = i == points.size() || i == 0 ? 0 : i - 1;
  }
  return points;
}

bool accepted(const Polygon& squared, const Polygon& original, const RegularizeOptions& options) {
  if (squared.exterior.size() < 4 || signed_area(squared.exterior) * signed_area(original.exterior) <= 0) return false;
  const double before = area(original);
  if (std::abs(area(squared) - before) > options.max_area_change * before) return false;
  return is_valid(squared) && overlap(squared, original) >= options.min_iou;
}

}  // namespace plat::detail
