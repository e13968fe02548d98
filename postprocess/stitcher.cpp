// SPDX-License-Identifier: Apache-2.0
#include "postprocess/stitcher.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace plat {
namespace {

// Small enough not to show where tiles overlap, large enough that a lone tile's corner divides without loss.
constexpr double kLeastWeight = 1e-3;

// A raised cosine over the overlap, flat between; two neighbours at exactly that overlap add up to (nearly) one.
std::vector<float> make_profile(int64_t tile_size, int64_t overlap) {
  std::vector<float> profile(static_cast<std::size_t>(tile_size), 1.0F);
  const int64_t ramp = std::min(overlap, tile_size / 2);
  for (int64_t i = 0; i < ramp; ++i) {
    const double phase = (static_cast<double>(i) + 0.5) / static_cast<double>(ramp);
    const double weight = kLeastWeight + (1 - kLeastWeight) * 0.5 * (1 - std::cos(std::numbers::pi * phase));
    profile[static_cast<std::size_t>(i)] = static_cast<float>(weight);
    profile[static_cast<std::size_t>(tile_size - 1 - i)] = static_cast<float>(weight);
  }
  return profile;
}

// The part of the scene that no tile after this one, in row-major order, covers and this one does. The last tiles of a part of
// a grid need not reach the scene's edge.
Window finished_by(const TileGrid& grid, const Tile& tile) {
  const bool last_col = tile.tile_col + 1 == grid.columns(), last_row = tile.tile_row + 1 == grid.rows();
  const int64_t col_end = last_col ? tile.window.col_end() : grid.tile(tile.index + 1).window.col;
  const int64_t row_end = last_row ? tile.window.row_end() : grid.tile(tile.index + grid.columns()).window.row;
  const Window& w = tile.window;
  return intersect({w.col, w.row, col_end - w.col, row_end - w.row}, {0, 0, grid.scene_width(), grid.scene_height()});
}

// The most rows that two neighbouring rows of tiles share.
int64_t most_shared_rows(const TileGrid& grid) {
  int64_t most = 0;
  for (int64_t row = 1; row < grid.rows(); ++row) {
    const int64_t above = grid.tile((row - 1) * grid.columns()).window.row_end();
    most = std::max(most, above - grid.tile(row * grid.columns()).window.row);
  }
  return most;
}

// Bytes of what is held of one pixel: its sums, their weight, and whether it is valid.
int64_t pixel_bytes(int64_t bands) { return 4 * (bands + 1) + 1; }

// Moves what lies from column `by` on to the left edge; what comes in on the right is 0.
template <typename T>
void shift_left(Image<T>& image, int64_t by) {
  for (int64_t band = 0; band < image.bands(); ++band) {
    for (int64_t r = 0; r < image.height(); ++r) {
      const auto row = image.row(r, band);
      std::fill(std::copy(row.begin() + by, row.end(), row.begin()), row.end(), T{});
    }
  }
}

}  // namespace

Stitcher::Stitcher(const TileGrid& grid, int64_t bands, std::function<void(MapBlock&&)> sink, int64_t shared_bytes)
    : grid_(grid),
      sink_(std::move(sink)),
      bands_(bands),
      profile_(make_profile(grid.tile_size(), grid.overlap())),
      sum_(grid.tile_size(), grid.tile_size(), bands),
      weight_(grid.tile_size(), grid.tile_size()),
      valid_(grid.tile_size(), grid.tile_size()),
      shared_rows_(most_shared_rows(grid)),
      shared_(shared_bytes) {}

int64_t Stitcher::memory_bytes(const TileGrid& grid, int64_t bands, int64_t shared_bytes) {
  const int64_t side = grid.tile_size();
  const int64_t shared = grid.scene_width() * most_shared_rows(grid) * pixel_bytes(bands);
  return side * side * (pixel_bytes(bands) + 4 * bands + 1) + std::min(shared, shared_bytes);
}

void Stitcher::add(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid) {
  advance_to(tile);
  if (!maps.empty()) blend(tile, maps, valid);
  const Window done = finished_by(grid_, tile);
  if (tile.tile_row + 1 < grid_.rows()) {
    const int64_t below = grid_.tile(tile.index + grid_.columns()).window.row;
    move_shared(Move::Save, done.col, done.col_end(), below, window_.row_end() - below);
  }
  // Tiles that overlap by more than half may lie before the scene's edge as a whole.
  if (!done.empty()) sink_(block(done));
}

void Stitcher::advance_to(const Tile& tile) {
  const Window& next = tile.window;
  int64_t fresh_col = next.col;
  if (tile.tile_col == 0) {
    std::fill_n(sum_.data(), sum_.size(), 0.0F);
    std::fill_n(weight_.data(), weight_.size(), 0.0F);
    std::fill_n(valid_.data(), valid_.size(), uint8_t{0});
  } else {
    assert(next.row == window_.row && next.col >= window_.col);
    fresh_col = window_.col_end();
    const int64_t by = std::min(next.col - window_.col, window_.width);
    shift_left(sum_, by);
    shift_left(weight_, by);
    shift_left(valid_, by);
  }
  window_ = next;
  if (tile.tile_row == 0) return;
  const int64_t above_end = grid_.tile(tile.index - grid_.columns()).window.row_end();
  move_shared(Move::Load, std::max<int64_t>(0, fresh_col), std::min(next.col_end(), grid_.scene_width()), next.row,
              above_end - next.row);
}

void Stitcher::blend(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid) {
  assert(maps.width() == tile.window.width && maps.height() == tile.window.height && maps.bands() == bands_);
  assert(valid.width() == tile.window.width && valid.height() == tile.window.height);
  const Window inside = intersect(tile.window, {0, 0, grid_.scene_width(), grid_.scene_height()});
  const auto from = static_cast<std::size_t>(inside.col - tile.window.col);
  const auto count = static_cast<std::size_t>(inside.width);
  for (int64_t row = inside.row - tile.window.row; row < inside.row_end() - tile.window.row; ++row) {
    const float row_weight = profile_[static_cast<std::size_t>(row)];
    const float* profile = profile_.data() + from;
    for (int64_t band = 0; band < bands_; ++band) {
      const float* source = maps.row(row, band).data() + from;
      float* target = sum_.row(row, band).data() + from;
      for (std::size_t i = 0; i < count; ++i) target[i] += row_weight * profile[i] * source[i];
    }
    float* weight = weight_.row(row).data() + from;
    for (std::size_t i = 0; i < count; ++i) weight[i] += row_weight * profile[i];
    const uint8_t* source_valid = valid.row(row).data() + from;
    uint8_t* target_valid = valid_.row(row).data() + from;
    for (std::size_t i = 0; i < count; ++i)
      target_valid[i] = target_valid[i] | static_cast<uint8_t>(source_valid[i] != 0);
  }
}

MapBlock Stitcher::block(const Window& window) const {
  MapBlock out{window.col, window.row, Image<float>(window.width, window.height, bands_),
               Image<uint8_t>(window.width, window.height)};
  const auto from = static_cast<std::size_t>(window.col - window_.col);
  const auto width = static_cast<std::size_t>(window.width);
  for (int64_t row = 0; row < window.height; ++row) {
    const int64_t tile_row = window.row - window_.row + row;
    const auto weight = weight_.row(tile_row).subspan(from, width);
    const auto valid = valid_.row(tile_row).subspan(from, width);
    std::ranges::copy(valid, out.valid.row(row).begin());
    for (int64_t band = 0; band < bands_; ++band) {
      const auto sum = sum_.row(tile_row, band).subspan(from, width);
      const auto to = out.maps.row(row, band);
      for (std::size_t i = 0; i < width; ++i) to[i] = valid[i] != 0 ? sum[i] / weight[i] : 0.0F;
    }
  }
  return out;
}

// Saves or loads the first `rows` rows from `first_row` on of some columns of the scene. A column's record: the sums of each band
// from top to bottom, their weights, then whether they are valid.
void Stitcher::move_shared(Move move, int64_t begin_col, int64_t end_col, int64_t first_row, int64_t rows) {
  if (begin_col >= end_col || rows <= 0) return;
  assert(rows <= shared_rows_ && begin_col >= window_.col && end_col <= window_.col_end());
  const int64_t record = shared_rows_ * pixel_bytes(bands_);
  records_.resize(static_cast<std::size_t>((end_col - begin_col) * record));
  if (move == Move::Load) shared_.read(begin_col * record, records_);
  const auto transfer = [move](auto& value, std::byte*& at) {
    if (move == Move::Load) {
      std::memcpy(&value, at, sizeof(value));
    } else {
      std::memcpy(at, &value, sizeof(value));
    }
    at += sizeof(value);
  };
  for (int64_t col = begin_col; col < end_col; ++col) {
    std::byte* at = records_.data() + (col - begin_col) * record;
    const int64_t c = col - window_.col, r = first_row - window_.row;
    for (int64_t band = 0; band < bands_; ++band) {
      for (int64_t i = 0; i < rows; ++i) transfer(sum_.at(c, r + i, band), at);
    }
    for (int64_t i = 0; i < rows; ++i) transfer(weight_.at(c, r + i), at);
    for (int64_t i = 0; i < rows; ++i) transfer(valid_.at(c, r + i), at);
  }
  if (move == Move::Save) shared_.write(begin_col * record, records_);
}

}  // namespace plat
