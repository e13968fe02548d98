// SPDX-License-Identifier: Apache-2.0
#include "training/samples/prompt_sampler.hpp"

#include <algorithm>
#include <map>

namespace plat {
namespace {

struct Extent {
  int64_t pixels = 0;
  int64_t left = INT64_MAX;
  int64_t top = INT64_MAX;
  int64_t right = -1;
  int64_t bottom = -1;
};

std::map<int32_t, Extent> extents(const Image<int32_t>& labels) {
  std::map<int32_t, Extent> found;
  for (int64_t row = 0; row < labels.height(); ++row) {
    for (int64_t col = 0; col < labels.width(); ++col) {
      if (labels.at(col, row) == 0) continue;
      Extent& e = found[labels.at(col, row)];
      ++e.pixels;
      e.left = std::min(e.left, col);
      e.right = std::max(e.right, col);
      e.top = std::min(e.top, row);
      e.bottom = std::max(e.bottom, row);
    }
  }
  return found;
}

/// The place of an object's pixel number `n` in row-major order.
std::pair<int64_t, int64_t> nth_pixel(const Image<int32_t>& labels, int32_t label, const Extent& extent, int64_t n) {
  for (int64_t row = extent.top; row <= extent.bottom; ++row) {
    for (int64_t col = extent.left; col <= extent.right; ++col) {
      if (labels.at(col, row) == label && n-- == 0) return {col, row};
    }
  }
  return {extent.left, extent.top};
}

SampledPrompt ask(const Image<int32_t>& labels, int32_t label, const Extent& extent, Random& random) {
  SampledPrompt prompt;
  prompt.known = true;
  if (random.chance(0.5)) {
    const auto [col, row] = nth_pixel(labels, label, extent, random.integer(extent.pixels));
    prompt.coordinates = {static_cast<float>(col), static_cast<float>(row), 0, 0};
    prompt.labels = {1, -1};
    return prompt;
  }
  const auto width = static_cast<double>(extent.right - extent.left + 1);
  const auto height = static_cast<double>(extent.bottom - extent.top + 1);
  const auto moved = [&random](int64_t at, double size) {
    return static_cast<float>(static_cast<double>(at) + random.uniform(-0.1, 0.1) * size);
  };
  prompt.coordinates = {moved(extent.left, width), moved(extent.top, height), moved(extent.right, width),
                        moved(extent.bottom, height)};
  prompt.labels = {2, 3};
  return prompt;
}

}  // namespace

PromptSet sample_prompts(const Image<int32_t>& labels, int64_t count, Random& random, int64_t least_px) {
  constexpr int64_t kCell = 4;
  std::vector<std::pair<int32_t, Extent>> objects;
  for (const auto& [label, extent] : extents(labels)) {
    if (extent.pixels > least_px) objects.emplace_back(label, extent);
  }
  PromptSet set;
  set.prompts.resize(static_cast<std::size_t>(count));
  set.masks = Image<float>(labels.width() / kCell, labels.height() / kCell, count);
  if (objects.empty()) return set;
  for (int64_t p = 0; p < count; ++p) {
    const auto& [label, extent] =
        objects[static_cast<std::size_t>(random.integer(static_cast<int64_t>(objects.size())))];
    set.prompts[static_cast<std::size_t>(p)] = ask(labels, label, extent, random);
    for (int64_t row = extent.top; row <= extent.bottom; ++row) {
      for (int64_t col = extent.left; col <= extent.right; ++col) {
        const bool whole_cell = row / kCell < set.masks.height() && col / kCell < set.masks.width();
        if (labels.at(col, row) == label && whole_cell)
          set.masks.at(col / kCell, row / kCell, p) += 1.0F / (kCell * kCell);
      }
    }
  }
  return set;
}

}  // namespace plat
