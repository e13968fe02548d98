// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plat::detail {

/// Endless textures made once for all scenes: a scene shifts and scales them. Thread-safe.
class NoiseTiles {
 public:
  static const NoiseTiles& get();

  /// Clouds of all sizes up to 256 units, about normal with mean 0 and deviation 1; smooth between whole coordinates.
  float cloud(double x, double y) const {
    const double fx = x + kShift;
    const double fy = y + kShift;
    const auto ix = static_cast<int64_t>(fx);
    const auto iy = static_cast<int64_t>(fy);
    const auto tx = static_cast<float>(fx - static_cast<double>(ix));
    const auto ty = static_cast<float>(fy - static_cast<double>(iy));
    const float* a = row(iy);
    const float* b = row(iy + 1);
    const std::size_t l = wrap(ix);
    const std::size_t r = wrap(ix + 1);
    const float top = a[l] + (a[r] - a[l]) * tx;
    const float bottom = b[l] + (b[r] - b[l]) * tx;
    return top + (bottom - top) * ty;
  }
  /// Independent values for whole coordinates, uniform in [-1, 1].
  float grain(int64_t x, int64_t y) const { return grain_[wrap(y) * kSize + wrap(x)]; }

 private:
  NoiseTiles();
  static constexpr std::size_t kSize = 512;
  static constexpr double kShift = 1 << 24;  // keeps coordinates positive, so that truncation is rounding down
  static std::size_t wrap(int64_t i) { return static_cast<std::size_t>(i) & (kSize - 1); }
  const float* row(int64_t y) const { return cloud_.data() + wrap(y) * kSize; }

  std::vector<float> cloud_;
  std::vector<float> grain_;
};

}  // namespace plat::detail
