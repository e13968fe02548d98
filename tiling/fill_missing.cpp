// SPDX-License-Identifier: Apache-2.0
#include "tiling/fill_missing.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <span>

namespace plat {
namespace {

/// From a pixel to the nearest known one found so far.
struct Offset {
  int32_t col = kFar;
  int32_t row = kFar;
  static constexpr int32_t kFar = std::numeric_limits<int32_t>::max();
  bool found() const { return col != kFar; }
  int64_t squared() const {
    return found() ? int64_t{col} * col + int64_t{row} * row : std::numeric_limits<int64_t>::max();
  }
};

/// Offsets of all pixels: two passes over the rows, each running along a row both ways.
Image<Offset> nearest_known(const Image<uint8_t>& known) {
  Image<Offset> offsets(known.width(), known.height());
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known.data()[i] != 0) offsets.data()[i] = {0, 0};
  }
  const auto relax = [&](int64_t col, int64_t row, int32_t dc, int32_t dr) {
    if (col + dc < 0 || col + dc >= known.width() || row + dr < 0 || row + dr >= known.height()) return;
    const Offset& neighbour = offsets.at(col + dc, row + dr);
    if (!neighbour.found()) return;
    const Offset candidate{neighbour.col + dc, neighbour.row + dr};
    Offset& offset = offsets.at(col, row);
    if (candidate.squared() < offset.squared()) offset = candidate;
  };
  const auto pass = [&](int64_t row, int32_t from) {
    for (int64_t col = 0; col < known.width(); ++col) {
      for (const int32_t dc : {-1, 0, 1}) relax(col, row, dc, from);
      relax(col, row, -1, 0);
    }
    for (int64_t col = known.width() - 1; col >= 0; --col) relax(col, row, 1, 0);
  };
  for (int64_t row = 0; row < known.height(); ++row) pass(row, -1);
  for (int64_t row = known.height() - 1; row >= 0; --row) pass(row, 1);
  return offsets;
}

}  // namespace

void fill_missing(Image<float>& pixels, const Image<uint8_t>& known) {
  assert(known.width() == pixels.width() && known.height() == pixels.height());
  const std::span<const uint8_t> flags(known.data(), known.size());
  if (std::ranges::find(flags, uint8_t{0}) == flags.end()) return;
  const Image<Offset> offsets = nearest_known(known);
  for (int64_t row = 0; row < pixels.height(); ++row) {
    for (int64_t col = 0; col < pixels.width(); ++col) {
      if (known.at(col, row) != 0) continue;
      const Offset& offset = offsets.at(col, row);
      int64_t from_col = col + 2 * int64_t{offset.col};
      int64_t from_row = row + 2 * int64_t{offset.row};
      const bool inside = from_col >= 0 && from_row >= 0 && from_col < pixels.width() && from_row < pixels.height();
      if (!inside || known.at(from_col, from_row) == 0) {
        from_col = col + offset.col;
        from_row = row + offset.row;
      }
      for (int64_t b = 0; b < pixels.bands(); ++b) {
        pixels.at(col, row, b) = offset.found() ? pixels.at(from_col, from_row, b) : 0.0F;
      }
    }
  }
}

}  // namespace plat
