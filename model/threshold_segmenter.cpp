// SPDX-License-Identifier: Apache-2.0
#include "model/threshold_segmenter.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace plat {
namespace {

// From "surely not" to "surely": a soft step, so that blending tiles and interpolating scores have something to work
// on.
constexpr float kSoftness = 16;
// The distance at which the distance map is 1, as the trained models have it.
constexpr float kFullDistance = 10;

/// Distance in pixels to the nearest pixel of background, by two passes with steps of 1 and the root of 2 (at most 8 %
/// too long).
void distance_to_background(std::span<float> distance, int64_t width, int64_t height) {
  constexpr float kDiagonal = std::numbers::sqrt2_v<float>;
  const auto at = [&](int64_t col, int64_t row) -> float& {
    return distance[static_cast<std::size_t>(row * width + col)];
  };
  const auto relax = [&](float& value, int64_t col, int64_t row, float step) {
    if (col >= 0 && col < width && row >= 0 && row < height) value = std::min(value, at(col, row) + step);
  };
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      float& value = at(col, row);
      relax(value, col - 1, row, 1);
      relax(value, col - 1, row - 1, kDiagonal);
      relax(value, col, row - 1, 1);
      relax(value, col + 1, row - 1, kDiagonal);
    }
  }
  for (int64_t row = height - 1; row >= 0; --row) {
    for (int64_t col = width - 1; col >= 0; --col) {
      float& value = at(col, row);
      relax(value, col + 1, row, 1);
      relax(value, col + 1, row + 1, kDiagonal);
      relax(value, col, row + 1, 1);
      relax(value, col - 1, row + 1, kDiagonal);
    }
  }
}

}  // namespace

ThresholdSegmenter::ThresholdSegmenter(float level) : level_(level) {
  description_.name = "threshold";
  description_.architecture = "threshold";
  description_.gsd_m = 0.3;
  description_.classes = {{.name = "bright", .thresholds = {}}};
}

Image<float> ThresholdSegmenter::segment(const Image<float>& pixels) const {
  if (pixels.bands() < 1) throw ModelError("the threshold model needs at least one band");
  const int64_t width = pixels.width(), height = pixels.height();
  Image<float> maps(width, height, kMapsPerClass);
  const auto extent = maps.band(static_cast<int>(ClassMap::Extent));
  const auto boundary = maps.band(static_cast<int>(ClassMap::Boundary));
  const auto distance = maps.band(static_cast<int>(ClassMap::Distance));
  for (int64_t b = 0; b < pixels.bands(); ++b) {
    const auto band = pixels.band(b);
    for (std::size_t i = 0; i < band.size(); ++i) extent[i] += band[i] / static_cast<float>(pixels.bands());
  }
  for (std::size_t i = 0; i < extent.size(); ++i) {
    extent[i] = std::clamp(0.5F + (extent[i] - level_) / kSoftness, 0.0F, 1.0F);
    distance[i] = extent[i] > 0.5F ? std::numeric_limits<float>::infinity() : 0.0F;
  }
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      const auto inside = [&](int64_t c, int64_t r) {
        return maps.at(std::clamp<int64_t>(c, 0, width - 1), std::clamp<int64_t>(r, 0, height - 1)) > 0.5F;
      };
      const bool here = inside(col, row);
      const bool edge = inside(col - 1, row) != here || inside(col + 1, row) != here || inside(col, row - 1) != here ||
                        inside(col, row + 1) != here;
      boundary[static_cast<std::size_t>(row * width + col)] = edge ? 1.0F : 0.0F;
    }
  }
  distance_to_background(distance, width, height);
  for (float& value : distance) value = std::min(value / kFullDistance, 1.0F);
  return maps;
}

int64_t ThresholdSegmenter::memory_per_tile() const {
  const int64_t pixels = description_.tile_size * description_.tile_size;
  return pixels * static_cast<int64_t>(sizeof(float)) *
         (kMapsPerClass + static_cast<int64_t>(description_.bands.size()));
}

}  // namespace plat
