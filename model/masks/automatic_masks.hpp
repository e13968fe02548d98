// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "model/masks/run_mask.hpp"
#include "model/prompt_segmenter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace plat {

/// What SAM's automatic mask generator (Kirillov et al., "Segment Anything", 2023, appendix B) leaves to choose; meaning
/// and defaults are those of the published SamAutomaticMaskGenerator.
struct AutomaticMaskOptions {
  int points_per_side = 32;           ///< points along a side of the image, >= 1
  int points_per_batch = 64;          ///< points whose masks are held in memory at once, >= 1
  double iou_threshold = 0.88;        ///< least estimate of a mask's IoU, in [0, 1]
  double stability_threshold = 0.95;  ///< least stability, in [0, 1]
  double stability_offset = 1;        ///< how far the threshold on logits is moved to tell the stability, >= 0
  double box_nms_threshold = 0.7;     ///< IoU of two masks' boxes above which the worse mask goes, in [0, 1]
  int crop_layers = 0;                ///< layer n asks again in 4^n crops of the image, 0..4
  double crop_nms_threshold = 0.7;    ///< the same as box_nms_threshold among the masks of different crops, in [0, 1]
  double crop_overlap_ratio = 512.0 / 1500;  ///< overlap of crops over the image's shorter side, in [0, 1)
  int crop_points_downscale = 1;             ///< layer n has points_per_side over this to the n-th points, >= 1
  int64_t min_region_px = 0;                 ///< holes and islands with fewer pixels are filled and dropped, >= 0
  /// Runs `work(0)` .. `work(count - 1)` in any order, at once if it likes; unset: one after the other. The result does
  /// not depend on it.
  std::function<void(std::size_t count, const std::function<void(std::size_t)>& work)> parallel;
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct AutomaticMask {
  RunMask mask;          ///< in pixels of the image
  double iou = 0;        ///< the network's estimate
  double stability = 0;  ///< IoU of the masks at a high and a low threshold
  PointPrompt point;     ///< that it was asked for with, in pixels of the image
  Window crop;           ///< the part of the image that it was found in
};

/// Everything that a SAM sees in an image: asks it at a grid of points, keeps the masks that it is sure of and that hardly
/// depend on the threshold, and drops duplicates. Masks follow one another by crops, then by falling estimate. Of masks
/// without pixels none is kept, as published for stability thresholds above 0. Only masks of enough estimate are enlarged.
/// `image`: the model's bands scaled to 0..255, of any size; one larger or smaller than the model's tile is scaled to it,
/// as published. `valid`, if given, is of the same size: points on pixels that are 0 there are not asked.
std::vector<AutomaticMask> automatic_masks(const PromptSegmenter& model, const Image<float>& image,
                                           const AutomaticMaskOptions& options, const Image<uint8_t>* valid = nullptr);

/// Positions of the boxes that no box of a higher score covers with an IoU above the limit, by falling score; among equal
/// scores the earlier wins. A box spans from the centre of its first pixel to that of its last, as published.
std::vector<std::size_t> box_nms(std::span<const Window> boxes, std::span<const double> scores, double limit);

}  // namespace plat
