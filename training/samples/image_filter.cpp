// SPDX-License-Identifier: Apache-2.0
#include "training/samples/image_filter.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace plat {
namespace {

/// The pixels that one output position is made of.
struct Tap {
  int64_t first = 0;
  std::vector<float> weights;
};

float cubic(float x) {
  constexpr float kA = -0.75F;
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA;
  return 0;
}

std::vector<Tap> resize_taps(int64_t from, int64_t to, ResizeFilter filter) {
  std::vector<Tap> taps(static_cast<std::size_t>(to));
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  for (int64_t i = 0; i < to; ++i) {
    Tap& tap = taps[static_cast<std::size_t>(i)];
    if (filter == ResizeFilter::Area) {
      const double begin = static_cast<double>(i) * scale;
      const double end = begin + scale;
      tap.first = static_cast<int64_t>(begin);
      for (int64_t p = tap.first; static_cast<double>(p) < end - 1e-9; ++p) {
        const double covered = std::min(end, static_cast<double>(p + 1)) - std::max(begin, static_cast<double>(p));
        tap.weights.push_back(static_cast<float>(covered / scale));
      }
      continue;
    }
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const int64_t reach = filter == ResizeFilter::Cubic ? 2 : 1;
    tap.first = static_cast<int64_t>(std::floor(centre)) - reach + 1;
    for (int64_t p = tap.first; p < tap.first + 2 * reach; ++p) {
      const auto x = static_cast<float>(centre - static_cast<double>(p));
      tap.weights.push_back(filter == ResizeFilter::Cubic ? cubic(x) : std::max(0.0F, 1 - std::abs(x)));
    }
  }
  return taps;
}

std::vector<Tap> gaussian_taps(int64_t size, double deviation) {
  const auto reach = static_cast<int64_t>(std::ceil(3 * deviation));
  std::vector<float> weights;
  float sum = 0;
  for (int64_t x = -reach; x <= reach; ++x) {
    weights.push_back(static_cast<float>(std::exp(-0.5 * static_cast<double>(x * x) / (deviation * deviation))));
    sum += weights.back();
  }
  for (float& w : weights) w /= sum;
  std::vector<Tap> taps(static_cast<std::size_t>(size));
  for (int64_t i = 0; i < size; ++i) taps[static_cast<std::size_t>(i)] = {i - reach, weights};
  return taps;
}

enum class Edge { Repeat, Mirror };

std::size_t inside(int64_t i, int64_t size, Edge edge) {
  if (edge == Edge::Mirror && size > 1) {
    const int64_t period = 2 * (size - 1);
    i = ((i % period) + period) % period;
    if (i >= size) i = period - i;
  }
  return static_cast<std::size_t>(std::clamp<int64_t>(i, 0, size - 1));
}

/// Filters rows, then columns, each output position with its own taps.
Image<float> filter_separable(const Image<float>& image, const std::vector<Tap>& across, const std::vector<Tap>& down,
                              Edge edge) {
  const auto width = static_cast<int64_t>(across.size());
  const auto height = static_cast<int64_t>(down.size());
  Image<float> rows(width, image.height(), image.bands());
  Image<float> out(width, height, image.bands());
  for (int64_t b = 0; b < image.bands(); ++b) {
    for (int64_t r = 0; r < image.height(); ++r) {
      const auto from = image.row(r, b);
      const auto to = rows.row(r, b);
      for (std::size_t c = 0; c < across.size(); ++c) {
        const Tap& tap = across[c];
        const auto count = static_cast<int64_t>(tap.weights.size());
        float sum = 0;
        if (tap.first >= 0 && tap.first + count <= image.width()) {
          const float* source = from.data() + tap.first;
          for (std::size_t k = 0; k < tap.weights.size(); ++k) sum += tap.weights[k] * source[k];
        } else {
          for (std::size_t k = 0; k < tap.weights.size(); ++k) {
            sum += tap.weights[k] * from[inside(tap.first + static_cast<int64_t>(k), image.width(), edge)];
          }
        }
        to[c] = sum;
      }
    }
    for (std::size_t r = 0; r < down.size(); ++r) {
      const auto to = out.row(static_cast<int64_t>(r), b);
      for (std::size_t k = 0; k < down[r].weights.size(); ++k) {
        const float weight = down[r].weights[k];
        const auto source = inside(down[r].first + static_cast<int64_t>(k), image.height(), edge);
        const auto from = rows.row(static_cast<int64_t>(source), b);
        for (std::size_t c = 0; c < to.size(); ++c) to[c] += weight * from[c];
      }
    }
  }
  return out;
}

}  // namespace

Image<float> resize(const Image<float>& image, int64_t width, int64_t height, ResizeFilter filter) {
  return filter_separable(image, resize_taps(image.width(), width, filter), resize_taps(image.height(), height, filter),
                          Edge::Repeat);
}

Image<float> gaussian_blur(const Image<float>& image, double deviation) {
  return filter_separable(image, gaussian_taps(image.width(), deviation), gaussian_taps(image.height(), deviation),
                          Edge::Mirror);
}

Image<uint8_t> halve(const Image<uint8_t>& image) {
  Image<uint8_t> out(image.width() / 2, image.height() / 2, image.bands());
  for (int64_t b = 0; b < out.bands(); ++b) {
    for (int64_t r = 0; r < out.height(); ++r) {
      const auto upper = image.row(2 * r, b);
      const auto lower = image.row(2 * r + 1, b);
      const auto to = out.row(r, b);
      for (std::size_t c = 0; c < to.size(); ++c) {
        to[c] = static_cast<uint8_t>((upper[2 * c] + upper[2 * c + 1] + lower[2 * c] + lower[2 * c + 1] + 2) / 4);
      }
    }
  }
  return out;
}

}  // namespace plat
