// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/watershed.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace plat::detail {
namespace {

// Pixels waiting at one height, first in, first out.
struct Level {
  std::vector<int32_t> pixels;
  std::size_t next = 0;
};

}  // namespace

void flood(const Image<uint16_t>& relief, Image<int32_t>& labels) {
  const int64_t width = relief.width();
  const int64_t height = relief.height();
  assert(labels.width() == width && labels.height() == height);
  assert(width * height <= std::numeric_limits<int32_t>::max());
  std::size_t levels = 0;
  for (const uint16_t level : std::span(relief.data(), relief.size())) {
    if (level != kOutside) levels = std::max(levels, static_cast<std::size_t>(level) + 1);
  }
  std::vector<Level> queue(levels);
  std::size_t current = 0;
  const auto visit_neighbours = [&](int64_t pixel, const auto& visit) {
    const int64_t col = pixel % width;
    if (pixel >= width) visit(pixel - width);
    if (col > 0) visit(pixel - 1);
    if (col + 1 < width) visit(pixel + 1);
    if (pixel + width < width * height) visit(pixel + width);
  };
  const auto open = [&](int64_t pixel) { return labels.data()[pixel] == 0 && relief.data()[pixel] != kOutside; };

  for (int64_t pixel = 0; pixel < width * height; ++pixel) {
    if (labels.data()[pixel] == 0) continue;
    bool grows = false;
    visit_neighbours(pixel, [&](int64_t neighbour) { grows |= open(neighbour); });
    if (grows) queue[relief.data()[pixel]].pixels.push_back(static_cast<int32_t>(pixel));
  }
  while (current < levels) {
    Level& level = queue[current];
    if (level.next == level.pixels.size()) {
      level = {};
      ++current;
      continue;
    }
    const int64_t pixel = level.pixels[level.next++];
    const int32_t label = labels.data()[pixel];
    visit_neighbours(pixel, [&](int64_t neighbour) {
      if (!open(neighbour)) return;
      labels.data()[neighbour] = label;
      const std::size_t its_level = relief.data()[neighbour];
      queue[its_level].pixels.push_back(static_cast<int32_t>(neighbour));
      current = std::min(current, its_level);
    });
  }
}

}  // namespace plat::detail
