// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "model/prompt_segmenter.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace plat::test {

/// Prompts answered by region growing: a point means the connected pixels about as bright as the one under it, a box the
/// bright pixels in it. The embedding is the first band. Results can be told exactly from the drawing.
class RegionSegmenter : public PromptSegmenter {
 public:
  explicit RegionSegmenter(int64_t tile_size = 64) {
    description_.name = "region";
    description_.architecture = "test";
    description_.classes = {{"thing", {}}};
    description_.gsd_m = 1;
    description_.tile_size = tile_size;
    description_.overlap = tile_size / 4;
  }
  const ModelDescription& description() const override { return description_; }
  ModelDescription& edit() { return description_; }

  std::unique_ptr<PromptTile> embed(const Image<float>& pixels) const override {
    ++embeds;
    if (before) before(pixels);
    Image<float> band(pixels.width(), pixels.height());
    std::copy(pixels.band(0).begin(), pixels.band(0).end(), band.data());
    return std::make_unique<Tile>(std::move(band));
  }
  std::unique_ptr<PromptTile> restore(const Image<float>& embedding) const override {
    if (embedding.width() != description_.tile_size) throw ModelError("not of this model");
    return std::make_unique<Tile>(embedding);
  }
  int64_t memory_per_tile() const override { return memory; }

  mutable std::atomic<int> embeds{0};
  std::function<void(const Image<float>&)> before;
  int64_t memory = 1'000'000;

 private:
  class Tile : public PromptTile {
   public:
    explicit Tile(Image<float> band) : band_(std::move(band)) {}
    Image<float> embedding() const override { return band_; }
    std::vector<std::vector<PromptMask>> segment(std::span<const Prompt> prompts, bool) const override {
      std::vector<std::vector<PromptMask>> all;
      for (const Prompt& prompt : prompts) all.push_back({answer(prompt)});
      return all;
    }

   private:
    PromptMask answer(const Prompt& prompt) const {
      PromptMask mask{Image<float>(band_.width(), band_.height(), 1, 0.1F), 0.9};
      if (prompt.box) {
        for (int64_t r = 0; r < band_.height(); ++r) {
          for (int64_t c = 0; c < band_.width(); ++c) {
            const auto x = static_cast<double>(c);
            const auto y = static_cast<double>(r);
            const bool inside =
                x >= prompt.box->left && x <= prompt.box->right && y >= prompt.box->top && y <= prompt.box->bottom;
            if (inside && band_.at(c, r) > 128) mask.probability.at(c, r) = 0.95F;
          }
        }
      }
      for (const PointPrompt& point : prompt.points) grow(point, mask.probability);
      return mask;
    }
    void grow(const PointPrompt& point, Image<float>& probability) const {
      std::vector<std::pair<int64_t, int64_t>> open = {{std::llround(point.col), std::llround(point.row)}};
      const float value = point.object ? 0.95F : 0.05F;
      const auto there = [&](int64_t c, int64_t r) {
        return c >= 0 && r >= 0 && c < band_.width() && r < band_.height();
      };
      if (!there(open[0].first, open[0].second)) return;
      const float seed = band_.at(open[0].first, open[0].second);
      while (!open.empty()) {
        const auto [c, r] = open.back();
        open.pop_back();
        if (!there(c, r) || probability.at(c, r) == value || std::abs(band_.at(c, r) - seed) > 12) continue;
        probability.at(c, r) = value;
        for (const auto& [dc, dr] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) open.emplace_back(c + dc, r + dr);
      }
    }
    Image<float> band_;
  };

  ModelDescription description_;
};

}  // namespace plat::test
