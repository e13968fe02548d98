// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/train_options.hpp"

#include <ATen/core/Tensor.h>

namespace plat::nn {

/// The loss of a batch and its parts, scalars.
struct ClassLoss {
  at::Tensor total;
  at::Tensor extent;
  at::Tensor boundary;
  at::Tensor distance;
};

/// Mean of `value` where `weight` is 1; 0 where it is so nowhere.
at::Tensor weighted_mean(const at::Tensor& value, const at::Tensor& weight);
/// 1 - Dice coefficient of each image (the last two dimensions), with 1 added above and below the fraction line.
at::Tensor dice_loss(const at::Tensor& probability, const at::Tensor& target);

/// Cross entropy and Dice for extent and boundary, smooth L1 for the distance. `logits` and `target` are (B, 3, H, W):
/// extent, boundary, distance; `counts` is (B, 1, H, W), at least 1 where the target is known, more
/// where cross entropies count more; `auxiliary` is (B, 3, H/16, W/16),
/// or undefined.
ClassLoss class_loss(const at::Tensor& logits, const at::Tensor& auxiliary, const at::Tensor& target,
                     const at::Tensor& counts, const LossOptions& options = {});

/// The loss of prompted masks: cross entropy, in which the object's cells and all others weigh the same, and Dice. As SAM
/// does it, of the M masks per prompt the first is always learned, of the others the one that fits best, and the estimates
/// of their IoU as squared error. `logits` is (B, P, M, h, w), `iou` (B, P, M), `target`
/// (B, P, h, w) in [0, 1], `known` (B, P) 1 for prompts that count.
at::Tensor prompt_loss(const at::Tensor& logits, const at::Tensor& iou, const at::Tensor& target,
                       const at::Tensor& known);

}  // namespace plat::nn
