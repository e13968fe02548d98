// SPDX-License-Identifier: Apache-2.0
#include "training/forgetting/distillation.hpp"

#include <ATen/ATen.h>

namespace plat::nn {

Prompts random_points(int64_t batch, int64_t count, int64_t size, Random& random) {
  Prompts prompts;
  prompts.points = at::empty({batch, count, 1, 2}, at::kFloat);
  auto* place = prompts.points.mutable_data_ptr<float>();
  for (int64_t i = 0; i < 2 * batch * count; ++i) *place++ = static_cast<float>(random.integer(size));
  prompts.labels = at::ones({batch, count, 1}, at::kLong);
  return prompts;
}

at::Tensor distillation_loss(const PromptMasks& masks, const PromptMasks& teacher) {
  const auto cross = [](const at::Tensor& logits, const at::Tensor& wanted) {
    return at::binary_cross_entropy_with_logits(logits, wanted, {}, {}, at::Reduction::Mean);
  };
  const at::Tensor wanted = teacher.logits.sigmoid();
  return cross(masks.logits, wanted) - cross(teacher.logits, wanted) + at::mse_loss(masks.iou, teacher.iou);
}

}  // namespace plat::nn
