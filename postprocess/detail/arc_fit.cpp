// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/arc_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace plat::detail {
namespace {

// The end of an arc at a node: one of its lines, which leaves the node in some direction.
struct ArcEnd {
  std::size_t arc = 0;
  bool last = false;
};

std::vector<std::vector<ArcEnd>> ends_at_nodes(const Arcs& arcs) {
  std::vector<std::vector<ArcEnd>> ends(arcs.nodes.size());
  for (std::size_t i = 0; i < arcs.arcs.size(); ++i) {
    if (arcs.arcs[i].closed) continue;
    ends[arcs.arcs[i].first_node].push_back({i, false});
    ends[arcs.arcs[i].last_node].push_back({i, true});
  }
  return ends;
}

// Lines of all arcs in one list, joined in sets that share a line.
class SharedLines {
 public:
  SharedLines(const Arcs& arcs, const std::vector<ArcWalls>& walls) : arcs_(arcs) {
    for (std::size_t arc = 0; arc < walls.size(); ++arc) {
      first_.push_back(members_.size());
      for (const WallLine& line : walls[arc].lines) members_.push_back({arc, line, walls[arc].tolerance});
    }
    first_.push_back(members_.size());
    parent_.resize(members_.size());
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    for (std::size_t i = 0; i < members_.size(); ++i) sets_.push_back({{i}, members_[i].line});
  }
  std::size_t line_at(const ArcEnd& end) const { return root(end.last ? first_[end.arc + 1] - 1 : first_[end.arc]); }
  const WallLine& shared(std::size_t root) const { return sets_[root].line; }

  // How far two lines that end at a node are from being one, as the sine of the angle between them; more than 1 when they
  // leave the node to the same side.
  double bend(const ArcEnd& a, const ArcEnd& b) const {
    const Point from_a = outward(a);
    const Point from_b = outward(b);
    if (from_a.x * from_b.x + from_a.y * from_b.y >= 0) return 2;
    return std::abs(from_a.x * from_b.y - from_a.y * from_b.x);
  }

  void join(std::size_t a, std::size_t b) {
    if (a == b) return;
    Set joined{sets_[a].members, {}};
    joined.members.insert(joined.members.end(), sets_[b].members.begin(), sets_[b].members.end());
    joined.line = common_line(joined.members);
    for (const std::size_t member : joined.members) {
      if (!near(members_[member], joined.line)) return;
    }
    parent_[std::max(a, b)] = std::min(a, b);
    sets_[std::min(a, b)] = std::move(joined);
  }

  void write_back(std::vector<ArcWalls>& walls) const {
    for (std::size_t arc = 0; arc < walls.size(); ++arc) {
      for (std::size_t i = 0; i < walls[arc].lines.size(); ++i) {
        const WallLine& line = sets_[root(first_[arc] + i)].line;
        walls[arc].lines[i].centre = line.centre;
        walls[arc].lines[i].angle = line.angle;
      }
    }
  }

 private:
  struct Member {
    std::size_t arc;
    WallLine line;
    double tolerance;
  };
  struct Set {
    std::vector<std::size_t> members;
    WallLine line;
  };

  std::size_t root(std::size_t line) const {
    while (parent_[line] != line) line = parent_[line];
    return line;
  }

  // Direction of an arc's line away from its end, as long as 1.
  Point outward(const ArcEnd& end) const {
    const Member& member = members_[end.last ? first_[end.arc + 1] - 1 : first_[end.arc]];
    const std::vector<Point>& points = arcs_.arcs[end.arc].points;
    const Point& near_end = points[end.last ? member.line.end : member.line.begin];
    const Point& far_end = points[end.last ? member.line.begin : member.line.end];
    const WallLine& line = shared(root(end.last ? first_[end.arc + 1] - 1 : first_[end.arc]));
    const Point d{std::cos(line.angle), std::sin(line.angle)};
    const double along = (far_end.x - near_end.x) * d.x + (far_end.y - near_end.y) * d.y;
    return along >= 0 ? d : Point{-d.x, -d.y};
  }

  // The line of least squares; it keeps the direction of its longest stretch that has a given one.
  WallLine common_line(const std::vector<std::size_t>& members) const {
    const Point origin = arcs_.arcs[members_[members[0]].arc].points[0];
    Moments sum;
    const WallLine* given = nullptr;
    for (const std::size_t m : members) {
      const Member& member = members_[m];
      const Point& start = arcs_.arcs[member.arc].points[0];
      sum = sum + member.line.moments.shifted(start.x - origin.x, start.y - origin.y);
      if (member.line.kind == LineKind::Free) continue;
      if (given == nullptr || member.line.moments.length > given->moments.length) given = &member.line;
    }
    WallLine line = given != nullptr ? *given : members_[members[0]].line;
    line.centre = {sum.centre().x + origin.x, sum.centre().y + origin.y};
    if (given == nullptr) line.angle = sum.best_angle();
    return line;
  }

  bool near(const Member& member, const WallLine& line) const {
    const std::vector<Point>& points = arcs_.arcs[member.arc].points;
    const double nx = -std::sin(line.angle);
    const double ny = std::cos(line.angle);
    for (std::size_t i = member.line.begin; i <= member.line.end; ++i) {
      const double away = nx * (points[i].x - line.centre.x) + ny * (points[i].y - line.centre.y);
      if (std::abs(away) > 1.25 * member.tolerance) return false;
    }
    return true;
  }

  const Arcs& arcs_;
  std::vector<Member> members_;
  std::vector<std::size_t> first_;  // of each arc's lines
  std::vector<std::size_t> parent_;
  std::vector<Set> sets_;
};

// The point with the least sum of squared distances from lines; nothing when they are nearly parallel.
std::optional<Point> meeting_point(const std::vector<WallLine>& lines, const Point& near) {
  double xx = 0;
  double xy = 0;
  double yy = 0;
  double x = 0;
  double y = 0;
  for (const WallLine& line : lines) {
    const double nx = -std::sin(line.angle);
    const double ny = std::cos(line.angle);
    const double offset = nx * (line.centre.x - near.x) + ny * (line.centre.y - near.y);
    xx += nx * nx;
    xy += nx * ny;
    yy += ny * ny;
    x += nx * offset;
    y += ny * offset;
  }
  const double determinant = xx * yy - xy * xy;
  if (determinant < 0.05) return std::nullopt;
  return Point{near.x + (x * yy - y * xy) / determinant, near.y + (y * xx - x * xy) / determinant};
}

double distance_from(const WallLine& line, const Point& p) {
  return std::cos(line.angle) * (p.y - line.centre.y) - std::sin(line.angle) * (p.x - line.centre.x);
}

bool same_line(const WallLine& a, const WallLine& b) { return a.centre == b.centre && a.angle == b.angle; }

}  // namespace

void merge_walls_at_nodes(const Arcs& arcs, std::vector<ArcWalls>& walls) {
  constexpr double kInLine = 0.26;
  SharedLines lines(arcs, walls);
  for (const std::vector<ArcEnd>& ends : ends_at_nodes(arcs)) {
    double straightest = kInLine;
    std::optional<std::pair<std::size_t, std::size_t>> pair;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      for (std::size_t k = i + 1; k < ends.size(); ++k) {
        const double bend = lines.bend(ends[i], ends[k]);
        if (bend >= straightest) continue;
        straightest = bend;
        pair = {lines.line_at(ends[i]), lines.line_at(ends[k])};
      }
    }
    if (pair) lines.join(pair->first, pair->second);
  }
  lines.write_back(walls);
}

std::vector<Point> place_nodes(const Arcs& arcs, const std::vector<ArcWalls>& walls, const std::vector<bool>& usable) {
  constexpr double kReach = 2.2;
  std::vector<Point> places = arcs.nodes;
  const auto ends = ends_at_nodes(arcs);
  for (std::size_t node = 0; node < ends.size(); ++node) {
    if (!std::ranges::all_of(ends[node], [&](const ArcEnd& end) { return usable[end.arc]; })) continue;
    std::vector<WallLine> lines;
    double reach = std::numeric_limits<double>::infinity();
    for (const ArcEnd& end : ends[node]) {
      const ArcWalls& arc = walls[end.arc];
      const WallLine& line = end.last ? arc.lines.back() : arc.lines.front();
      reach = std::min(reach, kReach * arc.tolerance);
      if (std::ranges::none_of(lines, [&](const WallLine& known) { return same_line(known, line); }))
        lines.push_back(line);
    }
    const std::optional<Point> place = meeting_point(lines, arcs.nodes[node]);
    if (!place) continue;
    if (std::hypot(place->x - arcs.nodes[node].x, place->y - arcs.nodes[node].y) <= reach) places[node] = *place;
  }
  return places;
}

std::vector<Point> draw_arc(const Arc& arc, const ArcWalls& walls, double reach, const std::vector<Point>& nodes) {
  if (arc.closed) return join_ring(arc.points, walls.lines, reach);
  std::vector<Point> out = {nodes[arc.first_node]};
  for (std::size_t i = 0; i + 1 < walls.lines.size(); ++i) {
    const WallLine& line = walls.lines[i];
    for (const Point& p : join_lines(line, walls.lines[i + 1], arc.points[line.end], reach)) out.push_back(p);
  }
  out.push_back(nodes[arc.last_node]);
  return out;
}

std::size_t wall_of_edge(const ArcWalls& walls, const Point& from, const Point& to) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < walls.lines.size(); ++i) {
    const WallLine& line = walls.lines[i];
    const double away = std::max(std::abs(distance_from(line, from)), std::abs(distance_from(line, to)));
    // Collinear walls of one arc are told apart by where they are.
    const double along = std::hypot((from.x + to.x) / 2 - line.centre.x, (from.y + to.y) / 2 - line.centre.y);
    const double score = away + 1e-3 * along;
    if (score >= least) continue;
    least = score;
    best = i;
  }
  return best;
}

bool move_apart(const Arcs& arcs, std::vector<ArcWalls>& walls, std::size_t arc_a, std::size_t wall_a,
                std::size_t arc_b, std::size_t wall_b) {
  constexpr double kNearlyParallel = 0.3;
  constexpr double kHair = 0.01;
  constexpr double kFarthest = 1.3;
  WallLine& a = walls[arc_a].lines[wall_a];
  WallLine& b = walls[arc_b].lines[wall_b];
  if (std::abs(std::sin(a.angle - b.angle)) > kNearlyParallel) return false;
  // Where the outlines themselves lie tells which wall belongs on which side.
  const auto middle = [&](std::size_t arc, const WallLine& line) {
    const Point& start = arcs.arcs[arc].points[0];
    const Point centre = line.moments.centre();
    return Point{centre.x + start.x, centre.y + start.y};
  };
  const Point middle_a = middle(arc_a, a);
  const Point middle_b = middle(arc_b, b);
  const double share = b.moments.length / (a.moments.length + b.moments.length);
  WallLine between = share < 0.5 ? a : b;
  between.centre = {middle_a.x + share * (middle_b.x - middle_a.x), middle_a.y + share * (middle_b.y - middle_a.y)};
  const double tolerance = std::min(walls[arc_a].tolerance, walls[arc_b].tolerance);
  const double off_a = distance_from(between, middle_a);
  const double off_b = distance_from(between, middle_b);
  if (off_a * off_b >= 0 || std::max(std::abs(off_a), std::abs(off_b)) > kFarthest * tolerance) return false;
  const auto placed = [&](const WallLine& line, const Point& outline, double off) {
    WallLine out = line;
    const double shift = std::copysign(kHair * tolerance, off) - off;
    out.angle = between.angle;
    out.centre = {outline.x - std::sin(between.angle) * shift, outline.y + std::cos(between.angle) * shift};
    return out;
  };
  a = placed(a, middle_a, off_a);
  b = placed(b, middle_b, off_b);
  return true;
}

}  // namespace plat::detail
