// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "postprocess/outline.hpp"
#include "postprocess/regularize.hpp"

#include <span>
#include <vector>

namespace plat {

/// Simplifies (as `simplify`) polygons that may touch, all together: a border that two share exactly, as those that
/// `vectorize` makes do, is drawn once and stays shared.
///
/// Guarantees, for valid polygons that do not overlap and meet only in common vertices and edges: the results are valid,
/// do not overlap, and leave no gap where there was none: they cover together what lies inside their common outline, each
/// part once. Where simplified borders would meet, they give way to finer ones, and at last to the original ones.
std::vector<Outline> simplify_together(std::span<const Polygon> polygons, double tolerance);

/// Squares (as `regularize`) buildings that may touch, all together, with the guarantees of `simplify_together`: row houses
/// keep common walls, and facades that continue from one to the next become straight. Touching buildings whose main
/// directions nearly agree get the same one. A building whose squared form would differ too much (`options`) gets the
/// simplified borders; its neighbours share those. An outline of several borders is called by the least of them.
std::vector<Outline> regularize_together(std::span<const Polygon> polygons, const RegularizeOptions& options = {});

}  // namespace plat
