// SPDX-License-Identifier: Apache-2.0
#include "synthesis/light.hpp"
#include "synthesis/noise.hpp"
#include "synthesis/random.hpp"

#include "core/cancel.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace plat::detail {
namespace {

/// Gaussian blur of one band, edges repeated.
void blur_band(Image<float>& image, int64_t band, double deviation) {
  if (deviation < 0.05) return;
  const auto radius = static_cast<int64_t>(std::ceil(3 * deviation));
  std::vector<float> kernel;
  float sum = 0;
  for (int64_t k = -radius; k <= radius; ++k) {
    kernel.push_back(static_cast<float>(std::exp(-0.5 * static_cast<double>(k * k) / (deviation * deviation))));
    sum += kernel.back();
  }
  for (float& weight : kernel) weight /= sum;
  const int64_t w = image.width();
  const int64_t h = image.height();
  Image<float> across(w, h);
  for (int64_t r = 0; r < h; ++r) {
    throw_if_cancelled();
    const auto from = image.row(r, band);
    const auto to = across.row(r);
    for (int64_t k = -radius; k <= radius; ++k) {
      const float weight = kernel[static_cast<std::size_t>(k + radius)];
      for (int64_t c = 0; c < w; ++c) {
        to[static_cast<std::size_t>(c)] +=
            weight * from[static_cast<std::size_t>(std::clamp<int64_t>(c + k, 0, w - 1))];
      }
    }
  }
  for (int64_t r = 0; r < h; ++r) {
    throw_if_cancelled();
    const auto to = image.row(r, band);
    std::fill(to.begin(), to.end(), 0.0F);
    for (int64_t k = -radius; k <= radius; ++k) {
      const auto from = across.row(std::clamp<int64_t>(r + k, 0, h - 1));
      const float weight = kernel[static_cast<std::size_t>(k + radius)];
      for (std::size_t c = 0; c < to.size(); ++c) to[c] += weight * from[c];
    }
  }
}

}  // namespace

void develop(Image<float>& image, const SceneStyle& style, uint64_t seed) {
  for (int64_t band = 0; band < 3; ++band) blur_band(image, band, style.blur_px);

  const auto exposure = static_cast<float>(style.exposure);
  const auto contrast = static_cast<float>(style.contrast);
  const auto saturation = static_cast<float>(style.saturation);
  const auto haze = static_cast<float>(style.haze);
  const std::array<float, 3> veil{0.62F, 0.66F, 0.72F};
  const std::array<float, 3> cast{1 + static_cast<float>(style.warmth), 1, 1 - static_cast<float>(style.warmth)};
  const std::size_t count = image.band(0).size();
  for (std::size_t i = 0; i < count; ++i) {
    std::array<float, 3> value{};
    for (std::size_t band = 0; band < 3; ++band) {
      const float seen = std::sqrt(std::max(0.0F, image.band(static_cast<int64_t>(band))[i] * exposure)) * cast[band];
      const float toned = 0.42F + contrast * (seen - 0.42F);
      value[band] = toned + (veil[band] - toned) * haze;
    }
    const float grey = 0.3F * value[0] + 0.59F * value[1] + 0.11F * value[2];
    for (std::size_t band = 0; band < 3; ++band) {
      image.band(static_cast<int64_t>(band))[i] = 255 * (grey + saturation * (value[band] - grey));
    }
  }

  // The producer's sharpening works on what the sensor's noise is already in.
  const NoiseTiles& noise = NoiseTiles::get();
  Random random(seed);
  const auto sharpening = static_cast<float>(style.sharpening);
  for (int64_t band = 0; band < 3; ++band) {
    const auto shift_x = random.integer(0, 511);
    const auto shift_y = random.integer(0, 511);
    // A sum of three uniform values is normal enough; each has a deviation of 1/sqrt(3).
    const auto gain = static_cast<float>(style.noise);
    for (int64_t r = 0; r < image.height(); ++r) {
      throw_if_cancelled();
      const auto row = image.row(r, band);
      for (int64_t c = 0; c < image.width(); ++c) {
        row[static_cast<std::size_t>(c)] +=
            gain * (noise.grain(c + shift_x, r + shift_y) + noise.grain(c + 3 * shift_y + r / 512, r + 71 + c / 512) +
                    noise.grain(r + shift_x + 13 * (c / 512), c + shift_y));
      }
    }
    if (sharpening > 0.01F) {
      Image<float> soft(image.width(), image.height());
      std::copy(image.band(band).begin(), image.band(band).end(), soft.band(0).begin());
      blur_band(soft, 0, 1.0);
      const auto sharp = image.band(band);
      for (std::size_t i = 0; i < sharp.size(); ++i) sharp[i] += sharpening * (sharp[i] - soft.band(0)[i]);
    }
    for (float& value : image.band(band)) value = std::round(std::clamp(value, 0.0F, 255.0F));
  }
}

}  // namespace plat::detail
