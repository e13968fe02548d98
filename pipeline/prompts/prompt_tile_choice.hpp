// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <optional>

namespace plat {

/// The tile that shows a part of a scene whole and in context, in pixels; unset where the part is too large for a tile.
/// Tiles lie half a tile apart, so that neighbouring prompts share one and any small part lies in the middle half of its
/// tile; a part that reaches out of that tile gets one centred on it, at steps of a sixteenth. Tiles do not leave the scene
/// where it is larger than a tile; a smaller scene is in the tile's middle.
std::optional<Window> choose_prompt_tile(int64_t scene_width, int64_t scene_height, int64_t tile_size,
                                         const Bounds& part);

}  // namespace plat
