// SPDX-License-Identifier: Apache-2.0
#include "postprocess/stitcher.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kStripRows = 128;
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

}  // namespace

Stitcher::Stitcher(const TileGrid& grid, int64_t bands, std::function<void(Strip&&)> sink)
    : grid_(grid),
      sink_(std::move(sink)),
      bands_(bands),
      sum_(grid.scene_width(), std::min(grid.tile_size(), grid.scene_height()), bands),
      weight_(grid.scene_width(), std::min(grid.tile_size(), grid.scene_height())),
      valid_(grid.scene_width(), std::min(grid.tile_size(), grid.scene_height())),
      profile_(make_profile(grid.tile_size(), grid.overlap())) {}

int64_t Stitcher::memory_bytes(const TileGrid& grid, int64_t bands) {
  const int64_t rows = std::min(grid.tile_size(), grid.scene_height()) + std::min(kStripRows, grid.scene_height());
  return grid.scene_width() * rows * (4 * bands + 5);
}

void Stitcher::add(const Tile& tile, const Image<float>& maps, const Image<uint8_t>& valid) {
  flush(std::min(tile.window.row, grid_.scene_height()));
  if (maps.empty()) return;
  assert(maps.width() == tile.window.width && maps.height() == tile.window.height && maps.bands() == bands_);
  assert(valid.width() == tile.window.width && valid.height() == tile.window.height);
  const Window inside = intersect(tile.window, {0, 0, grid_.scene_width(), grid_.scene_height()});
  const auto from = static_cast<std::size_t>(inside.col - tile.window.col);
  const auto to = static_cast<std::size_t>(inside.col);
  const auto count = static_cast<std::size_t>(inside.width);
  for (int64_t row = inside.row; row < inside.row_end(); ++row) {
    const int64_t tile_row = row - tile.window.row;
    const auto buffer_row = static_cast<int64_t>(slot(row));
    const float row_weight = profile_[static_cast<std::size_t>(tile_row)];
    for (int64_t band = 0; band < bands_; ++band) {
      const float* source = maps.row(tile_row, band).data() + from;
      float* target = sum_.row(buffer_row, band).data() + to;
      for (std::size_t i = 0; i < count; ++i) target[i] += row_weight * profile_[from + i] * source[i];
    }
    float* weight = weight_.row(buffer_row).data() + to;
    for (std::size_t i = 0; i < count; ++i) weight[i] += row_weight * profile_[from + i];
    const uint8_t* source_valid = valid.row(tile_row).data() + from;
    uint8_t* target_valid = valid_.row(buffer_row).data() + to;
    for (std::size_t i = 0; i < count; ++i)
      target_valid[i] = target_valid[i] | static_cast<uint8_t>(source_valid[i] != 0);
  }
}

void Stitcher::finish() { flush(grid_.scene_height()); }

std::size_t Stitcher::slot(int64_t scene_row) const { return static_cast<std::size_t>(scene_row % weight_.height()); }

void Stitcher::flush(int64_t end_row) {
  while (next_row_ < end_row) {
    const int64_t rows = std::min(kStripRows, end_row - next_row_);
    Strip strip = make_strip(next_row_, rows);
    for (int64_t row = next_row_; row < next_row_ + rows; ++row) {
      const auto buffer_row = static_cast<int64_t>(slot(row));
      for (int64_t band = 0; band < bands_; ++band) std::ranges::fill(sum_.row(buffer_row, band), 0.0F);
      std::ranges::fill(weight_.row(buffer_row), 0.0F);
      std::ranges::fill(valid_.row(buffer_row), uint8_t{0});
    }
    next_row_ += rows;
    sink_(std::move(strip));
  }
}

Strip Stitcher::make_strip(int64_t first_row, int64_t rows) const {
  Strip strip{first_row, Image<float>(grid_.scene_width(), rows, bands_), Image<uint8_t>(grid_.scene_width(), rows)};
  const auto width = static_cast<std::size_t>(grid_.scene_width());
  for (int64_t row = 0; row < rows; ++row) {
    const auto buffer_row = static_cast<int64_t>(slot(first_row + row));
    const auto weight = weight_.row(buffer_row);
    const auto valid = valid_.row(buffer_row);
    std::ranges::copy(valid, strip.valid.row(row).begin());
    for (int64_t band = 0; band < bands_; ++band) {
      const auto sum = sum_.row(buffer_row, band);
      const auto out = strip.maps.row(row, band);
      for (std::size_t i = 0; i < width; ++i) out[i] = valid[i] != 0 ? sum[i] / weight[i] : 0.0F;
    }
  }
  return strip;
}

}  // namespace plat
