// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/smoothing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace plat::detail {
namespace {

// Weighted sums of one row's values, and of their weights.
struct Sums {
  std::vector<float> value;
  std::vector<float> weight;
};

std::vector<float> gaussian(double deviation) {
  std::vector<float> kernel(static_cast<std::size_t>(std::ceil(3 * deviation)) + 1);
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    const double distance = static_cast<double>(i) / deviation;
    kernel[i] = static_cast<float>(std::exp(-0.5 * distance * distance));
  }
  return kernel;
}

void sum_along_row(const Image<uint16_t>& values, int64_t row, uint16_t outside, const std::vector<float>& kernel,
                   Sums& sums) {
  const auto from = values.row(row);
  const auto width = static_cast<int64_t>(from.size());
  const auto reach = static_cast<int64_t>(kernel.size()) - 1;
  sums.value.assign(from.size(), 0);
  sums.weight.assign(from.size(), 0);
  for (int64_t col = 0; col < width; ++col) {
    const uint16_t value = from[static_cast<std::size_t>(col)];
    if (value == outside) continue;
    const int64_t end = std::min(width, col + reach + 1);
    for (int64_t to = std::max<int64_t>(0, col - reach); to < end; ++to) {
      const float weight = kernel[static_cast<std::size_t>(std::abs(to - col))];
      sums.value[static_cast<std::size_t>(to)] += weight * static_cast<float>(value);
      sums.weight[static_cast<std::size_t>(to)] += weight;
    }
  }
}

}  // namespace

Image<uint16_t> smoothed_inside(const Image<uint16_t>& values, uint16_t outside, double deviation) {
  const std::vector<float> kernel = gaussian(deviation);
  const auto reach = static_cast<int64_t>(kernel.size()) - 1;
  const int64_t height = values.height();
  const auto width = static_cast<std::size_t>(values.width());
  Image<uint16_t> out(values.width(), height, 1, outside);
  // The rows around the one at hand, in a ring.
  std::vector<Sums> ring(static_cast<std::size_t>(2 * reach + 1));
  const auto sums_of = [&](int64_t row) -> Sums& { return ring[static_cast<std::size_t>(row % (2 * reach + 1))]; };
  int64_t ready = 0;
  std::vector<float> value(width);
  std::vector<float> weight(width);
  for (int64_t row = 0; row < height; ++row) {
    for (; ready < std::min(height, row + reach + 1); ++ready) {
      sum_along_row(values, ready, outside, kernel, sums_of(ready));
    }
    std::ranges::fill(value, 0.0F);
    std::ranges::fill(weight, 0.0F);
    for (int64_t near = std::max<int64_t>(0, row - reach); near < ready; ++near) {
      const float factor = kernel[static_cast<std::size_t>(std::abs(near - row))];
      const Sums& sums = sums_of(near);
      for (std::size_t i = 0; i < width; ++i) {
        value[i] += factor * sums.value[i];
        weight[i] += factor * sums.weight[i];
      }
    }
    const auto from = values.row(row);
    const auto to = out.row(row);
    for (std::size_t i = 0; i < width; ++i) {
      if (from[i] != outside) to[i] = static_cast<uint16_t>(std::lround(value[i] / weight[i]));
    }
  }
  return out;
}

}  // namespace plat::detail
