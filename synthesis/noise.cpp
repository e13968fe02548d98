// SPDX-License-Identifier: Apache-2.0
#include "synthesis/noise.hpp"

#include "synthesis/random.hpp"

#include <cmath>

namespace plat::detail {
namespace {

float smooth(float t) { return t * t * (3 - 2 * t); }

}  // namespace

const NoiseTiles& NoiseTiles::get() {
  static const NoiseTiles tiles;
  return tiles;
}

NoiseTiles::NoiseTiles() : cloud_(kSize * kSize, 0.0F), grain_(kSize * kSize) {
  Random random(20240229);
  for (float& value : grain_) value = static_cast<float>(random.uniform(-1, 1));

  // Value noise in octaves; each has its own lattice, wrapped so that the tile repeats without a seam.
  float weight = 1;
  for (std::size_t cell = 256; cell >= 2; cell /= 2) {
    const std::size_t count = kSize / cell;
    std::vector<float> lattice(count * count);
    for (float& value : lattice) value = static_cast<float>(random.uniform(-1, 1));
    for (std::size_t y = 0; y < kSize; ++y) {
      const std::size_t y0 = y / cell;
      const std::size_t y1 = (y0 + 1) % count;
      const float ty = smooth(static_cast<float>(y % cell) / static_cast<float>(cell));
      for (std::size_t x = 0; x < kSize; ++x) {
        const std::size_t x0 = x / cell;
        const std::size_t x1 = (x0 + 1) % count;
        const float tx = smooth(static_cast<float>(x % cell) / static_cast<float>(cell));
        const float top = lattice[y0 * count + x0] * (1 - tx) + lattice[y0 * count + x1] * tx;
        const float bottom = lattice[y1 * count + x0] * (1 - tx) + lattice[y1 * count + x1] * tx;
        cloud_[y * kSize + x] += weight * (top * (1 - ty) + bottom * ty);
      }
    }
    // Near to natural ground, where every scale has about the same contrast.
    weight *= 0.85F;
  }
  double mean = 0;
  double square = 0;
  for (const float value : cloud_) {
    mean += static_cast<double>(value);
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto n = static_cast<double>(cloud_.size());
  mean /= n;
  const double deviation = std::sqrt(square / n - mean * mean);
  for (float& value : cloud_) value = static_cast<float>((static_cast<double>(value) - mean) / deviation);
}

}  // namespace plat::detail
