// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_tile_choice.hpp"

#include <algorithm>
#include <cmath>

namespace plat {
namespace {

/// Context round the part that a tile must show, as a share of the tile: a network judges edges by both of their sides.
constexpr int64_t kMargin = 16;

/// One axis of a scene.
struct Axis {
  int64_t length;
  int64_t tile;

  int64_t clamped(int64_t start) const {
    return length <= tile ? (length - tile) / 2 : std::clamp<int64_t>(start, 0, length - tile);
  }
  /// Whether a tile shows the part with its margins; past the scene's edges there is nothing to show.
  bool holds(int64_t start, double low, double high) const {
    const auto margin = static_cast<double>(tile / kMargin);
    return (start <= 0 || low - margin >= static_cast<double>(start)) &&
           (start + tile >= length || high + margin <= static_cast<double>(start + tile));
  }
  std::optional<int64_t> choose(double low, double high) const {
    const auto end = static_cast<double>(length);
    low = std::clamp(low, 0.0, end);
    high = std::clamp(high, low, end);
    const double centre = 0.5 * (low + high);
    const int64_t half = std::max<int64_t>(1, tile / 2);
    const int64_t shared = clamped(static_cast<int64_t>(centre) / half * half - tile / 4);
    if (holds(shared, low, high)) return shared;
    const int64_t step = std::max<int64_t>(1, tile / 16);
    const double exact = centre - 0.5 * static_cast<double>(tile);
    const int64_t centred = clamped(static_cast<int64_t>(std::llround(exact / static_cast<double>(step))) * step);
    if (holds(centred, low, high)) return centred;
    return std::nullopt;
  }
};

}  // namespace

std::optional<Window> choose_prompt_tile(int64_t scene_width, int64_t scene_height, int64_t tile_size,
                                         const Bounds& part) {
  const auto col = Axis{scene_width, tile_size}.choose(part.min_x, part.max_x);
  const auto row = Axis{scene_height, tile_size}.choose(part.min_y, part.max_y);
  if (!col || !row) return std::nullopt;
  return Window{*col, *row, tile_size, tile_size};
}

}  // namespace plat
