// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace plat::nn {

/// Prompts of B images, P each, of which no mask has been read yet: the estimates tell which are worth it.
struct DecodedPrompts {
  at::Tensor iou;      ///< (B, P, M), the network's own estimate of each mask's IoU
  at::Tensor image;    ///< (B, P, h · w, C), what the image's tokens know of each prompt
  at::Tensor readers;  ///< (B, P, M, C / 8)
  int64_t height = 0;  ///< h
  int64_t width = 0;   ///< w
};

}  // namespace plat::nn
