// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "synthesis/plan.hpp"

namespace plat::detail {

void paint_ground(Canvas& canvas, const GroundPatch& patch);
void paint_street(Canvas& canvas, const Street& street);
/// Paints walls and roof; false, and nothing painted, where another building stands in the way.
bool paint_building(Canvas& canvas, const Building& building);
void paint_car(Canvas& canvas, const Car& car);
void paint_tree(Canvas& canvas, const Tree& tree, uint64_t seed);

/// Where things at a height are seen: moved along the canvas's lean.
Ring leaned(const Canvas& canvas, const Ring& ring, double height);

}  // namespace plat::detail
