// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/window.hpp"

namespace plat {

/// A raster in memory, band after band (planar), each band row by row; pixel (0, 0) is the top-left corner.
/// A value type: copies are deep. Reading from several threads is safe while none writes.
template <typename T>
class Image {
 public:
  Image() = default;
  Image(int64_t width, int64_t height, int64_t bands = 1, T value = T{})
      : width_(width), height_(height), bands_(bands),
        data_(static_cast<std::size_t>(width * height * bands), value) {
    assert(width >= 0 && height >= 0 && bands >= 0);
  }

  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  int64_t bands() const { return bands_; }
  bool empty() const { return data_.empty(); }
  std::size_t size() const { return data_.size(); }

  T* data() { return data_.data(); }
  const T* data() const { return data_.data(); }

  T& at(int64_t col, int64_t row, int64_t band = 0) { return data_[index(col, row, band)]; }
  const T& at(int64_t col, int64_t row, int64_t band = 0) const { return data_[index(col, row, band)]; }

  /// All pixels of one band, row by row.
  std::span<T> band(int64_t b) { return {data_.data() + offset(b), static_cast<std::size_t>(width_ * height_)}; }
  std::span<const T> band(int64_t b) const {
    return {data_.data() + offset(b), static_cast<std::size_t>(width_ * height_)};
  }

  /// One row of one band.
  std::span<T> row(int64_t r, int64_t b = 0) { return band(b).subspan(static_cast<std::size_t>(r * width_), static_cast<std::size_t>(width_)); }
  std::span<const T> row(int64_t r, int64_t b = 0) const {
    return band(b).subspan(static_cast<std::size_t>(r * width_), static_cast<std::size_t>(width_));
  }

  bool operator==(const Image&) const = default;

 private:
  std::size_t offset(int64_t b) const { return static_cast<std::size_t>(b * width_ * height_); }
  std::size_t index(int64_t col, int64_t row, int64_t b) const {
    assert(col >= 0 && col < width_ && row >= 0 && row < height_ && b >= 0 && b < bands_);
    return static_cast<std::size_t>((b * height_ + row) * width_ + col);
  }

  int64_t width_ = 0;
  int64_t height_ = 0;
  int64_t bands_ = 0;
  std::vector<T> data_;
};

/// Copies the part of an image inside a window; the window must lie in the image.
template <typename T>
Image<T> crop(const Image<T>& image, const Window& window) {
  Image<T> out(window.width, window.height, image.bands());
  for (int64_t b = 0; b < image.bands(); ++b) {
    for (int64_t r = 0; r < window.height; ++r) {
      const auto from = image.row(window.row + r, b).subspan(static_cast<std::size_t>(window.col),
                                                             static_cast<std::size_t>(window.width));
      std::copy(from.begin(), from.end(), out.row(r, b).begin());
    }
  }
  return out;
}

}  // namespace plat
