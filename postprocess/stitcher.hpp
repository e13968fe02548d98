// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/spill_store.hpp"
#include "tiling/tile_grid.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace plat {

/// A block of the stitched scene that is finished. Blocks come in rows of blocks from the top: those of a row have the same rows and
/// follow one another from the scene's left edge to its right one.
struct MapBlock {
  int64_t col = 0;
  int64_t row = 0;
  Image<float> maps;     ///< 0 where not valid
  Image<uint8_t> valid;  ///< 0 where the scene has no data or every tile failed

  Window window() const { return {col, row, maps.width(), maps.height()}; }
};

/// Blends overlapping tiles into a seamless scene: each tile counts with a weight that falls smoothly to (nearly) zero at its
/// edge. Tiles come in row-major order, each once; what no later tile covers is handed on as a block with each. So memory holds
/// one tile, and of the scene's width only the rows that two rows of tiles share, which go to a temporary file where they are
/// many. The weights are separable and fixed, and each pixel's tiles are added in their order, so the result does not depend on threads. Where a
/// tile is missing its neighbours count alone. Not thread-safe.
class Stitcher {
 public:
  /// `shared_bytes`: what rows that two rows of tiles share may take in memory; the others go to a file (SpillStore).
  Stitcher(const TileGrid& grid, int64_t bands, std::function<void(MapBlock&&)> sink,
           int64_t shared_bytes = std::numeric_limits<int64_t>::max());
  /// `maps` is tile_size square with `bands` bands, or empty for a tile without result (failed or without data).
  void add(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid);
  /// Bytes that a stitcher for this grid holds, the block that it hands on included.
  static int64_t memory_bytes(const TileGrid& grid, int64_t bands,
                              int64_t shared_bytes = std::numeric_limits<int64_t>::max());

 private:
  enum class Move { Load, Save };
  void advance_to(const Tile& tile);
  void blend(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid);
  MapBlock block(const Window& window) const;
  void move_shared(Move move, int64_t begin_col, int64_t end_col, int64_t first_row, int64_t rows);
  TileGrid grid_;
  std::function<void(MapBlock&&)> sink_;
  int64_t bands_;
  std::vector<float> profile_;
  // What is known of the window of the tile at hand.
  Window window_;
  Image<float> sum_;     ///< the weighted sum of each band
  Image<float> weight_;  ///< of all tiles so far
  Image<uint8_t> valid_;
  // The rows that the tiles below see too: a record for each column of the scene.
  int64_t shared_rows_;
  SpillStore shared_;
  std::vector<std::byte> records_;
};

}  // namespace plat
