// SPDX-License-Identifier: Apache-2.0
// Times the way from maps to outlines on a drawn town: blocks of touching houses of all sizes.
// Usage: bench_postprocess [side in pixels, default 4096]
#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "postprocess/instances.hpp"
#include "postprocess/regularize.hpp"
#include "postprocess/simplify.hpp"
#include "postprocess/vectorize.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace {

// Houses of 12 to 40 pixels in a grid of plots, a third of them touching the next one.
plat::Image<float> draw_town(int64_t side) {
  plat::Image<float> maps(side, side, 3, 0.0F);
  std::mt19937 random(1);
  const int64_t plot = 44;
  for (int64_t top = 2; top + plot < side; top += plot) {
    for (int64_t left = 2; left + plot < side; left += plot) {
      const auto size = [&] { return static_cast<int64_t>(12 + random() % 33); };
      const int64_t width = random() % 3 == 0 ? plot : size();
      const int64_t height = size();
      for (int64_t row = 0; row < height; ++row) {
        for (int64_t col = 0; col < width; ++col) {
          const int64_t depth = std::min({row, col, height - 1 - row, width - 1 - col});
          maps.at(left + col, top + row, 0) = 0.9F;
          maps.at(left + col, top + row, 1) = depth < 2 ? 0.8F : 0.05F;
          maps.at(left + col, top + row, 2) = std::min(1.0F, static_cast<float>(depth) / 8.0F);
        }
      }
    }
  }
  return maps;
}

template <typename Work>
auto timed(const char* what, Work work) {
  const auto start = std::chrono::steady_clock::now();
  auto result = work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%-22s %7.2f s\n", what, seconds.count());
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t side = argc > 1 ? std::max(64, std::atoi(argv[1])) : 4096;
  const plat::Image<float> maps = draw_town(side);
  const plat::Image<uint8_t> valid(side, side, 1, 1);
  const auto labels = timed("instances", [&] { return plat::split_instances(maps, valid, {}); });
  const auto outlines = timed("vectorize", [&] { return plat::vectorize(labels); });
  int64_t vertices = 0;
  timed("simplify, regularize", [&] {
    for (const auto& [label, parts] : outlines) {
      for (const plat::Polygon& part : parts) {
        vertices += static_cast<int64_t>(plat::regularize(plat::simplify(part, 1.0)).exterior.size());
      }
    }
    return 0;
  });
  std::printf("%zu objects, %lld vertices, %lld x %lld pixels\n", outlines.size(), static_cast<long long>(vertices),
              static_cast<long long>(side), static_cast<long long>(side));
  return 0;
}
