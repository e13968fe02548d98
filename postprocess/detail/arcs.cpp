// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/arcs.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace plat::detail {
namespace {

using Key = std::pair<double, double>;

Key key_of(const Point& p) { return {p.x, p.y}; }

bool before(const Point& a, const Point& b) { return std::tie(a.x, a.y) < std::tie(b.x, b.y); }

// A ring's passage through a vertex.
struct Passage {
  Point vertex;
  Point low;  // its neighbours in the ring, in order
  Point high;
};

std::vector<const Ring*> rings_of(const Polygon& polygon) {
  std::vector<const Ring*> rings = {&polygon.exterior};
  for (const Ring& hole : polygon.holes) rings.push_back(&hole);
  return rings;
}

// A vertex is a node when rings pass through it in different ways.
std::map<Key, std::size_t> find_nodes(std::span<const Polygon> polygons) {
  std::vector<Passage> passages;
  for (const Polygon& polygon : polygons) {
    for (const Ring* ring : rings_of(polygon)) {
      for (std::size_t i = 0; i < ring->size(); ++i) {
        const Point& previous = (*ring)[i > 0 ? i - 1 : ring->size() - 1];
        const Point& next = (*ring)[i + 1 < ring->size() ? i + 1 : 0];
        const bool ordered = before(previous, next);
        passages.push_back({(*ring)[i], ordered ? previous : next, ordered ? next : previous});
      }
    }
  }
  std::ranges::sort(passages, [](const Passage& a, const Passage& b) {
    return std::tie(a.vertex.x, a.vertex.y) < std::tie(b.vertex.x, b.vertex.y);
  });
  std::map<Key, std::size_t> nodes;
  for (std::size_t i = 1; i < passages.size(); ++i) {
    const Passage& a = passages[i - 1];
    const Passage& b = passages[i];
    if (a.vertex == b.vertex && !(a.low == b.low && a.high == b.high)) nodes.emplace(key_of(a.vertex), nodes.size());
  }
  std::size_t number = 0;
  for (auto& [key, node] : nodes) node = number++;
  return nodes;
}

// Puts an arc into the one form that both of its owners find; says whether it was turned round.
bool make_canonical(Arc& arc) {
  if (arc.closed) {
    const auto least = std::ranges::min_element(arc.points, before);
    std::ranges::rotate(arc.points, least);
    if (!before(arc.points.back(), arc.points[1])) return false;
    std::reverse(arc.points.begin() + 1, arc.points.end());
    return true;
  }
  const auto ends = [](const Point& a, const Point& b) { return std::tuple(a.x, a.y, b.x, b.y); };
  const std::size_t last = arc.points.size() - 1;
  if (ends(arc.points[0], arc.points[1]) <= ends(arc.points[last], arc.points[last - 1])) return false;
  std::ranges::reverse(arc.points);
  std::swap(arc.first_node, arc.last_node);
  return true;
}

}  // namespace

Arcs divide_into_arcs(std::span<const Polygon> polygons) {
  Arcs out;
  const std::map<Key, std::size_t> nodes = find_nodes(polygons);
  out.nodes.resize(nodes.size());
  for (const auto& [key, node] : nodes) out.nodes[node] = {key.first, key.second};
  std::map<std::pair<Key, Key>, std::size_t> known;  // by the arc's first edge, which no other arc has
  const auto node_at = [&](const Point& p) {
    const auto found = nodes.find(key_of(p));
    return found == nodes.end() ? kNobody : found->second;
  };
  const auto use = [&](Arc arc, std::size_t polygon) {
    const bool reversed = make_canonical(arc);
    const auto [entry, is_new] =
        known.emplace(std::pair(key_of(arc.points[0]), key_of(arc.points[1])), out.arcs.size());
    if (is_new) {
      arc.owner = polygon;
      out.arcs.push_back(std::move(arc));
    } else {
      out.arcs[entry->second].other = polygon;
    }
    return ArcUse{entry->second, reversed};
  };
  for (std::size_t polygon = 0; polygon < polygons.size(); ++polygon) {
    auto& rings = out.polygons.emplace_back();
    for (const Ring* ring : rings_of(polygons[polygon])) {
      auto& uses = rings.emplace_back();
      std::size_t start = 0;
      while (start < ring->size() && node_at((*ring)[start]) == kNobody) ++start;
      if (start == ring->size()) {
        if (ring->size() >= 3) uses.push_back(use({*ring, true}, polygon));
        continue;
      }
      Arc arc;
      arc.points.push_back((*ring)[start]);
      arc.first_node = node_at((*ring)[start]);
      for (std::size_t i = 1; i <= ring->size(); ++i) {
        const Point& p = (*ring)[(start + i) % ring->size()];
        arc.points.push_back(p);
        arc.last_node = node_at(p);
        if (arc.last_node == kNobody) continue;
        const std::size_t node = arc.last_node;
        uses.push_back(use(std::move(arc), polygon));
        arc = {};
        arc.points.push_back(p);
        arc.first_node = node;
      }
    }
  }
  return out;
}

Polygon assemble(const std::vector<std::vector<ArcUse>>& rings, const std::vector<std::vector<Point>>& arc_points,
                 const std::vector<Arc>& arcs) {
  Polygon out;
  for (std::size_t r = 0; r < rings.size(); ++r) {
    Ring ring;
    for (const ArcUse& use : rings[r]) {
      std::vector<Point> points = arc_points[use.arc];
      if (use.reversed) std::ranges::reverse(points);
      // An open arc's last point is the first one of the next.
      if (!arcs[use.arc].closed && !points.empty()) points.pop_back();
      ring.insert(ring.end(), points.begin(), points.end());
    }
    if (r == 0) {
      out.exterior = std::move(ring);
    } else {
      out.holes.push_back(std::move(ring));
    }
  }
  return out;
}

std::vector<std::vector<std::size_t>> orders_at_nodes(const Arcs& arcs,
                                                      const std::vector<std::vector<Point>>& arc_points) {
  std::vector<std::vector<std::pair<double, std::size_t>>> ends(arcs.nodes.size());
  const auto add = [&](std::size_t node, std::size_t end, const Point& here, const Point& there) {
    ends[node].emplace_back(std::atan2(there.y - here.y, there.x - here.x), end);
  };
  for (std::size_t i = 0; i < arcs.arcs.size(); ++i) {
    const std::vector<Point>& points = arc_points[i];
    if (arcs.arcs[i].closed || points.size() < 2) continue;
    add(arcs.arcs[i].first_node, 2 * i, points[0], points[1]);
    add(arcs.arcs[i].last_node, 2 * i + 1, points[points.size() - 1], points[points.size() - 2]);
  }
  std::vector<std::vector<std::size_t>> orders;
  for (auto& node : ends) {
    std::ranges::sort(node);
    auto& order = orders.emplace_back();
    for (const auto& [angle, end] : node) order.push_back(end);
    if (!order.empty()) std::ranges::rotate(order, std::ranges::min_element(order));
  }
  return orders;
}

std::vector<std::size_t> connected_arcs(const Arcs& arcs) {
  std::vector<std::vector<std::size_t>> at_node(arcs.nodes.size());
  for (std::size_t i = 0; i < arcs.arcs.size(); ++i) {
    if (arcs.arcs[i].closed) continue;
    at_node[arcs.arcs[i].first_node].push_back(i);
    at_node[arcs.arcs[i].last_node].push_back(i);
  }
  std::vector<std::size_t> number(arcs.arcs.size(), kNobody);
  std::size_t next = 0;
  for (std::size_t start = 0; start < number.size(); ++start) {
    if (number[start] != kNobody) continue;
    std::vector<std::size_t> open = {start};
    number[start] = next;
    while (!open.empty()) {
      const Arc& arc = arcs.arcs[open.back()];
      open.pop_back();
      if (arc.closed) continue;
      for (const std::size_t node : {arc.first_node, arc.last_node}) {
        for (const std::size_t other : at_node[node]) {
          if (number[other] != kNobody) continue;
          number[other] = next;
          open.push_back(other);
        }
      }
    }
    ++next;
  }
  return number;
}

}  // namespace plat::detail
