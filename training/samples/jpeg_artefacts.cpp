// SPDX-License-Identifier: Apache-2.0
#include "training/samples/image_filter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace plat {
namespace {

constexpr int64_t kBlock = 8;
using Block = std::array<float, kBlock * kBlock>;

// The example tables of the JPEG standard (ITU T.81, annex K), which most encoders use.
constexpr std::array<uint8_t, 64> kLuminance = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                                14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                                18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                                49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr std::array<uint8_t, 64> kChrominance = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                                  24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                                  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                                  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

/// Rows are the orthonormal cosine basis.
Block cosine_basis() {
  Block basis{};
  for (std::size_t k = 0; k < kBlock; ++k) {
    const double norm = k == 0 ? std::sqrt(1.0 / kBlock) : std::sqrt(2.0 / kBlock);
    for (std::size_t x = 0; x < kBlock; ++x) {
      const double angle = std::numbers::pi * (static_cast<double>(x) + 0.5) * static_cast<double>(k) / kBlock;
      basis[k * kBlock + x] = static_cast<float>(norm * std::cos(angle));
    }
  }
  return basis;
}

/// a b^T, or a b when `b` is given as its transpose's rows.
Block product(const Block& a, const Block& b, bool transpose_b) {
  Block out{};
  for (std::size_t i = 0; i < kBlock; ++i) {
    for (std::size_t k = 0; k < kBlock; ++k) {
      const float value = a[i * kBlock + k];
      for (std::size_t j = 0; j < kBlock; ++j)
        out[i * kBlock + j] += value * b[transpose_b ? j * kBlock + k : k * kBlock + j];
    }
  }
  return out;
}

Block transposed(const Block& a) {
  Block out{};
  for (std::size_t i = 0; i < kBlock; ++i) {
    for (std::size_t j = 0; j < kBlock; ++j) out[j * kBlock + i] = a[i * kBlock + j];
  }
  return out;
}

/// Quantizes the cosine coefficients of every block of one band; blocks at the edge are filled by repeating pixels.
void quantize(Image<float>& image, int64_t band, const Block& steps) {
  static const Block kBasis = cosine_basis();
  static const Block kInverse = transposed(kBasis);
  for (int64_t row = 0; row < image.height(); row += kBlock) {
    for (int64_t col = 0; col < image.width(); col += kBlock) {
      Block block{};
      for (int64_t i = 0; i < kBlock * kBlock; ++i) {
        const int64_t r = std::min(row + i / kBlock, image.height() - 1);
        const int64_t c = std::min(col + i % kBlock, image.width() - 1);
        block[static_cast<std::size_t>(i)] = image.at(c, r, band) - 128;
      }
      block = product(product(kBasis, block, false), kBasis, true);
      for (std::size_t i = 0; i < block.size(); ++i) block[i] = std::nearbyint(block[i] / steps[i]) * steps[i];
      block = product(product(kInverse, block, false), kInverse, true);
      for (int64_t i = 0; i < kBlock * kBlock; ++i) {
        const int64_t r = row + i / kBlock;
        const int64_t c = col + i % kBlock;
        if (r < image.height() && c < image.width()) image.at(c, r, band) = block[static_cast<std::size_t>(i)] + 128;
      }
    }
  }
}

Block quantization_steps(const std::array<uint8_t, 64>& table, int quality) {
  // The scale of the Independent JPEG Group's encoder.
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  Block steps{};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i] = static_cast<float>(std::clamp((table[i] * percent + 50) / 100, 1, 255));
  }
  return steps;
}

}  // namespace

Image<float> jpeg_artefacts(const Image<float>& image, int quality) {
  const int64_t width = image.width();
  const int64_t height = image.height();
  Image<float> luminance(width, height);
  Image<float> colour(width, height, 2);
  const std::size_t count = luminance.size();
  for (std::size_t i = 0; i < count; ++i) {
    const float red = image.band(0)[i];
    const float green = image.band(1)[i];
    const float blue = image.band(2)[i];
    luminance.band(0)[i] = 0.299F * red + 0.587F * green + 0.114F * blue;
    colour.band(0)[i] = 128 - 0.168736F * red - 0.331264F * green + 0.5F * blue;
    colour.band(1)[i] = 128 + 0.5F * red - 0.418688F * green - 0.081312F * blue;
  }
  quantize(luminance, 0, quantization_steps(kLuminance, quality));
  Image<float> half = resize(colour, (width + 1) / 2, (height + 1) / 2, ResizeFilter::Area);
  const Block steps = quantization_steps(kChrominance, quality);
  quantize(half, 0, steps);
  quantize(half, 1, steps);
  colour = resize(half, width, height, ResizeFilter::Linear);
  Image<float> out(width, height, 3);
  for (std::size_t i = 0; i < count; ++i) {
    const float y = luminance.band(0)[i];
    const float cb = colour.band(0)[i] - 128;
    const float cr = colour.band(1)[i] - 128;
    out.band(0)[i] = std::clamp(y + 1.402F * cr, 0.0F, 255.0F);
    out.band(1)[i] = std::clamp(y - 0.344136F * cb - 0.714136F * cr, 0.0F, 255.0F);
    out.band(2)[i] = std::clamp(y + 1.772F * cb, 0.0F, 255.0F);
  }
  return out;
}

}  // namespace plat
