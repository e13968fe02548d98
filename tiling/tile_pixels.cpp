// SPDX-License-Identifier: Apache-2.0
#include "tiling/tile_pixels.hpp"

#include "tiling/fill_missing.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace plat {
namespace {

/// The pixel that stands for `index` when a line of `count` pixels is continued by mirrors at both of its ends (the
/// outermost pixel is repeated, so that a line of one pixel has a mirror image too).
int64_t mirrored(int64_t index, int64_t count) {
  const int64_t period = 2 * count;
  const int64_t offset = ((index % period) + period) % period;
  return offset < count ? offset : period - 1 - offset;
}

/// Where the pixels of one axis of a tile come from: positions within a range [first, first + count) of the scene.
struct MirroredAxis {
  int64_t first = 0;
  int64_t count = 0;
  std::vector<int64_t> position;

  MirroredAxis(int64_t start, int64_t length, int64_t scene_length) {
    position.reserve(static_cast<std::size_t>(length));
    for (int64_t i = 0; i < length; ++i) position.push_back(mirrored(start + i, scene_length));
    const auto [low, high] = std::minmax_element(position.begin(), position.end());
    first = *low;
    count = *high - *low + 1;
    for (int64_t& p : position) p -= first;
  }
};

}  // namespace

TilePixels tile_pixels(const Window& tile, int64_t scene_width, int64_t scene_height,
                       const std::function<RasterBlock(const Window&)>& read) {
  const Window scene{0, 0, scene_width, scene_height};
  const MirroredAxis cols(tile.col, tile.width, scene.width);
  const MirroredAxis rows(tile.row, tile.height, scene.height);
  const RasterBlock block = read({cols.first, rows.first, cols.count, rows.count});
  const int64_t bands = block.pixels.bands();
  TilePixels out{Image<float>(tile.width, tile.height, bands), Image<uint8_t>(tile.width, tile.height)};
  Image<uint8_t> known(tile.width, tile.height);
  for (int64_t r = 0; r < tile.height; ++r) {
    const int64_t from_row = rows.position[static_cast<std::size_t>(r)];
    const std::span<const uint8_t> from_valid = block.valid.row(from_row);
    const std::span<uint8_t> valid = out.valid.row(r);
    for (int64_t b = 0; b < bands; ++b) {
      const std::span<const float> from = block.pixels.row(from_row, b);
      const std::span<float> to = out.pixels.row(r, b);
      for (std::size_t c = 0; c < to.size(); ++c) to[c] = from[static_cast<std::size_t>(cols.position[c])];
    }
    for (std::size_t c = 0; c < valid.size(); ++c) {
      const bool inside = scene.contains(tile.col + static_cast<int64_t>(c), tile.row + r);
      known.row(r)[c] = from_valid[static_cast<std::size_t>(cols.position[c])] != 0 ? 1 : 0;
      valid[c] = inside ? known.row(r)[c] : uint8_t{0};
    }
  }
  fill_missing(out.pixels, known);
  return out;
}

}  // namespace plat
