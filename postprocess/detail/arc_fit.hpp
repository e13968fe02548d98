// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "postprocess/detail/arcs.hpp"
#include "postprocess/detail/line_fit.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace plat::detail {

/// The walls of one arc.
struct ArcWalls {
  std::vector<WallLine> lines;
  double tolerance = 0;
};

/// Makes walls that pass straight through a node one: where two arcs' last lines are nearly in line, both get the line of
/// least squares through both stretches, unless that is too far from either. Long facades of several houses come about so.
void merge_walls_at_nodes(const Arcs& arcs, std::vector<ArcWalls>& walls);

/// Where each node goes: where the walls that end there meet, or its original place if that is farther away than about
/// twice the tolerance. `usable` tells for each arc whether its walls count; a node with an arc that does not stays.
std::vector<Point> place_nodes(const Arcs& arcs, const std::vector<ArcWalls>& walls, const std::vector<bool>& usable);

/// An arc drawn along its walls, between the places of its nodes.
std::vector<Point> draw_arc(const Arc& arc, const ArcWalls& walls, double reach, const std::vector<Point>& nodes);

/// The wall that an edge of a drawn arc belongs to.
std::size_t wall_of_edge(const ArcWalls& walls, const Point& from, const Point& to);

/// Moves two walls of different arcs that overlap side by side to the line between them, a hair apart. False, and nothing
/// moves, where they are not nearly parallel or would have to go far.
bool move_apart(const Arcs& arcs, std::vector<ArcWalls>& walls, std::size_t arc_a, std::size_t wall_a,
                std::size_t arc_b, std::size_t wall_b);

}  // namespace plat::detail
