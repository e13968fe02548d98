// SPDX-License-Identifier: Apache-2.0
#include "training/learn/losses.hpp"

#include <ATen/ATen.h>

#include <optional>

namespace plat::nn {
namespace {

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& target,
                         const std::optional<at::Tensor>& positive = {}) {
  return at::binary_cross_entropy_with_logits(logits, target, {}, positive, at::Reduction::None);
}

}  // namespace

at::Tensor weighted_mean(const at::Tensor& value, const at::Tensor& weight) {
  return (value * weight).sum() / weight.sum().clamp_min(1e-6);
}

at::Tensor dice_loss(const at::Tensor& probability, const at::Tensor& target) {
  const at::Tensor both = (probability * target).sum({-2, -1});
  const at::Tensor sum = probability.sum({-2, -1}) + target.sum({-2, -1});
  return 1 - (2 * both + 1) / (sum + 1);
}

ClassLoss class_loss(const at::Tensor& logits, const at::Tensor& auxiliary, const at::Tensor& target,
                     const at::Tensor& counts, const LossOptions& options) {
  const auto map = [](const at::Tensor& maps, int64_t i) { return maps.narrow(1, i, 1); };
  const at::Tensor known = counts.clamp_max(1);
  ClassLoss loss;
  loss.extent = weighted_mean(cross_entropy(map(logits, 0), map(target, 0)), counts) +
                dice_loss(map(logits, 0).sigmoid() * known, map(target, 0) * known).mean();
  const at::Tensor positive = at::scalar_tensor(options.boundary_positive, logits.options());
  loss.boundary = weighted_mean(cross_entropy(map(logits, 1), map(target, 1), positive), counts) +
                  0.5 * dice_loss(map(logits, 1).sigmoid() * known, map(target, 1) * known).mean();
  // Quadratic below an error of 0.1 only: the maps' values are mostly far from 0 and 1, and small errors matter.
  loss.distance =
      weighted_mean(at::smooth_l1_loss(map(logits, 2).sigmoid(), map(target, 2), at::Reduction::None, 0.1), known);
  loss.total = options.extent * loss.extent + options.boundary * loss.boundary + options.distance * loss.distance;
  if (auxiliary.defined() && options.auxiliary > 0) {
    const int64_t cell = target.size(-1) / auxiliary.size(-1);
    const at::Tensor share = at::avg_pool2d(known, {cell, cell});
    const at::Tensor coarse = at::avg_pool2d(target * known, {cell, cell}) / share.clamp_min(1e-6);
    loss.total =
        loss.total + options.auxiliary * weighted_mean(cross_entropy(auxiliary, coarse), share.expand_as(coarse));
  }
  return loss;
}

at::Tensor prompt_loss(const at::Tensor& logits, const at::Tensor& iou, const at::Tensor& target,
                       const at::Tensor& known) {
  const at::Tensor wanted = target.unsqueeze(2).expand_as(logits);
  // An object covers a hundredth of a crop: where every cell counted alike, an empty mask would be nearly right. So the
  // cells of the object count as much as all others together, and Dice, twice, keeps the mask from growing too large.
  const at::Tensor inside = wanted / wanted.sum({-2, -1}, true).clamp_min(1e-6);
  const at::Tensor outside = (1 - wanted) / (1 - wanted).sum({-2, -1}, true).clamp_min(1e-6);
  const at::Tensor balanced = (cross_entropy(logits, wanted) * (inside + outside)).sum({-2, -1});
  const at::Tensor each = balanced + 2 * dice_loss(logits.sigmoid(), wanted);
  const at::Tensor mask = logits.detach().gt(0);
  const at::Tensor truth = wanted.gt(0.5);
  const at::Tensor both = mask.logical_and(truth).sum({-2, -1}).to(at::kFloat);
  const at::Tensor either = mask.logical_or(truth).sum({-2, -1}).clamp_min(1).to(at::kFloat);
  const at::Tensor estimate = at::mse_loss(iou, both / either, at::Reduction::None).mean(-1);
  at::Tensor masks = each.select(2, 0);
  if (each.size(2) > 1) masks = masks + each.narrow(2, 1, each.size(2) - 1).amin(-1);
  return ((masks + estimate) * known).sum() / known.sum().clamp_min(1);
}

}  // namespace plat::nn
