// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace plat::detail {

/// Sums over a stretch of outline, taken along its length: how long it is, where it lies and how it scatters.
struct Moments {
  double length = 0;
  double x = 0;  ///< integral of x along the outline, and so on
  double y = 0;
  double xx = 0;
  double xy = 0;
  double yy = 0;

  Moments operator+(const Moments& other) const;
  Moments operator-(const Moments& other) const;
  /// The moments of the same stretch moved by (dx, dy).
  Moments shifted(double dx, double dy) const;
  void add_edge(const Point& a, const Point& b);
  Point centre() const { return {x / length, y / length}; }
  /// Scatter around the centre in place of xx, xy, yy.
  Moments centred() const;
  /// Direction of the line with the least squared distances.
  double best_angle() const;
};

/// What directions a line may take.
enum class LineKind : std::size_t { Along, Across, Diagonal, OtherDiagonal, Free };
inline constexpr std::size_t kLineKinds = 5;

/// One wall: the line that stands for the outline's vertices [begin, end].
struct WallLine {
  std::size_t begin = 0;
  std::size_t end = 0;
  LineKind kind = LineKind::Free;
  Point centre;
  double angle = 0;
  Moments moments;  ///< of the outline that it stands for, relative to the path's first vertex
};

struct LineFitOptions {
  double tolerance = 1;  ///< largest distance of an outline's vertex from its line, > 0
  double penalty = 1;    ///< what one line along the main direction costs, in units of length cubed, > 0
  std::optional<double> main_angle =
      std::nullopt;  ///< direction that lines take along, across or diagonally; unset: free lines only
  /// Vertices nearer to their neighbours' chord than this share of the tolerance are no breaks: 0.2 finds nearly the best
  /// division, 0.45 a good one in a fraction of the time.
  double break_share = 0.2;
};

struct LineFit {
  std::vector<WallLine> lines;
  double cost = 0;
};

/// Divides a path into the stretches whose lines explain it best: least sum of squared distances along the outline plus a
/// price for each line, with every vertex within the tolerance of its line. Optimal over all divisions at vertices for
/// free lines, and up to the angles between free neighbours otherwise (dynamic programming).
LineFit fit_path(std::span<const Point> points, const LineFitOptions& options);
/// The same for a ring, whose first break is chosen too. Line ends count on from the first line's begin, modulo the
/// ring's size.
LineFit fit_ring(const Ring& ring, const LineFitOptions& options);

/// One or two corners between two successive lines, near the vertex at which the outline passes from one to the other:
/// where they meet, unless that is farther than `reach` from the vertex or they are nearly parallel; then a step between
/// them for lines of given directions, and a point between them for free ones.
std::vector<Point> join_lines(const WallLine& line, const WallLine& next, const Point& vertex, double reach);
/// All corners of a fitted ring.
Ring join_ring(const Ring& ring, const std::vector<WallLine>& lines, double reach);

}  // namespace plat::detail
