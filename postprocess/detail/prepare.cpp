// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/prepare.hpp"

#include "postprocess/detail/arcs.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <utility>

namespace plat::detail {
namespace {

constexpr double kShort = 2.5;
constexpr double kHair = 0.01;

using Key = std::pair<double, double>;

Key key_of(const Point& p) { return {p.x, p.y}; }

double length_of(const std::vector<Point>& points) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    sum += std::hypot(points[i + 1].x - points[i].x, points[i + 1].y - points[i].y);
  }
  return sum;
}

// Where polygons are to part: edges by both ends, and single vertices.
struct Contacts {
  std::set<std::pair<Key, Key>> edges;
  std::set<Key> vertices;
  void add_edge(const Point& a, const Point& b) {
    edges.emplace(key_of(a), key_of(b));
    edges.emplace(key_of(b), key_of(a));
  }
  bool has(const Point& a, const Point& b) const { return edges.contains({key_of(a), key_of(b)}); }
};

Contacts find_short_contacts(const Arcs& arcs, double tolerance) {
  // Of each node: how many arcs end there, how many of them are shared, and whose they are.
  struct Node {
    int ends = 0;
    int shared = 0;
    std::multiset<std::size_t> owners;
  };
  std::vector<Node> nodes(arcs.nodes.size());
  for (const Arc& arc : arcs.arcs) {
    if (arc.closed) continue;
    for (const std::size_t node : {arc.first_node, arc.last_node}) {
      ++nodes[node].ends;
      if (arc.other == kNobody) nodes[node].owners.insert(arc.owner);
      if (arc.other != kNobody) ++nodes[node].shared;
    }
  }
  Contacts out;
  for (const Arc& arc : arcs.arcs) {
    if (arc.closed || arc.other == kNobody || arc.other == arc.owner) continue;
    const auto free_end = [&](std::size_t node) { return nodes[node].ends == 3 && nodes[node].shared == 1; };
    if (!free_end(arc.first_node) || !free_end(arc.last_node) || length_of(arc.points) > kShort * tolerance) continue;
    for (std::size_t i = 0; i + 1 < arc.points.size(); ++i) out.add_edge(arc.points[i], arc.points[i + 1]);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    const bool each_passes_once =
        std::ranges::all_of(node.owners, [&](std::size_t owner) { return node.owners.count(owner) == 2; });
    if (node.shared == 0 && node.ends == 4 && each_passes_once) out.vertices.insert(key_of(arcs.nodes[i]));
  }
  return out;
}

// The ring with its contacts drawn to the side on which the polygon lies: 1 left, -1 right (y upward).
Ring drawn_back(const Ring& ring, const Contacts& contacts, double side, double distance) {
  Ring out = ring;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& before = ring[i > 0 ? i - 1 : ring.size() - 1];
    const Point& after = ring[i + 1 < ring.size() ? i + 1 : 0];
    const bool corner = contacts.vertices.contains(key_of(ring[i]));
    const auto draw_back = [&](const Point& a, const Point& b) {
      if (!corner && !contacts.has(a, b)) return;
      const double length = std::hypot(b.x - a.x, b.y - a.y);
      out[i].x -= side * distance * (b.y - a.y) / length;
      out[i].y += side * distance * (b.x - a.x) / length;
    };
    draw_back(before, ring[i]);
    draw_back(ring[i], after);
  }
  return out;
}

}  // namespace

std::vector<Polygon> without_small_holes(std::span<const Polygon> polygons, double tolerance) {
  std::vector<Polygon> out(polygons.begin(), polygons.end());
  const Arcs arcs = divide_into_arcs(polygons);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::vector<Ring> kept;
    for (std::size_t h = 0; h < out[i].holes.size(); ++h) {
      Ring& hole = out[i].holes[h];
      const auto& uses = arcs.polygons[i][h + 1];
      const bool empty = uses.size() == 1 && arcs.arcs[uses[0].arc].closed && arcs.arcs[uses[0].arc].other == kNobody;
      if (!empty || std::abs(signed_area(hole)) >= tolerance * tolerance) kept.push_back(std::move(hole));
    }
    out[i].holes = std::move(kept);
  }
  return out;
}

std::vector<Polygon> without_short_contacts(std::span<const Polygon> polygons, double tolerance) {
  std::vector<Polygon> out(polygons.begin(), polygons.end());
  const Contacts contacts = find_short_contacts(divide_into_arcs(polygons), tolerance);
  if (contacts.edges.empty() && contacts.vertices.empty()) return out;
  for (Polygon& polygon : out) {
    // A polygon lies to the left of an exterior that runs counter-clockwise and to the right of a hole that does.
    const auto side = [](const Ring& ring) { return signed_area(ring) > 0 ? 1.0 : -1.0; };
    polygon.exterior = drawn_back(polygon.exterior, contacts, side(polygon.exterior), kHair * tolerance);
    for (Ring& hole : polygon.holes) hole = drawn_back(hole, contacts, -side(hole), kHair * tolerance);
  }
  return out;
}

}  // namespace plat::detail
