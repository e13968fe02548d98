// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "postprocess/instances.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

/// The instance step written down plainly, on the whole scene at once: what the streamed one must equal.
namespace plat::test {

/// The three maps of a class, and where there is data.
struct Scene {
  Image<float> maps;
  Image<uint8_t> valid;
};

/// Cuts a scene into blocks of some heights and widths, in turn, in the order in which a Stitcher hands them on.
inline void for_each_block(const Scene& scene, const std::vector<int64_t>& heights, const std::vector<int64_t>& widths,
                           const std::function<void(const MapBlock&)>& take) {
  std::size_t next_height = 0;
  for (int64_t row = 0; row < scene.maps.height();) {
    const int64_t rows = std::min(heights[next_height++ % heights.size()], scene.maps.height() - row);
    std::size_t next_width = 0;
    for (int64_t col = 0; col < scene.maps.width();) {
      const int64_t cols = std::min(widths[next_width++ % widths.size()], scene.maps.width() - col);
      take({col, row, crop(scene.maps, {col, row, cols, rows}), crop(scene.valid, {col, row, cols, rows})});
      col += cols;
    }
    row += rows;
  }
}

inline Image<int32_t> number_by_first_pixel(Image<int32_t> labels) {
  std::map<int32_t, int32_t> number;
  for (int32_t& label : std::span(labels.data(), labels.size())) {
    if (label != 0) label = number.emplace(label, static_cast<int32_t>(number.size()) + 1).first->second;
  }
  return labels;
}

// 4-connected parts of a mask, by flood fill over the whole scene.
inline Image<int32_t> naive_components(const Image<uint8_t>& mask) {
  Image<int32_t> out(mask.width(), mask.height());
  int32_t count = 0;
  for (int64_t row = 0; row < mask.height(); ++row) {
    for (int64_t col = 0; col < mask.width(); ++col) {
      if (mask.at(col, row) == 0 || out.at(col, row) != 0) continue;
      out.at(col, row) = ++count;
      std::vector<std::pair<int64_t, int64_t>> stack = {{col, row}};
      while (!stack.empty()) {
        const auto [c, r] = stack.back();
        stack.pop_back();
        for (const auto& [dc, dr] : {std::pair{0, -1}, {-1, 0}, {1, 0}, {0, 1}}) {
          const int64_t nc = c + dc, nr = r + dr;
          if (nc < 0 || nr < 0 || nc >= mask.width() || nr >= mask.height()) continue;
          if (mask.at(nc, nr) == 0 || out.at(nc, nr) != 0) continue;
          out.at(nc, nr) = count;
          stack.emplace_back(nc, nr);
        }
      }
    }
  }
  return out;
}

// Fills each small 8-connected hole that lies in a single region, as high as that region's highest pixel.
inline void naive_fill(Image<uint8_t>& mask, const Image<uint8_t>& valid, Image<int32_t>& level) {
  const Image<int32_t> regions = naive_components(mask);
  Image<uint8_t> seen = mask;
  for (int64_t row = 0; row < mask.height(); ++row) {
    for (int64_t col = 0; col < mask.width(); ++col) {
      if (seen.at(col, row) != 0) continue;
      seen.at(col, row) = 1;
      std::vector<std::pair<int64_t, int64_t>> hole = {{col, row}};
      std::set<int32_t> around;
      for (std::size_t next = 0; next < hole.size(); ++next) {
        const auto [c, r] = hole[next];
        if (valid.at(c, r) == 0) around.insert(-1);
        for (int64_t nr = r - 1; nr <= r + 1; ++nr) {
          for (int64_t nc = c - 1; nc <= c + 1; ++nc) {
            if (nc < 0 || nr < 0 || nc >= mask.width() || nr >= mask.height()) {
              around.insert(-1);
            } else if (mask.at(nc, nr) != 0) {
              around.insert(regions.at(nc, nr));
            } else if (seen.at(nc, nr) == 0) {
              seen.at(nc, nr) = 1;
              hole.emplace_back(nc, nr);
            }
          }
        }
      }
      if (hole.size() > static_cast<std::size_t>(plat::kLargestFilledHole) || around.size() != 1 || around.contains(-1))
        continue;
      int32_t highest = 0;
      for (std::size_t i = 0; i < regions.size(); ++i) {
        if (regions.data()[i] == *around.begin()) highest = std::max(highest, level.data()[i]);
      }
      for (const auto& [c, r] : hole) {
        mask.at(c, r) = 1;
        level.at(c, r) = highest;
      }
    }
  }
}

// The lowest pixel of each minimum of at least this depth: relief raised by a little less and lowered again until it rests on
// the ground (h-minima by reconstruction) keeps a pool for each of them and for no other.
inline Image<int32_t> naive_seeds(const Image<int32_t>& level, const Image<uint8_t>& mask, int32_t depth) {
  const int64_t width = level.width(), height = level.height();
  const auto around = [&](int64_t c, int64_t r, const auto& visit) {
    for (const auto& [dc, dr] : {std::pair{0, -1}, {-1, 0}, {1, 0}, {0, 1}}) {
      const int64_t nc = c + dc, nr = r + dr;
      if (nc >= 0 && nr >= 0 && nc < width && nr < height && mask.at(nc, nr) != 0) visit(nc, nr);
    }
  };
  Image<int32_t> water = level;
  for (int32_t& value : std::span(water.data(), water.size())) value += depth - 1;
  for (bool changed = true; changed;) {
    changed = false;
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t c = 0; c < width; ++c) {
        if (mask.at(c, r) == 0) continue;
        int32_t lowest = water.at(c, r);
        around(c, r, [&](int64_t nc, int64_t nr) { lowest = std::min(lowest, water.at(nc, nr)); });
        lowest = std::max(lowest, level.at(c, r));
        changed |= lowest != water.at(c, r);
        water.at(c, r) = lowest;
      }
    }
  }
  Image<int32_t> seeds(width, height);
  Image<uint8_t> seen(width, height);
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      if (mask.at(col, row) == 0 || seen.at(col, row) != 0) continue;
      seen.at(col, row) = 1;
      std::vector<std::pair<int64_t, int64_t>> pool = {{col, row}};
      bool lowest_around = true;
      auto deepest = std::tuple(level.at(col, row), row, col);
      for (std::size_t next = 0; next < pool.size(); ++next) {
        const auto [c, r] = pool[next];
        deepest = std::min(deepest, std::tuple(level.at(c, r), r, c));
        around(c, r, [&](int64_t nc, int64_t nr) {
          if (water.at(nc, nr) < water.at(col, row)) lowest_around = false;
          if (water.at(nc, nr) != water.at(col, row) || seen.at(nc, nr) != 0) return;
          seen.at(nc, nr) = 1;
          pool.emplace_back(nc, nr);
        });
      }
      if (lowest_around) seeds.at(std::get<2>(deepest), std::get<1>(deepest)) = 1;
    }
  }
  int32_t count = 0;
  for (int32_t& seed : std::span(seeds.data(), seeds.size())) {
    if (seed != 0) seed = ++count;
  }
  return seeds;
}

// The whole scene at once, with a priority queue ordered by height and time; without smoothing.
inline Image<int32_t> naive_instances(const Scene& scene, const InstanceThresholds& t) {
  const int64_t width = scene.maps.width(), height = scene.maps.height();
  Image<uint8_t> mask(width, height);
  Image<int32_t> level(width, height);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    const double relief =
        static_cast<double>(scene.maps.band(2)[i]) - t.boundary_weight * static_cast<double>(scene.maps.band(1)[i]);
    mask.data()[i] = scene.maps.band(0)[i] >= static_cast<float>(t.extent) && scene.valid.data()[i] != 0;
    level.data()[i] = static_cast<int32_t>(std::lround((1 - relief) * 255));
  }
  const Image<uint8_t> unfilled = mask;
  naive_fill(mask, scene.valid, level);
  Image<int32_t> labels = naive_seeds(level, mask, static_cast<int32_t>(std::lround(t.seed_contrast * 255)));
  using Entry = std::tuple<int32_t, int64_t, int64_t, int64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  int64_t time = 0;
  for (int64_t r = 0; r < height; ++r) {
    for (int64_t c = 0; c < width; ++c) {
      if (labels.at(c, r) != 0) queue.emplace(level.at(c, r), time++, c, r);
    }
  }
  while (!queue.empty()) {
    const auto [ignored, when, c, r] = queue.top();
    queue.pop();
    for (const auto& [dc, dr] : {std::pair{0, -1}, {-1, 0}, {1, 0}, {0, 1}}) {
      const int64_t nc = c + dc, nr = r + dr;
      if (nc < 0 || nr < 0 || nc >= width || nr >= height || mask.at(nc, nr) == 0 || labels.at(nc, nr) != 0) continue;
      labels.at(nc, nr) = labels.at(c, r);
      queue.emplace(level.at(nc, nr), time++, nc, nr);
    }
  }
  std::map<int32_t, double> sum, pixels;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (unfilled.data()[i] == 0) continue;
    sum[labels.data()[i]] += static_cast<double>(scene.maps.band(0)[i]);
    ++pixels[labels.data()[i]];
  }
  for (int32_t& label : std::span(labels.data(), labels.size())) {
    if (label != 0 && sum[label] / pixels[label] < t.min_score) label = 0;
  }
  return number_by_first_pixel(std::move(labels));
}

}  // namespace plat::test
