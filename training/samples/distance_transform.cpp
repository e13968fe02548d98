// SPDX-License-Identifier: Apache-2.0
#include "training/samples/distance_transform.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace plat {
namespace {

/// The lower envelope of parabolas x -> (x - q)² + height[q], read at every x; in place, one line at a time.
class LowerEnvelope {
 public:
  explicit LowerEnvelope(std::size_t length) : height_(length), apex_(length), start_(length + 1) {}

  void apply(float* values, std::size_t count, std::size_t stride) {
    for (std::size_t i = 0; i < count; ++i) height_[i] = values[i * stride];
    std::size_t parabolas = 0;
    apex_[0] = 0;
    start_[0] = -std::numeric_limits<float>::infinity();
    start_[1] = std::numeric_limits<float>::infinity();
    for (std::size_t q = 1; q < count; ++q) {
      float crossing = cross(q, apex_[parabolas]);
      while (crossing <= start_[parabolas]) crossing = cross(q, apex_[--parabolas]);
      apex_[++parabolas] = q;
      start_[parabolas] = crossing;
      start_[parabolas + 1] = std::numeric_limits<float>::infinity();
    }
    std::size_t k = 0;
    for (std::size_t x = 0; x < count; ++x) {
      while (start_[k + 1] < static_cast<float>(x)) ++k;
      const float offset = static_cast<float>(x) - static_cast<float>(apex_[k]);
      values[x * stride] = offset * offset + height_[apex_[k]];
    }
  }

 private:
  /// Where the parabola at q sinks below that at p < q.
  float cross(std::size_t q, std::size_t p) const {
    const auto a = static_cast<float>(q);
    const auto b = static_cast<float>(p);
    return ((height_[q] + a * a) - (height_[p] + b * b)) / (2 * (a - b));
  }

  std::vector<float> height_;
  std::vector<std::size_t> apex_;
  std::vector<float> start_;
};

}  // namespace

Image<float> distance_transform(const Image<uint8_t>& mask) {
  const auto width = static_cast<std::size_t>(mask.width());
  const auto height = static_cast<std::size_t>(mask.height());
  const auto far = static_cast<float>(width * width + height * height);
  Image<float> out(mask.width(), mask.height());
  std::transform(mask.data(), mask.data() + mask.size(), out.data(), [far](uint8_t m) { return m != 0 ? 0.0F : far; });
  if (out.empty()) return out;
  LowerEnvelope line(std::max(width, height));
  for (std::size_t x = 0; x < width; ++x) line.apply(out.data() + x, height, width);
  for (std::size_t y = 0; y < height; ++y) line.apply(out.data() + y * width, width, 1);
  std::transform(out.data(), out.data() + out.size(), out.data(),
                 [far](float d) { return std::sqrt(std::min(d, far)); });
  return out;
}

}  // namespace plat
