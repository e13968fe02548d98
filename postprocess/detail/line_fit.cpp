// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/line_fit.hpp"

#include "core/cancel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace plat::detail {
namespace {

// Prices of the kinds of line: a wall that keeps to the main direction is likelier than one that does not.
constexpr std::array<double, kLineKinds> kPrice = {1.0, 1.0, 1.7, 1.7, 2.2};
// Successive lines that are (nearly) parallel need a step between them, or meet nowhere near.
constexpr double kPriceOfStep = 1.0;
constexpr double kFlatSine = 0.3;
// Roughness of walls as a share of the tolerance, and what distances within it cost.
constexpr double kRoughness = 0.25;
constexpr double kRoughPrice = 0.5;

double cross(double ax, double ay, double bx, double by) { return ax * by - ay * bx; }

// A unit vector.
struct Direction {
  double dx = 1;
  double dy = 0;
};

Direction direction_of(double angle) { return {std::cos(angle), std::sin(angle)}; }

// Signed distance of a position from the line through the origin.
double offset(const Direction& d, double x, double y) { return d.dx * y - d.dy * x; }

bool nearly_parallel(const Direction& a, const Direction& b) {
  return std::abs(cross(a.dx, a.dy, b.dx, b.dy)) < kFlatSine;
}

// The cheapest division up to a break, of those that end in a line of one kind.
struct State {
  double cost = std::numeric_limits<double>::infinity();
  std::size_t from = 0;
  std::size_t kind_before = 0;
  Direction direction;
};

using States = std::array<State, kLineKinds>;

// Scatter of a stretch around its centre, and what it says about lines through the centre.
struct Scatter {
  explicit Scatter(const Moments& m)
      : x(m.x / m.length), y(m.y / m.length), xx(m.xx - x * m.x), xy(m.xy - x * m.y), yy(m.yy - y * m.y) {}
  double residual(const Direction& d) const {
    return std::max(0.0, d.dy * d.dy * xx - 2 * d.dx * d.dy * xy + d.dx * d.dx * yy);
  }
  // The outlines' squares are far from any overflow that std::hypot, which is slow, would guard against.
  double least() const { return std::max(0.0, (xx + yy - std::sqrt((xx - yy) * (xx - yy) + 4 * xy * xy)) / 2); }
  double best_angle() const { return 0.5 * std::atan2(2 * xy, xx - yy); }
  double x, y, xx, xy, yy;
};

// How far a growing stretch reaches to both sides of a direction.
struct Reach {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Vertices of a path that may be breaks: those that Douglas and Peucker keep, of which the first and last are two.
std::vector<std::size_t> possible_breaks(const std::vector<Point>& points, double tolerance) {
  std::vector<std::size_t> out = {0};
  std::vector<std::size_t> ends = {points.size() - 1};
  while (!ends.empty()) {
    const Point& a = points[out.back()];
    const Point& b = points[ends.back()];
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    double farthest = tolerance;
    std::size_t split = 0;
    for (std::size_t i = out.back() + 1; i < ends.back(); ++i) {
      const double away = length > 0
                              ? std::abs(cross(b.x - a.x, b.y - a.y, points[i].x - a.x, points[i].y - a.y)) / length
                              : std::hypot(points[i].x - a.x, points[i].y - a.y);
      if (away <= farthest) continue;
      farthest = away;
      split = i;
    }
    if (split > 0) {
      ends.push_back(split);
    } else {
      out.push_back(ends.back());
      ends.pop_back();
    }
  }
  return out;
}

class PathFitter {
 public:
  PathFitter(std::span<const Point> points, const LineFitOptions& options) : options_(options) {
    const Point origin = points.front();
    for (const Point& p : points) points_.push_back({p.x - origin.x, p.y - origin.y});
    sums_.emplace_back();
    for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
      sums_.push_back(sums_.back());
      sums_.back().add_edge(points_[i], points_[i + 1]);
    }
    breaks_ = possible_breaks(points_, options.break_share * options.tolerance);
    if (options.main_angle) {
      constexpr std::array<double, 4> kTurn = {0, 0.5, 0.25, 0.75};
      for (const double turn : kTurn) given_.push_back(direction_of(*options.main_angle + turn * std::numbers::pi));
    }
  }

  // Lines of no more than so many breaks are tried at first. Long stretches are put together from what that gives, as often as
  // it makes fewer of them: the time grows with the outline's length, not with its square.
  LineFit fit() {
    // All lines are tried where the breaks' pairs are no more than this.
    constexpr std::size_t kMostPairs = std::size_t{1} << 16;
    constexpr std::size_t kShortest = 48;
    for (;;) {
      const std::size_t count = breaks_.size();
      const std::size_t longest = std::max(kShortest, kMostPairs / count);
      const bool limited = divide(longest);
      LineFit out = trace_back();
      if (!limited || out.lines.size() + 1 == count) return out;
      breaks_ = {0};
      for (const WallLine& line : out.lines) breaks_.push_back(line.end);
    }
  }

 private:
  // Finds the cheapest division into lines of up to `longest` breaks each; whether that kept any longer one from being tried.
  bool divide(std::size_t longest) {
    states_.assign(breaks_.size(), {});
    states_[0].fill({0, 0, kLineKinds, {}});
    bool limited = false;
    const double tolerance = options_.tolerance;
    for (std::size_t i = 0; i + 1 < breaks_.size(); ++i) {
      // A field's outline may have a million vertices.
      if (i % 1024 == 0) throw_if_cancelled();
      std::array<Reach, kLineKinds> reach;
      for (std::size_t j = i + 1; j < breaks_.size(); ++j) {
        if (j - i > longest) {
          limited = true;
          break;
        }
        const Moments moments = sums_[breaks_[j]] - sums_[breaks_[i]];
        const Scatter scatter(moments);
        const double least = scatter.least();
        // No line lies nearer than this on average, and a longer stretch cannot bring the vertices nearer again.
        if (least > tolerance * tolerance * moments.length) break;
        for (std::size_t kind = 0; kind < given_.size(); ++kind) {
          const Direction& d = given_[kind];
          for (std::size_t k = breaks_[j - 1]; k <= breaks_[j]; ++k)
            reach[kind].add(offset(d, points_[k].x, points_[k].y));
          const double middle = offset(d, scatter.x, scatter.y);
          if (reach[kind].high - middle > tolerance || middle - reach[kind].low > tolerance) continue;
          try_line(i, j, kind, d, misfit(scatter.residual(d), moments.length) + options_.penalty * kPrice[kind]);
        }
        try_free_line(i, j, scatter, misfit(least, moments.length));
      }
    }
    return limited;
  }

  // What a line's squared distances cost: walls are as rough as pixels are large, so little below that, in full above.
  double misfit(double residual, double length) const {
    const double rough = kRoughness * options_.tolerance;
    const double expected = rough * rough * length;
    return residual < expected ? kRoughPrice * residual : residual - (1 - kRoughPrice) * expected;
  }

  // Price of the step between a line and the one before it.
  double price_of_step(std::size_t i, const State& before, const Direction& d) const {
    return i > 0 && !given_.empty() && nearly_parallel(before.direction, d) ? kPriceOfStep * options_.penalty : 0;
  }

  void try_line(std::size_t i, std::size_t j, std::size_t kind, const Direction& d, double own) {
    State& state = states_[j][kind];
    for (std::size_t before = 0; before < kLineKinds; ++before) {
      double cost = states_[i][before].cost + own;
      if (cost >= state.cost) continue;
      cost += price_of_step(i, states_[i][before], d);
      if (cost < state.cost) state = {cost, i, before, d};
    }
  }

  void try_free_line(std::size_t i, std::size_t j, const Scatter& scatter, double cost) {
    constexpr std::size_t kFree = kLineKinds - 1;
    const double own = cost + options_.penalty * (given_.empty() ? 1.0 : kPrice[kFree]);
    const auto cheapest = std::ranges::min_element(states_[i], {}, &State::cost);
    // The costly test comes last, for the few lines that are cheap enough.
    if (cheapest->cost + own >= states_[j][kFree].cost) return;
    const Direction d = direction_of(scatter.best_angle());
    const double middle = offset(d, scatter.x, scatter.y);
    for (std::size_t k = breaks_[i]; k <= breaks_[j]; ++k) {
      if (std::abs(offset(d, points_[k].x, points_[k].y) - middle) > options_.tolerance) return;
    }
    try_line(i, j, kFree, d, own);
  }

  LineFit trace_back() const {
    LineFit out;
    std::size_t end = breaks_.size() - 1;
    const auto cheapest = std::ranges::min_element(states_[end], {}, &State::cost);
    auto kind = static_cast<std::size_t>(cheapest - states_[end].begin());
    out.cost = cheapest->cost;
    while (end > 0) {
      const State& state = states_[end][kind];
      WallLine line{breaks_[state.from], breaks_[end], static_cast<LineKind>(kind), {}, 0, {}};
      line.moments = sums_[line.end] - sums_[line.begin];
      line.centre = line.moments.centre();
      line.angle = std::atan2(state.direction.dy, state.direction.dx);
      out.lines.push_back(line);
      end = state.from;
      kind = state.kind_before;
    }
    std::ranges::reverse(out.lines);
    return out;
  }

  const LineFitOptions& options_;
  std::vector<Point> points_;  // relative to the first vertex, for the sake of the sums' precision
  std::vector<Moments> sums_;
  std::vector<std::size_t> breaks_;
  std::vector<Direction> given_;
  std::vector<States> states_;
};

Point on_line(const WallLine& line, const Point& p) {
  const double dx = std::cos(line.angle);
  const double dy = std::sin(line.angle);
  const double along = (p.x - line.centre.x) * dx + (p.y - line.centre.y) * dy;
  return {line.centre.x + along * dx, line.centre.y + along * dy};
}

std::size_t farthest_from_centre(const Ring& ring) {
  Moments moments;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& next = ring[i + 1 < ring.size() ? i + 1 : 0];
    moments.add_edge({ring[i].x - ring[0].x, ring[i].y - ring[0].y}, {next.x - ring[0].x, next.y - ring[0].y});
  }
  const Point centre = moments.centre();
  std::size_t best = 0;
  double farthest = -1;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const double distance = std::hypot(ring[i].x - ring[0].x - centre.x, ring[i].y - ring[0].y - centre.y);
    if (distance <= farthest) continue;
    farthest = distance;
    best = i;
  }
  return best;
}

LineFit fit_from(const Ring& ring, std::size_t start, const LineFitOptions& options) {
  std::vector<Point> path(ring.begin() + static_cast<std::ptrdiff_t>(start), ring.end());
  path.insert(path.end(), ring.begin(), ring.begin() + static_cast<std::ptrdiff_t>(start) + 1);
  LineFit fit = fit_path(path, options);
  for (WallLine& line : fit.lines) {
    line.begin += start;
    line.end += start;
  }
  return fit;
}

}  // namespace

Moments Moments::operator+(const Moments& other) const {
  return {length + other.length, x + other.x, y + other.y, xx + other.xx, xy + other.xy, yy + other.yy};
}

Moments Moments::operator-(const Moments& other) const {
  return {length - other.length, x - other.x, y - other.y, xx - other.xx, xy - other.xy, yy - other.yy};
}

void Moments::add_edge(const Point& a, const Point& b) {
  const double l = std::hypot(b.x - a.x, b.y - a.y);
  length += l;
  x += l * (a.x + b.x) / 2;
  y += l * (a.y + b.y) / 2;
  xx += l * (a.x * a.x + a.x * b.x + b.x * b.x) / 3;
  yy += l * (a.y * a.y + a.y * b.y + b.y * b.y) / 3;
  xy += l * (2 * a.x * a.y + a.x * b.y + b.x * a.y + 2 * b.x * b.y) / 6;
}

Moments Moments::centred() const {
  return {length, 0, 0, xx - x * x / length, xy - x * y / length, yy - y * y / length};
}

Moments Moments::shifted(double dx, double dy) const {
  return {length,
          x + dx * length,
          y + dy * length,
          xx + 2 * dx * x + dx * dx * length,
          xy + dx * y + dy * x + dx * dy * length,
          yy + 2 * dy * y + dy * dy * length};
}

double Moments::best_angle() const {
  const Moments c = centred();
  return 0.5 * std::atan2(2 * c.xy, c.xx - c.yy);
}

LineFit fit_path(std::span<const Point> points, const LineFitOptions& options) {
  LineFit fit = PathFitter(points, options).fit();
  for (WallLine& line : fit.lines) {
    line.centre.x += points.front().x;
    line.centre.y += points.front().y;
  }
  return fit;
}

LineFit fit_ring(const Ring& ring, const LineFitOptions& options) {
  // The vertex farthest from the centre lies at a corner, or a step beside it. A break of the division that starts there is
  // a corner for certain: the division from one on the other side is the better one.
  const LineFit first = fit_from(ring, farthest_from_centre(ring), options);
  const std::size_t start = first.lines[first.lines.size() / 2].begin % ring.size();
  LineFit second = fit_from(ring, start, options);
  return second.cost <= first.cost ? second : first;
}

std::vector<Point> join_lines(const WallLine& line, const WallLine& next, const Point& vertex, double reach) {
  const double ax = std::cos(line.angle);
  const double ay = std::sin(line.angle);
  const double bx = std::cos(next.angle);
  const double by = std::sin(next.angle);
  const double sine = cross(ax, ay, bx, by);
  if (std::abs(sine) >= kFlatSine / 2) {
    const double along = cross(next.centre.x - line.centre.x, next.centre.y - line.centre.y, bx, by) / sine;
    const Point corner{line.centre.x + along * ax, line.centre.y + along * ay};
    if (std::hypot(corner.x - vertex.x, corner.y - vertex.y) <= reach) return {corner};
  }
  const Point here = on_line(line, vertex);
  const Point there = on_line(next, vertex);
  if (line.kind != LineKind::Free && next.kind != LineKind::Free) return {here, there};
  return {{(here.x + there.x) / 2, (here.y + there.y) / 2}};
}

Ring join_ring(const Ring& ring, const std::vector<WallLine>& lines, double reach) {
  Ring out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const WallLine& next = lines[i + 1 < lines.size() ? i + 1 : 0];
    const auto corners = join_lines(lines[i], next, ring[lines[i].end % ring.size()], reach);
    out.insert(out.end(), corners.begin(), corners.end());
  }
  return out;
}

}  // namespace plat::detail
