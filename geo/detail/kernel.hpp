// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace plat::detail {

// Samples read at most about this many values at a time (64 MB of floats).
constexpr int64_t kMaxValues = 16'000'000;
// Rounding of positions must not lose the outermost samples: a thousandth of a pixel.
constexpr double kEdgeTolerance = 1e-3;
// A sample needs this much of its weight on valid pixels.
constexpr float kLeastWeight = 0.5F;

/// The Catmull-Rom cubic: 1 at 0, 0 at every other whole number, support (-2, 2).
inline double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

/// Weights of the pixels round a position along one axis, each with its pixel; pixels past the edge repeat the outermost
/// one. They sum to 1, and at a pixel's centre at scale 1 that pixel has exactly 1.
class Taps {
 public:
  struct Tap {
    int64_t pixel;
    float weight;
  };

  /// `position` in pixels (0.5 is the first one's centre), `scale` in pixels a sample, at least 1.
  void set(double position, double scale, int64_t size, bool nearest) {
    taps_.clear();
    if (nearest) {
      taps_.push_back({std::clamp(static_cast<int64_t>(std::floor(position)), int64_t{0}, size - 1), 1.0F});
      return;
    }
    const double radius = 2 * scale;
    const auto first = static_cast<int64_t>(std::ceil(position - radius - 0.5));
    const auto last = static_cast<int64_t>(std::floor(position + radius - 0.5));
    raw_.clear();
    double sum = 0;
    for (int64_t pixel = first; pixel <= last; ++pixel) {
      raw_.push_back(cubic((static_cast<double>(pixel) + 0.5 - position) / scale));
      sum += raw_.back();
    }
    for (std::size_t i = 0; i < raw_.size(); ++i) {
      const auto weight = static_cast<float>(raw_[i] / sum);
      if (weight == 0) continue;
      const int64_t inside = std::clamp(first + static_cast<int64_t>(i), int64_t{0}, size - 1);
      if (!taps_.empty() && taps_.back().pixel == inside) {
        taps_.back().weight += weight;
      } else {
        taps_.push_back({inside, weight});
      }
    }
  }

  const std::vector<Tap>& all() const { return taps_; }

 private:
  std::vector<double> raw_;
  std::vector<Tap> taps_;
};

/// Whether a position lies in a file of this size, edges included.
inline bool is_inside(double position, int64_t size) {
  return position >= -kEdgeTolerance && position <= static_cast<double>(size) + kEdgeTolerance;
}

}  // namespace plat::detail
