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
  Image<float> maps;     ///< 0 where not valid
  Image<uint8_t> valid;  ///< 0 where the scene has no data or every tile failed
};

/// Blends overlapping tiles into seamless scene rows: each tile counts with a weight that falls smoothly to (nearly) zero
/// at its edge. Tiles come in row-major order, each once; each finished row of tiles is handed on at once, in strips of a
/// few rows, so memory holds one row of tiles whatever the height of the scene. The weights are separable and fixed, so
/// the result does not depend on threads. Where a tile is missing its neighbours count alone. Not thread-safe.
class Stitcher {
 public:
  Stitcher(const TileGrid& grid, int64_t bands, std::function<void(Strip&&)> sink);
  /// `maps` is tile_size square with `bands` bands, or empty for a tile without result (failed or without data).
  void add(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid);
  /// Hands on the last rows.
  void finish();
  /// Bytes that a stitcher for this grid holds, its finished strips included.
  static int64_t memory_bytes(const TileGrid& grid, int64_t bands);

 private:
  void flush(int64_t end_row);
  Strip make_strip(int64_t first_row, int64_t rows) const;
  std::size_t slot(int64_t scene_row) const;
  TileGrid grid_;
  std::function<void(Strip&&)> sink_;
  int64_t bands_;
  int64_t next_row_ = 0;
  // Rows of the scene lie at row modulo tile size, so that finished rows leave without moving the others.
  Image<float> sum_;
  Image<float> weight_;
  Image<uint8_t> valid_;
  std::vector<float> profile_;
};

}  // namespace plat
