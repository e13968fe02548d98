// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/watershed.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace plat::detail {
namespace {

// Pixels waiting at one height, first in, first out.
struct Level {
  std::vector<int32_t> pixels;
  std::size_t next = 0;
};

// Calls visit with each of the up to four neighbours of a pixel.
template <typename Visit>
void visit_neighbours(int64_t pixel, int64_t width, int64_t size, const Visit& visit) {
  const int64_t col = pixel % width;
  if (pixel >= width) visit(pixel - width);
  if (col > 0) visit(pixel - 1);
  if (col + 1 < width) visit(pixel + 1);
  if (pixel + width < size) visit(pixel + width);
}

// The pixels that are not outside, lowest first, equally high ones in row-major order.
std::vector<int32_t> order_by_height(const Image<uint16_t>& relief) {
  const std::span<const uint16_t> levels(relief.data(), relief.size());
  // Counters for the levels that there are: most regions are small, and have few.
  uint16_t lowest = kOutside;
  uint16_t highest = 0;
  for (const uint16_t level : levels) {
    if (level == kOutside) continue;
    lowest = std::min(lowest, level);
    highest = std::max(highest, level);
  }
  if (lowest == kOutside) return {};
  std::vector<std::size_t> first(std::size_t{highest} - lowest + 2, 0);
  for (const uint16_t level : levels) {
    if (level != kOutside) ++first[std::size_t{level} - lowest + 1];
  }
  std::partial_sum(first.begin(), first.end(), first.begin());
  std::vector<int32_t> order(first.back());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i] != kOutside) order[first[std::size_t{levels[i]} - lowest]++] = static_cast<int32_t>(i);
  }
  return order;
}

}  // namespace

int32_t mark_minima(const Image<uint16_t>& relief, uint16_t depth, Image<int32_t>& labels) {
  assert(depth > 0 && labels.size() == relief.size());
  constexpr int32_t kDry = -1;
  const auto size = static_cast<int64_t>(relief.size());
  const uint16_t* level = relief.data();
  // Water rises: pools grow pixel by pixel, and where two meet the shallower one ends. Each pixel under water points towards
  // the deepest pixel of its pool.
  std::vector<int32_t> deeper(relief.size(), kDry);
  const auto deepest = [&](int32_t pixel) {
    while (deeper[static_cast<std::size_t>(pixel)] != pixel) {
      int32_t& next = deeper[static_cast<std::size_t>(pixel)];
      next = deeper[static_cast<std::size_t>(next)];
      pixel = next;
    }
    return pixel;
  };
  std::ranges::fill(std::span(labels.data(), labels.size()), 0);
  const std::vector<int32_t> order = order_by_height(relief);
  for (const int32_t pixel : order) {
    deeper[static_cast<std::size_t>(pixel)] = pixel;
    visit_neighbours(pixel, relief.width(), size, [&](int64_t neighbour) {
      if (deeper[static_cast<std::size_t>(neighbour)] == kDry) return;
      int32_t kept = deepest(pixel);
      int32_t ended = deepest(static_cast<int32_t>(neighbour));
      if (kept == ended) return;
      if (std::pair(level[ended], ended) < std::pair(level[kept], kept)) std::swap(kept, ended);
      if (level[pixel] - level[ended] >= depth) labels.data()[ended] = 1;
      deeper[static_cast<std::size_t>(ended)] = kept;
    });
  }
  for (const int32_t pixel : order) {
    if (deeper[static_cast<std::size_t>(pixel)] == pixel) labels.data()[pixel] = 1;
  }
  int32_t count = 0;
  for (int32_t& label : std::span(labels.data(), labels.size())) {
    if (label != 0) label = ++count;
  }
  return count;
}

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
  const auto open = [&](int64_t pixel) { return labels.data()[pixel] == 0 && relief.data()[pixel] != kOutside; };

  for (int64_t pixel = 0; pixel < width * height; ++pixel) {
    if (labels.data()[pixel] == 0) continue;
    bool grows = false;
    visit_neighbours(pixel, width, width * height, [&](int64_t neighbour) { grows |= open(neighbour); });
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
    visit_neighbours(pixel, width, width * height, [&](int64_t neighbour) {
      if (!open(neighbour)) return;
      labels.data()[neighbour] = label;
      const std::size_t its_level = relief.data()[neighbour];
      queue[its_level].pixels.push_back(static_cast<int32_t>(neighbour));
      current = std::min(current, its_level);
    });
  }
}

}  // namespace plat::detail
