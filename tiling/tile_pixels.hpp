// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "geo/raster_reader.hpp"

#include <cstdint>
#include <functional>

namespace plat {

/// What a network sees of one scene in a tile: pixels that are not valid are filled by mirroring the scene at its edges and
/// at those of its data, so that no edge shows which is none on the ground; 0 where there is no data far and wide.
struct TilePixels {
  Image<float> pixels;
  Image<uint8_t> valid;  ///< 0 where the scene has no data, and outside it
};

/// Makes a tile of a scene of this size. The window may reach outside the scene; `read` is asked for a part that lies in it,
/// once.
TilePixels tile_pixels(const Window& tile, int64_t scene_width, int64_t scene_height,
                       const std::function<RasterBlock(const Window&)>& read);

}  // namespace plat
