// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/squaring.hpp"

#include "core/cancel.hpp"
#include "geo/geometry.hpp"
#include "postprocess/detail/fit_options.hpp"
#include "postprocess/detail/line_fit.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/detail/predicates.hpp"
#include "postprocess/validity.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <tuple>
#include <vector>

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

constexpr double kQuarter = std::numbers::pi / 2;
// Walls within about this angle of each other are meant to be parallel.
constexpr double kSpread = 6 * std::numbers::pi / 180;

double folded(double angle) {
  const double rest = std::fmod(angle, kQuarter);
  return rest < 0 ? rest + kQuarter : rest;
}

double difference(double a, double b) { return std::abs(std::remainder(a - b, kQuarter)); }

Ring convex_hull(Ring points) {
  std::ranges::sort(points, [](const Point& a, const Point& b) { return std::tie(a.x, a.y) < std::tie(b.x, b.y); });
  Ring hull;
  for (int half = 0; half < 2; ++half) {
    const std::size_t start = hull.size();
    for (const Point& p : points) {
      while (hull.size() >= start + 2 && side_of(hull[hull.size() - 2], hull.back(), p) <= 0) hull.pop_back();
      hull.push_back(p);
    }
    hull.pop_back();
    std::ranges::reverse(points);
  }
  return hull;
}

double rectangle_angle(const Ring& ring) {
  const Ring hull = convex_hull(ring);
  double least = std::numeric_limits<double>::infinity();
  double best = 0;
  for (std::size_t i = 0; i < hull.size(); ++i) {
    const Point& a = hull[i];
    const Point& b = hull[i + 1 < hull.size() ? i + 1 : 0];
    const double angle = std::atan2(b.y - a.y, b.x - a.x);
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    Bounds box;
    for (const Point& p : hull) box.add(Point{c * (p.x - a.x) + s * (p.y - a.y), c * (p.y - a.y) - s * (p.x - a.x)});
    const double size = (box.max_x - box.min_x) * (box.max_y - box.min_y);
    if (size < least * (1 - 1e-9)) {
      least = size;
      best = angle;
    }
  }
  return folded(best);
}

/// Likely directions of a building's walls in radians, in [0, pi/2), best first, at most three: those that most of the
/// outline's length keeps to (or crosses at a right angle), and that of the smallest rectangle around it.
std::vector<double> main_directions(const Ring& ring, double tolerance) {
  LineFitOptions options;
  options.tolerance = tolerance;
  options.penalty = 0.3 * tolerance * tolerance * tolerance;
  options.break_share = 0.45;
  const std::vector<WallLine> lines = fit_ring(ring, options).lines;
  struct Candidate {
    double score = 0;
    double angle = 0;
  };
  // Of an outline of very many walls the longest are asked only.
  constexpr std::size_t kMostCandidates = 256;
  double shortest = 0;
  if (lines.size() > kMostCandidates) {
    std::vector<double> lengths;
    for (const WallLine& line : lines) lengths.push_back(line.moments.length);
    std::ranges::nth_element(lengths, lengths.begin() + kMostCandidates, std::greater<>());
    shortest = lengths[kMostCandidates];
  }
  std::vector<Candidate> candidates;
  for (const WallLine& candidate : lines) {
    if (candidate.moments.length < shortest || candidates.size() == 2 * kMostCandidates) continue;
    throw_if_cancelled();
    double score = 0;
    double shift = 0;
    for (const WallLine& line : lines) {
      const double away = std::remainder(line.angle - candidate.angle, kQuarter);
      // Long lines tell their angle better: to the second power of their length.
      const double weight = line.moments.length * line.moments.length * std::exp(-(away / kSpread) * (away / kSpread));
      score += weight;
      shift += weight * away;
    }
    candidates.push_back({score, folded(candidate.angle + shift / score)});
  }
  std::ranges::stable_sort(candidates, std::greater<>(), &Candidate::score);
  std::vector<double> out;
  const auto add = [&](double angle) {
    for (const double known : out) {
      if (difference(known, angle) < kSpread / 2) return;
    }
    out.push_back(angle);
  };
  for (const Candidate& candidate : candidates) {
    if (out.size() < 2 && candidate.score > 0.4 * candidates.front().score) add(candidate.angle);
  }
  add(rectangle_angle(ring));
  return out;
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
