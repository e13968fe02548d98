// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/contacts.hpp"

#include "postprocess/detail/predicates.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace plat::detail {
namespace {

struct Edge {
  Point from;
  Point to;
  double min_x;
  double max_x;
  double min_y;
  double max_y;
  EdgeRef ref;
};

std::size_t edge_count(const Chain& chain) {
  return chain.closed || chain.points.empty() ? chain.points.size() : chain.points.size() - 1;
}

std::vector<Edge> sorted_edges(std::span<const Chain> chains) {
  std::vector<Edge> edges;
  for (std::size_t chain = 0; chain < chains.size(); ++chain) {
    const auto points = chains[chain].points;
    for (std::size_t i = 0; i < edge_count(chains[chain]); ++i) {
      const Point& a = points[i];
      const Point& b = points[i + 1 < points.size() ? i + 1 : 0];
      edges.push_back(
          {a, b, std::min(a.x, b.x), std::max(a.x, b.x), std::min(a.y, b.y), std::max(a.y, b.y), {chain, i}});
    }
  }
  std::ranges::sort(edges, [](const Edge& a, const Edge& b) {
    return std::tie(a.min_x, a.ref.chain, a.ref.index) < std::tie(b.min_x, b.ref.chain, b.ref.index);
  });
  return edges;
}

// The end of one edge that lies on the other.
Point common_point(const Edge& a, const Edge& b) {
  for (const Point& p : {a.from, a.to}) {
    if (p == b.from || p == b.to) return p;
  }
  for (const Point& p : {a.from, a.to}) {
    if (side_of(b.from, b.to, p) == 0) return p;
  }
  return side_of(a.from, a.to, b.from) == 0 ? b.from : b.to;
}

// Whether two edges of one chain share a vertex; an open chain of this many edges may end where it begins.
bool neighbours(const Edge& a, const Edge& b, std::size_t count) {
  return (a.ref.index + 1) % count == b.ref.index || (b.ref.index + 1) % count == a.ref.index;
}

// The edges that reach into each of several horizontal bands, from left to right: a sweep over one band has few edges at
// hand even where an outline has a million.
std::vector<std::vector<const Edge*>> bands_of(const std::vector<Edge>& edges) {
  constexpr double kEdgesAcross = 4;
  double bottom = edges.front().min_y;
  double top = edges.front().max_y;
  for (const Edge& edge : edges) {
    bottom = std::min(bottom, edge.min_y);
    top = std::max(top, edge.max_y);
  }
  const double count = std::clamp(std::floor(std::sqrt(static_cast<double>(edges.size())) / kEdgesAcross), 1.0, 1024.0);
  const double scale = top > bottom ? count / (top - bottom) : 0;
  const auto band_of = [&](double y) {
    return static_cast<std::size_t>(std::clamp((y - bottom) * scale, 0.0, count - 1));
  };
  std::vector<std::vector<const Edge*>> bands(static_cast<std::size_t>(count));
  for (const Edge& edge : edges) {
    for (std::size_t band = band_of(edge.min_y); band <= band_of(edge.max_y); ++band) bands[band].push_back(&edge);
  }
  return bands;
}

}  // namespace

std::vector<Chain> chains_of(const Polygon& polygon) {
  std::vector<Chain> chains = {{polygon.exterior}};
  for (const Ring& hole : polygon.holes) chains.push_back({hole});
  return chains;
}

Contacts find_contacts(std::span<const Chain> chains) {
  Contacts out;
  const std::vector<Edge> edges = sorted_edges(chains);
  if (edges.empty()) return out;
  for (const auto& band : bands_of(edges)) {
    std::vector<const Edge*> active;
    for (const Edge* edge : band) {
      std::erase_if(active, [&](const Edge* other) { return other->max_x < edge->min_x; });
      for (const Edge* other : active) {
        if (other->max_y < edge->min_y || edge->max_y < other->min_y) continue;
        const Contact how = contact(edge->from, edge->to, other->from, other->to);
        if (how == Contact::None) continue;
        if (how == Contact::Point && edge->ref.chain != other->ref.chain) {
          out.touches.push_back({other->ref.chain, edge->ref.chain, common_point(*other, *edge)});
        } else if (how != Contact::Point || !neighbours(*edge, *other, edge_count(chains[edge->ref.chain]))) {
          out.conflicts.emplace_back(std::min(edge->ref, other->ref), std::max(edge->ref, other->ref));
        }
      }
      active.push_back(edge);
    }
  }
  std::ranges::sort(out.conflicts);
  const auto rest = std::ranges::unique(out.conflicts);
  out.conflicts.erase(rest.begin(), rest.end());
  return out;
}

}  // namespace plat::detail
