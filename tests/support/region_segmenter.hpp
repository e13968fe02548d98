// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "model/prompt_segmenter.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace plat::test {

/// The 4-connected pixels round a place that have its colour but for `tolerance`.
inline Image<float> region_round(const Image<float>& pixels, int64_t col, int64_t row, float tolerance = 0.01F) {
  Image<float> inside(pixels.width(), pixels.height());
  std::vector<std::pair<int64_t, int64_t>> open = {{col, row}};
  inside.at(col, row) = 1;
  const auto same = [&](int64_t c, int64_t r) {
    for (int64_t b = 0; b < pixels.bands(); ++b) {
      if (std::abs(pixels.at(c, r, b) - pixels.at(col, row, b)) > tolerance) return false;
    }
    return true;
  };
  while (!open.empty()) {
    const auto [c, r] = open.back();
    open.pop_back();
    for (const auto& [dc, dr] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
      const int64_t nc = c + dc, nr = r + dr;
      if (nc < 0 || nr < 0 || nc >= pixels.width() || nr >= pixels.height()) continue;
      if (inside.at(nc, nr) != 0 || !same(nc, nr)) continue;
      inside.at(nc, nr) = 1;
      open.emplace_back(nc, nr);
    }
  }
  return inside;
}

/// A prompt segmenter whose objects are regions of constant colour, so that results can be told exactly from a drawing: a
/// point means the region round it, a box or a mask the pixels in it that are brighter than `background`. Every mask has the
/// estimate 0.95, but that of a point on the background has 0 (`estimate`, if set, says otherwise). Its embedding is the tile.
class RegionSegmenter : public PromptSegmenter {
 public:
  explicit RegionSegmenter(int64_t tile_size = 64, int64_t overlap = 24) {
    description_.name = "regions";
    description_.architecture = "test";
    description_.gsd_m = 1;
    description_.tile_size = tile_size;
    description_.overlap = overlap;
  }

  const ModelDescription& description() const override { return description_; }
  ModelDescription& edit() { return description_; }

  std::unique_ptr<PromptTile> embed(const Image<float>& pixels) const override {
    ++embeds;
    if (before) before(pixels);
    return std::make_unique<RegionTile>(*this, pixels);
  }

  std::unique_ptr<PromptTile> restore(const Image<float>& embedding) const override {
    if (embedding.width() != description_.tile_size) throw ModelError("not of this model");
    return std::make_unique<RegionTile>(*this, embedding);
  }

  int64_t memory_per_tile() const override { return memory; }

  float background = 100;
  float tolerance = 0.01F;  ///< within a region; where the scene is resampled its edges are of mixed colours
  int64_t memory = 1'000'000;
  mutable std::atomic<int> embeds{0};
  std::function<double(const Image<float>& tile, const Image<float>& mask)> estimate;
  std::function<void(const Image<float>&)> before;

 private:
  class RegionTile : public PromptTile {
   public:
    RegionTile(const RegionSegmenter& model, Image<float> pixels)
        : model_(model), pixels_(std::move(pixels)), regions_(pixels_.width(), pixels_.height()) {
      int32_t count = 0;
      for (int64_t i = 0; i < static_cast<int64_t>(regions_.size()); ++i) {
        if (regions_.data()[i] != 0) continue;
        const Image<float> inside = region_round(pixels_, i % pixels_.width(), i / pixels_.width(), model.tolerance);
        ++count;
        for (std::size_t k = 0; k < regions_.size(); ++k) {
          if (inside.data()[k] != 0) regions_.data()[k] = count;
        }
      }
    }

    std::vector<std::vector<PromptMask>> segment(std::span<const Prompt> prompts, bool) const override {
      std::vector<std::vector<PromptMask>> all;
      for (const Prompt& prompt : prompts) all.push_back({answer(prompt)});
      return all;
    }

    Image<float> embedding() const override { return pixels_; }

   private:
    PromptMask answer(const Prompt& prompt) const {
      PromptMask mask{Image<float>(pixels_.width(), pixels_.height()), 0.95};
      for (int64_t r = 0; r < pixels_.height(); ++r) {
        for (int64_t c = 0; c < pixels_.width(); ++c) {
          if (pixels_.at(c, r) > model_.background && frames(prompt, c, r)) mask.probability.at(c, r) = 1;
        }
      }
      for (const PointPrompt& point : prompt.points) {
        const int64_t col = std::llround(point.col), row = std::llround(point.row);
        if (col < 0 || row < 0 || col >= pixels_.width() || row >= pixels_.height()) continue;
        if (point.object && pixels_.at(col, row) < model_.background) mask.iou = 0;
        for (std::size_t i = 0; i < regions_.size(); ++i) {
          if (regions_.data()[i] == regions_.at(col, row)) mask.probability.data()[i] = point.object ? 1.0F : 0.0F;
        }
      }
      if (model_.estimate) mask.iou = model_.estimate(pixels_, mask.probability);
      return mask;
    }

    /// Whether a pixel lies in the box or the mask of a prompt.
    bool frames(const Prompt& prompt, int64_t col, int64_t row) const {
      const auto x = static_cast<double>(col), y = static_cast<double>(row);
      const auto& box = prompt.box;
      if (box && x >= box->left && x <= box->right && y >= box->top && y <= box->bottom) return true;
      const Image<float>& mask = prompt.mask;
      if (mask.empty()) return false;
      return mask.at(col * mask.width() / pixels_.width(), row * mask.height() / pixels_.height()) > 0;
    }

    const RegionSegmenter& model_;
    Image<float> pixels_;
    Image<int32_t> regions_;
  };

  ModelDescription description_;
};

}  // namespace plat::test
