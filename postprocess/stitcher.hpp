// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "tiling/tile_grid.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace plat {

/// Finished rows of the stitched scene, from `row` on, whole width.
struct Strip {
  int64_t row = 0;
  Image<float> maps;
  Image<uint8_t> valid;  ///< 0 where the scene has no data or every tile failed
};

/// Blends overlapping tiles into seamless scene rows: each tile counts with a weight that falls smoothly to (nearly) zero
/// at its edge. Tiles come in row-major order; each finished row of tiles is handed on at once, so memory holds one row
/// of tiles whatever the height of the scene. The weights are separable and fixed, so the result does not depend on
/// threads. Not thread-safe.
class Stitcher {
 public:
  Stitcher(const TileGrid& grid, int64_t bands, std::function<void(Strip&&)> sink);
  /// `maps` is tile_size square with `bands` bands, or empty for a tile without result (failed or without data).
  void add(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid);
  /// Hands on the last rows.
  void finish();

 private:
  void flush(int64_t end_row);
  TileGrid grid_;
  std::function<void(Strip&&)> sink_;
  int64_t next_row_ = 0;
  int64_t tile_row_ = 0;
  Image<float> sum_;
  Image<float> weight_;
  Image<uint8_t> valid_;
  std::vector<float> profile_;
};

}  // namespace plat
