// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_grid.hpp"

#include "core/error.hpp"

#include <cassert>
#include <string>

namespace plat {
namespace {

// Tiles needed along one axis.
int64_t tile_count(int64_t length, int64_t tile_size, int64_t overlap) {
  if (length <= tile_size) return 1;
  const int64_t margin = overlap / 2;
  const int64_t stride = tile_size - overlap;
  const int64_t travel = length + 2 * margin - tile_size;
  return (travel + stride - 1) / stride + 1;
}

// Where a tile begins along one axis. The tiles' way from the first to the last is divided evenly: what the last tile
// would reach too far goes into wider overlaps instead, which show real pixels rather than mirrored ones.
int64_t tile_start(int64_t position, int64_t count, int64_t length, int64_t tile_size, int64_t overlap) {
  if (count == 1) return (length - tile_size) / 2;
  const int64_t margin = overlap / 2;
  return position * (length + 2 * margin - tile_size) / (count - 1) - margin;
}

}  // namespace

TileGrid::TileGrid(int64_t scene_width, int64_t scene_height, int64_t tile_size, int64_t overlap)
    : scene_width_(scene_width), scene_height_(scene_height), tile_size_(tile_size), overlap_(overlap) {
  if (tile_size <= 0) throw UsageError("tile size is " + std::to_string(tile_size) + "; it must be positive");
  if (overlap < 0 || overlap >= tile_size) {
    throw UsageError("overlap is " + std::to_string(overlap) + "; it must be 0 or more and less than the tile size, " +
                     std::to_string(tile_size));
  }
  if (scene_width <= 0 || scene_height <= 0) {
    throw UsageError("the scene is " + std::to_string(scene_width) + " x " + std::to_string(scene_height) +
                     " pixels; choose a part that has some");
  }
  columns_.count = columns_.all = tile_count(scene_width, tile_size, overlap);
  rows_.count = rows_.all = tile_count(scene_height, tile_size, overlap);
}

int64_t TileGrid::start(const Axis& axis, int64_t number, int64_t scene_length) const {
  return tile_start(axis.first + number, axis.all, scene_length, tile_size_, overlap_);
}

TileGrid::Axis TileGrid::touching(const Axis& axis, int64_t begin, int64_t end, int64_t scene_length) const {
  Axis found = axis;
  for (; found.count > 0 && start(found, 0, scene_length) + tile_size_ <= begin; --found.count) ++found.first;
  while (found.count > 0 && start(found, found.count - 1, scene_length) >= end) --found.count;
  return found;
}

TileGrid TileGrid::part(const Window& window) const {
  TileGrid out = *this;
  out.columns_ = touching(columns_, window.col, window.col_end(), scene_width_);
  out.rows_ = touching(rows_, window.row, window.row_end(), scene_height_);
  if (window.empty() || out.size() == 0) throw UsageError("no tile of the scene shows the part that was asked for");
  return out;
}

Tile TileGrid::tile(int64_t index) const {
  assert(index >= 0 && index < size());
  Tile tile;
  tile.index = index;
  tile.tile_row = index / columns();
  tile.tile_col = index % columns();
  tile.window = {start(columns_, tile.tile_col, scene_width_), start(rows_, tile.tile_row, scene_height_), tile_size_,
                 tile_size_};
  return tile;
}

void TileGrid::check_step(const std::string& what) const {
  constexpr int64_t kMostSteps = 8;
  const int64_t step = tile_size_ - overlap_;
  if (size() == 1 || step * kMostSteps >= tile_size_) return;
  throw UsageError(what + ": an overlap of " + std::to_string(overlap_) + " lays tiles of " +
                   std::to_string(tile_size_) + " pixels " + std::to_string(step) + (step == 1 ? " pixel" : " pixels") +
                   " apart, " + std::to_string(size()) + " of them on this scene; pass --overlap " +
                   std::to_string(tile_size_ / 4) + ", or at most " +
                   std::to_string(tile_size_ - (tile_size_ + kMostSteps - 1) / kMostSteps) + ".");
}

}  // namespace plat
