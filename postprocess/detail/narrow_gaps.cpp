// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/narrow_gaps.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <vector>

namespace plat::detail {
namespace {

// The pixels of a disc in one of its rows, [begin, end) in its box.
struct Span {
  int64_t begin = 0;
  int64_t end = 0;
};

std::vector<Span> disc(int64_t diameter) {
  const double radius = 0.5 * static_cast<double>(diameter);
  std::vector<Span> rows;
  for (int64_t row = 0; row < diameter; ++row) {
    const double y = static_cast<double>(row) + 0.5 - radius;
    const double reach = std::sqrt(radius * radius - y * y);
    Span span{diameter, 0};
    for (int64_t col = 0; col < diameter; ++col) {
      if (std::abs(static_cast<double>(col) + 0.5 - radius) > reach) continue;
      span.begin = std::min(span.begin, col);
      span.end = col + 1;
    }
    rows.push_back(span);
  }
  return rows;
}

}  // namespace

Image<uint8_t> narrow_gaps(const Image<uint8_t>& mask, int64_t width) {
  assert(width >= 1);
  const std::vector<Span> rows = disc(width + 1);
  const int64_t margin = width;
  const int64_t wide = mask.width() + 2 * margin;
  const int64_t high = mask.height() + 2 * margin;
  // How many pixels from each one on, to the right, are outside the mask.
  Image<int32_t> free(wide, high);
  for (int64_t row = 0; row < high; ++row) {
    const int64_t from = std::clamp<int64_t>(row - margin, 0, mask.height() - 1);
    int32_t run = 0;
    for (int64_t col = wide - 1; col >= 0; --col) {
      run = mask.at(std::clamp<int64_t>(col - margin, 0, mask.width() - 1), from) == 0 ? run + 1 : 0;
      free.at(col, row) = run;
    }
  }
  // Where the disc fits, it begins to cover its rows' pixels and ends to.
  Image<int32_t> change(wide + 1, high);
  for (int64_t row = 0; row + width < high; ++row) {
    for (int64_t col = 0; col + width < wide; ++col) {
      bool fits = true;
      for (int64_t i = 0; i <= width && fits; ++i) {
        const Span& span = rows[static_cast<std::size_t>(i)];
        fits = free.at(col + span.begin, row + i) >= span.end - span.begin;
      }
      for (int64_t i = 0; i <= width && fits; ++i) {
        const Span& span = rows[static_cast<std::size_t>(i)];
        ++change.at(col + span.begin, row + i);
        --change.at(col + span.end, row + i);
      }
    }
  }
  Image<uint8_t> gaps(mask.width(), mask.height());
  for (int64_t row = 0; row < mask.height(); ++row) {
    int32_t covered = 0;
    for (int64_t col = 0; col < mask.width() + margin; ++col) {
      covered += change.at(col, row + margin);
      if (col >= margin) gaps.at(col - margin, row) = covered == 0 && mask.at(col - margin, row) == 0 ? 1 : 0;
    }
  }
  return gaps;
}

}  // namespace plat::detail
