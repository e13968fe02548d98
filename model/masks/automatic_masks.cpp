// SPDX-License-Identifier: Apache-2.0
#include "model/masks/automatic_masks.hpp"

#include "core/error.hpp"
#include "model/masks/mask_enlarger.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

namespace plat {
namespace {

/// A mask whose box comes this near to an edge of its crop is taken to be cut by it, as published.
constexpr int64_t kCropEdgePixels = 20;

struct Crop {
  Window window;
  int layer = 0;
};

/// The whole image, then layer by layer 2^n x 2^n overlapping crops, by columns.
std::vector<Crop> crops_of(int64_t width, int64_t height, const AutomaticMaskOptions& options) {
  std::vector<Crop> crops = {{{0, 0, width, height}, 0}};
  for (int layer = 1; layer <= options.crop_layers; ++layer) {
    const int64_t count = int64_t{1} << layer;
    const auto overlap = static_cast<int64_t>(
        options.crop_overlap_ratio * static_cast<double>(std::min(width, height)) * (2.0 / static_cast<double>(count)));
    const auto length = [&](int64_t whole) { return (overlap * (count - 1) + whole + count - 1) / count; };
    const int64_t across = length(width), down = length(height);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < count; ++j) {
        const int64_t col = (across - overlap) * i, row = (down - overlap) * j;
        const Window window = intersect({col, row, across, down}, {0, 0, width, height});
        if (!window.empty()) crops.push_back({window, layer});
      }
    }
  }
  return crops;
}

/// Points in the middle of the cells of a grid over a crop, row by row, in pixels of the image.
std::vector<PointPrompt> grid_points(const Window& window, int per_side) {
  std::vector<PointPrompt> points;
  for (int r = 0; r < per_side; ++r) {
    for (int c = 0; c < per_side; ++c) {
      points.push_back({static_cast<double>(window.col) + static_cast<double>(window.width) * (c + 0.5) / per_side,
                        static_cast<double>(window.row) + static_cast<double>(window.height) * (r + 0.5) / per_side});
    }
  }
  return points;
}

int points_in_layer(int layer, const AutomaticMaskOptions& options) {
  return static_cast<int>(options.points_per_side / std::pow(options.crop_points_downscale, layer));
}

/// Whether a box ends near an edge of the crop that is not one of the image too.
bool cut_by_crop(const Window& box, const Window& crop, const Window& image) {
  const auto near = [](int64_t a, int64_t b) { return std::abs(a - b) <= kCropEdgePixels; };
  const auto cut = [&](int64_t side, int64_t of_crop, int64_t of_image) {
    return near(side, of_crop) && !near(side, of_image);
  };
  return cut(box.col, crop.col, image.col) || cut(box.row, crop.row, image.row) ||
         cut(box.col_end() - 1, crop.col_end(), image.col_end()) ||
         cut(box.row_end() - 1, crop.row_end(), image.row_end());
}

std::vector<std::size_t> nms(const std::vector<AutomaticMask>& masks, std::span<const double> scores, double limit) {
  std::vector<Window> boxes;
  for (const AutomaticMask& mask : masks) boxes.push_back(mask.mask.bounds());
  return box_nms(boxes, scores, limit);
}

std::vector<AutomaticMask> chosen(std::vector<AutomaticMask>&& masks, const std::vector<std::size_t>& positions) {
  std::vector<AutomaticMask> some;
  for (const std::size_t i : positions) some.push_back(std::move(masks[i]));
  return some;
}

class Generator {
 public:
  Generator(const PromptSegmenter& model, const Image<float>& image, const AutomaticMaskOptions& options,
            const Image<uint8_t>* valid)
      : model_(model), image_(image), options_(options), valid_(valid) {}

  std::vector<AutomaticMask> masks_of(const Crop& crop) const {
    std::vector<PointPrompt> points = grid_points(crop.window, points_in_layer(crop.layer, options_));
    if (valid_ != nullptr) {
      std::erase_if(points, [this](const PointPrompt& p) {
        return valid_->at(static_cast<int64_t>(p.col), static_cast<int64_t>(p.row)) == 0;
      });
    }
    if (points.empty()) return {};
    const ModelDescription& description = model_.description();
    const FittedImage fitted =
        fit_image(image_, crop.window, description.tile_size, {description.mean.begin(), description.mean.end()});
    const std::unique_ptr<PromptTile> tile = model_.embed(fitted.pixels);

    const auto batch = static_cast<std::size_t>(options_.points_per_batch);
    std::vector<std::vector<AutomaticMask>> found((points.size() + batch - 1) / batch);
    const auto work = [&](std::size_t i) {
      const auto some = std::span(points).subspan(i * batch, std::min(batch, points.size() - i * batch));
      found[i] = masks_of(some, crop.window, fitted, *tile);
    };
    if (options_.parallel) {
      options_.parallel(found.size(), work);
    } else {
      for (std::size_t i = 0; i < found.size(); ++i) work(i);
    }
    std::vector<AutomaticMask> masks;
    for (auto& some : found) std::ranges::move(some, std::back_inserter(masks));
    std::vector<double> scores;
    for (const AutomaticMask& mask : masks) scores.push_back(mask.iou);
    const std::vector<std::size_t> kept = nms(masks, scores, options_.box_nms_threshold);
    return chosen(std::move(masks), kept);
  }

 private:
  std::vector<AutomaticMask> masks_of(std::span<const PointPrompt> points, const Window& crop,
                                      const FittedImage& fitted, const PromptTile& tile) const {
    const double across = static_cast<double>(fitted.width) / static_cast<double>(crop.width);
    const double down = static_cast<double>(fitted.height) / static_cast<double>(crop.height);
    std::vector<PointPrompt> in_tile;
    for (const PointPrompt& p : points) {
      in_tile.push_back(
          {(p.col - static_cast<double>(crop.col)) * across, (p.row - static_cast<double>(crop.row)) * down});
    }
    // As published, a threshold of 0 is none.
    const double least = options_.iou_threshold > 0 ? options_.iou_threshold : -1e30;
    std::vector<PointMask> answers = tile.segment_points(in_tile, least);
    std::vector<AutomaticMask> masks;
    if (answers.empty()) return masks;
    const Image<float>& first = answers.front().logits;
    const MaskEnlarger enlarger(first.width(), first.height(), model_.description().tile_size, fitted.width,
                                fitted.height, crop.width, crop.height);
    const Window image{0, 0, image_.width(), image_.height()};
    for (PointMask& answer : answers) {
      ThresholdedMask mask = enlarger.enlarge(answer.logits, options_.stability_offset);
      answer.logits = {};
      if (mask.mask.empty() || mask.stability < options_.stability_threshold) continue;
      mask.mask = mask.mask.moved(crop.col, crop.row);
      if (cut_by_crop(mask.mask.bounds(), crop, image)) continue;
      masks.push_back({std::move(mask.mask), answer.iou, mask.stability, points[answer.point], crop});
    }
    return masks;
  }

  const PromptSegmenter& model_;
  const Image<float>& image_;
  const AutomaticMaskOptions& options_;
  const Image<uint8_t>* valid_;
};

/// Cleans masks of small regions; among the duplicates that this makes those win that needed no cleaning.
std::vector<AutomaticMask> cleaned(std::vector<AutomaticMask>&& masks, int64_t width, int64_t height,
                                   const AutomaticMaskOptions& options) {
  std::vector<double> scores;
  for (AutomaticMask& mask : masks) {
    auto [clean, changed] = without_small_regions(mask.mask, width, height, options.min_region_px);
    mask.mask = std::move(clean);
    scores.push_back(changed ? 0 : 1);
  }
  const std::vector<std::size_t> kept =
      nms(masks, scores, std::max(options.box_nms_threshold, options.crop_nms_threshold));
  return chosen(std::move(masks), kept);
}

}  // namespace

void AutomaticMaskOptions::validate() const {
  const auto require = [](bool fine, const char* message) {
    if (!fine) throw UsageError(message);
  };
  const auto share = [](double value) { return value >= 0 && value <= 1; };
  require(points_per_side >= 1 && points_per_side <= 1024, "--points-per-side must lie between 1 and 1024.");
  require(points_per_batch >= 1, "--points-per-batch must be 1 or more.");
  require(share(iou_threshold), "--iou-threshold must lie between 0 and 1.");
  require(share(stability_threshold), "--stability-threshold must lie between 0 and 1.");
  require(stability_offset >= 0 && std::isfinite(stability_offset), "--stability-offset must be 0 or more.");
  require(share(box_nms_threshold), "--nms-threshold must lie between 0 and 1.");
  require(crop_layers >= 0 && crop_layers <= 4, "--crop-layers must lie between 0 and 4.");
  require(share(crop_nms_threshold), "--crop-nms-threshold must lie between 0 and 1.");
  require(crop_overlap_ratio >= 0 && crop_overlap_ratio < 1, "--crop-overlap must be 0 or more and less than 1.");
  require(crop_points_downscale >= 1, "--crop-points-downscale must be 1 or more.");
  require(min_region_px >= 0, "--min-region must be 0 pixels or more.");
}

std::vector<std::size_t> box_nms(std::span<const Window> boxes, std::span<const double> scores, double limit) {
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  const auto area = [](const Window& w) { return static_cast<double>((w.width - 1) * (w.height - 1)); };
  std::vector<std::size_t> kept;
  for (const std::size_t i : order) {
    const bool covered = std::ranges::any_of(kept, [&](std::size_t k) {
      const Window common = intersect(boxes[i], boxes[k]);
      if (common.empty()) return false;
      const double both = area(common);
      return both / (area(boxes[i]) + area(boxes[k]) - both) > limit;
    });
    if (!covered) kept.push_back(i);
  }
  return kept;
}

std::vector<AutomaticMask> automatic_masks(const PromptSegmenter& model, const Image<float>& image,
                                           const AutomaticMaskOptions& options, const Image<uint8_t>* valid) {
  options.validate();
  const Generator generator(model, image, options, valid);
  const std::vector<Crop> crops = crops_of(image.width(), image.height(), options);
  std::vector<AutomaticMask> masks;
  for (const Crop& crop : crops) std::ranges::move(generator.masks_of(crop), std::back_inserter(masks));
  if (crops.size() > 1) {
    // Masks of smaller crops are finer.
    std::vector<double> scores;
    for (const AutomaticMask& mask : masks) scores.push_back(1 / static_cast<double>(mask.crop.pixel_count()));
    const std::vector<std::size_t> kept = nms(masks, scores, options.crop_nms_threshold);
    masks = chosen(std::move(masks), kept);
  }
  if (options.min_region_px > 0) masks = cleaned(std::move(masks), image.width(), image.height(), options);
  return masks;
}

}  // namespace plat
