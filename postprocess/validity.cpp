// SPDX-License-Identifier: Apache-2.0
#include "postprocess/validity.hpp"

#include "postprocess/detail/contacts.hpp"
#include "postprocess/detail/predicates.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace plat {
namespace {

using detail::Touch;

bool is_ring(std::span<const Point> ring) {
  if (ring.size() < 3) return false;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& next = ring[i + 1 < ring.size() ? i + 1 : 0];
    if (!std::isfinite(ring[i].x) || !std::isfinite(ring[i].y) || ring[i] == next) return false;
  }
  return true;
}

enum class Where { Outside, Edge, Inside };

// Exact, by the parity of the edges that a ray to the right crosses.
Where locate(std::span<const Point> ring, const Point& p) {
  bool inside = false;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[i + 1 < ring.size() ? i + 1 : 0];
    if (std::max(a.y, b.y) < p.y || std::min(a.y, b.y) > p.y || std::max(a.x, b.x) < p.x) continue;
    const int side = detail::side_of(a, b, p);
    if (side == 0 && std::min(a.x, b.x) <= p.x && p.x <= std::max(a.x, b.x)) return Where::Edge;
    if ((a.y > p.y) != (b.y > p.y) && (side > 0) == (b.y > a.y)) inside = !inside;
  }
  return inside ? Where::Inside : Where::Outside;
}

// Whether a ring lies on one side of another that it touches in at most one point: any other vertex tells.
bool lies(std::span<const Point> ring, Where wanted, std::span<const Point> other) {
  for (const Point& p : ring) {
    const Where where = locate(other, p);
    if (where != Where::Edge) return where == wanted;
  }
  return false;
}

// Whether the touching rings leave the inside in one piece: walking from ring to ring through the points where they touch
// never leads back to the start. Two rings then touch at most once, so they cannot cross there either.
bool stays_connected(std::size_t rings, const std::vector<Touch>& touches) {
  std::map<std::pair<double, double>, std::size_t> points;
  std::vector<std::pair<std::size_t, std::size_t>> links;
  for (const Touch& touch : touches) {
    const std::size_t point =
        points.emplace(std::pair(touch.point.x, touch.point.y), rings + points.size()).first->second;
    links.emplace_back(touch.chain_a, point);
    links.emplace_back(touch.chain_b, point);
  }
  std::ranges::sort(links);
  const auto rest = std::ranges::unique(links);
  links.erase(rest.begin(), rest.end());
  std::vector<std::size_t> parent(rings + points.size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  const auto root = [&](std::size_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (const auto& [ring, point] : links) {
    const std::size_t a = root(ring);
    const std::size_t b = root(point);
    if (a == b) return false;
    parent[b] = a;
  }
  return true;
}

}  // namespace

bool is_valid(const Polygon& polygon) {
  const auto rings = detail::chains_of(polygon);
  if (!std::ranges::all_of(rings, [](const detail::Chain& ring) { return is_ring(ring.points); })) return false;
  const detail::Contacts contacts = detail::find_contacts(rings);
  if (!contacts.conflicts.empty()) return false;
  if (!contacts.touches.empty() && !stays_connected(rings.size(), contacts.touches)) return false;
  std::vector<Bounds> boxes = {bounds(polygon.exterior)};
  for (const Ring& hole : polygon.holes) boxes.push_back(bounds(hole));
  for (std::size_t i = 1; i < rings.size(); ++i) {
    if (!lies(rings[i].points, Where::Inside, rings[0].points)) return false;
    for (std::size_t k = 1; k < i; ++k) {
      if (!boxes[i].intersects(boxes[k])) continue;
      if (!lies(rings[i].points, Where::Outside, rings[k].points)) return false;
      if (!lies(rings[k].points, Where::Outside, rings[i].points)) return false;
    }
  }
  return true;
}

}  // namespace plat
