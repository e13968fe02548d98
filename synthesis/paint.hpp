// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "synthesis/plan.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plat::detail {

void paint_ground(Canvas& canvas, const GroundPatch& patch);
void paint_street(Canvas& canvas, const Street& street);
/// Paints walls and roof; false, and nothing painted, where another building stands in the way.
bool paint_building(Canvas& canvas, const Building& building);
void paint_car(Canvas& canvas, const Car& car);
void paint_tree(Canvas& canvas, const Tree& tree);

/// An empty world for an image of so many pixels; throws UsageError where that or the style is out of its range.
Canvas make_canvas(int64_t width, int64_t height, const SceneStyle& style);
/// Paints all that stands in a plan. Returns the numbers of the buildings that are there and seen: one that stands in
/// another's way or in water is left out.
std::vector<std::size_t> paint_plan(Canvas& canvas, const Plan& plan);

/// Where things at a height are seen: moved along the canvas's lean.
Ring leaned(const Canvas& canvas, const Ring& ring, double height);

}  // namespace plat::detail
