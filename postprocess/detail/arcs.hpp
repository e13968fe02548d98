// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace plat::detail {

inline constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

/// A stretch of outline between two nodes, or a whole ring without any. Nodes are the vertices where outlines meet or part.
struct Arc {
  std::vector<Point> points;  ///< both ends included; of a closed arc each vertex once
  bool closed = false;
  std::size_t first_node = kNobody;
  std::size_t last_node = kNobody;
  std::size_t owner = kNobody;  ///< the polygon that it belongs to
  std::size_t other = kNobody;  ///< the one on its other side, if any
};

/// An arc as a part of a ring.
struct ArcUse {
  std::size_t arc = 0;
  bool reversed = false;
};

/// Polygons divided into arcs, each of which stands once however many polygons share it.
struct Arcs {
  std::vector<Arc> arcs;
  std::vector<Point> nodes;
  std::vector<std::vector<std::vector<ArcUse>>> polygons;  ///< for each polygon, for exterior and holes: their arcs
};

Arcs divide_into_arcs(std::span<const Polygon> polygons);

/// Puts a polygon together from the points of its arcs.
Polygon assemble(const std::vector<std::vector<ArcUse>>& rings, const std::vector<std::vector<Point>>& arc_points,
                 const std::vector<Arc>& arcs);

/// For each node, the arcs that end there in their order around it: arc number times two, plus one for an arc's last end.
/// Each order begins with its least number. Arcs that do not cross and keep their orders keep their places in the plane.
std::vector<std::vector<std::size_t>> orders_at_nodes(const Arcs& arcs,
                                                      const std::vector<std::vector<Point>>& arc_points);

/// For each arc a number that it shares with all arcs connected to it through nodes; from 0 without gaps.
std::vector<std::size_t> connected_arcs(const Arcs& arcs);

}  // namespace plat::detail
