// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/crs.hpp"
#include "geo/grid.hpp"
#include "training/data/labelled_scene.hpp"

#include <optional>

namespace plat {

/// The pixels of a grid in a rectangle on the ground, in `crs` or, where that is empty, in the grid's own; nothing where they
/// do not touch.
std::optional<Window> pixels_in_box(const Grid& grid, const Bounds& box, const Crs& crs);

/// Gives the labelled pixels of a scene in such a rectangle to validation, or another use.
void keep_out_box(LabelledScene& scene, const Bounds& box, const Crs& crs, PixelUse use = PixelUse::Validate);

}  // namespace plat
