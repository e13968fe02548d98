// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/crs.hpp"
#include "geo/grid.hpp"
#include "training/data/labelled_scene.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace plat {

/// The pixels of a grid in a rectangle on the ground, in `crs` or, where that is empty, in the grid's own; nothing where they
/// do not touch.
std::optional<Window> pixels_in_box(const Grid& grid, const Bounds& box, const Crs& crs);

/// Gives the labelled pixels of a scene in such a rectangle to validation, or another use.
void keep_out_box(LabelledScene& scene, const Bounds& box, const Crs& crs, PixelUse use = PixelUse::Validate);

/// Takes ground in the rectangle of another scene out of what a scene is used for; how many pixels for training that are.
int64_t hide_shared_ground(LabelledScene& scene, const LabelledScene& other);

/// Keeps scenes out whole for validation, those with a `true` at their place. Ground in their rectangles that other scenes show, too,
/// is used for nothing there; how many labelled pixels that are.
int64_t keep_out_scenes(std::vector<LabelledScene>& scenes, const std::vector<bool>& kept_out);

}  // namespace plat
