// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace plat {

/// A half-open rectangle of pixels: columns [col, col + width), rows [row, row + height).
struct Window {
  int64_t col = 0;
  int64_t row = 0;
  int64_t width = 0;
  int64_t height = 0;

  int64_t col_end() const { return col + width; }
  int64_t row_end() const { return row + height; }
  int64_t pixel_count() const { return empty() ? 0 : width * height; }
  bool empty() const { return width <= 0 || height <= 0; }
  bool contains(int64_t c, int64_t r) const { return c >= col && c < col_end() && r >= row && r < row_end(); }
  bool operator==(const Window&) const = default;
};

/// The pixels in both windows; empty when they do not touch.
inline Window intersect(const Window& a, const Window& b) {
  const int64_t col = std::max(a.col, b.col);
  const int64_t row = std::max(a.row, b.row);
  return {col, row, std::max<int64_t>(0, std::min(a.col_end(), b.col_end()) - col),
          std::max<int64_t>(0, std::min(a.row_end(), b.row_end()) - row)};
}

/// The smallest window around both.
inline Window bounding(const Window& a, const Window& b) {
  const int64_t col = std::min(a.col, b.col);
  const int64_t row = std::min(a.row, b.row);
  return {col, row, std::max(a.col_end(), b.col_end()) - col, std::max(a.row_end(), b.row_end()) - row};
}

}  // namespace plat
