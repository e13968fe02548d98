// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// One tile of a grid, or of a part of one: `window` is what the network sees (always tile_size square, it may reach outside the scene).
struct Tile {
  int64_t index = 0;  ///< position in row-major order
  int64_t tile_row = 0;
  int64_t tile_col = 0;
  Window window;
};

/// Cuts a scene into overlapping square tiles that cover every pixel, including a margin of half the overlap outside the
/// scene's edges so that the outermost pixels are seen in context. Tiles are spread evenly, so neighbours overlap by at
/// least the overlap asked for. A scene that is no wider (higher) than a tile gets a single column (row), centred on it.
/// Fixed by scene size, tile size and overlap alone.
class TileGrid {
 public:
  /// Throws UsageError unless 0 <= overlap < tile_size and tile_size > 0, or when the scene is empty.
  TileGrid(int64_t scene_width, int64_t scene_height, int64_t tile_size, int64_t overlap);

  int64_t scene_width() const { return scene_width_; }
  int64_t scene_height() const { return scene_height_; }
  int64_t tile_size() const { return tile_size_; }
  int64_t overlap() const { return overlap_; }
  int64_t columns() const { return columns_.count; }
  int64_t rows() const { return rows_.count; }
  int64_t size() const { return columns_.count * rows_.count; }
  Tile tile(int64_t index) const;
  /// The tiles of this grid that touch a part of the scene, where they are: rows and columns of them, counted anew. Throws
  /// UsageError when none does.
  TileGrid part(const Window& window) const;
  /// Throws UsageError, naming `what` asked for the overlap, where tiles lie so close that each pixel passes the network dozens of times:
  /// less than an eighth of their side apart. A single tile may overlap itself as it likes.
  void check_step(const std::string& what) const;

 private:
  /// The tiles of one axis: those from `first` on, `count` of `all`.
  struct Axis {
    int64_t all = 1;
    int64_t first = 0;
    int64_t count = 1;
  };
  int64_t start(const Axis& axis, int64_t number, int64_t scene_length) const;
  Axis touching(const Axis& axis, int64_t begin, int64_t end, int64_t scene_length) const;
  int64_t scene_width_, scene_height_, tile_size_, overlap_;
  Axis columns_;
  Axis rows_;
};

}  // namespace plat
