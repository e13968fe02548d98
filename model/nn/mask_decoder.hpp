// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/decoded_prompts.hpp"
#include "model/nn/two_way_transformer.hpp"

#include <torch/nn/modules/embedding.h>

#include <vector>

namespace plat::nn {

/// SAM's mask decoder: output tokens and prompt tokens exchange with the image embedding; small networks made from the
/// output tokens then read the masks off the enlarged embedding.
struct MaskDecoderImpl : torch::nn::Module {
  explicit MaskDecoderImpl(const MaskDecoderConfig& config);

  struct Result {
    at::Tensor masks;  ///< logits, (B, P, M, 4h, 4w)
    at::Tensor iou;    ///< (B, P, M)
  };
  /// `embedding`: (B, C, h, w); `positions`: (1, C, h, w); `sparse`: (B, P, N, C) or undefined for no prompts; `dense`:
  /// (B or 1, C, h, w) or (1, C, 1, 1).
  Result forward(const at::Tensor& embedding, const at::Tensor& positions, const at::Tensor& sparse,
                 const at::Tensor& dense);

  /// forward() but for reading the masks.
  DecodedPrompts decode(const at::Tensor& embedding, const at::Tensor& positions, const at::Tensor& sparse,
                        const at::Tensor& dense);
  /// Some of the masks of one prompt as logits, in the order asked for, (masks, 4h, 4w).
  at::Tensor read_masks(const DecodedPrompts& decoded, int64_t image, int64_t prompt, at::IntArrayRef masks);
  /// All masks of all prompts, (B, P, M, 4h, 4w).
  at::Tensor read_masks(const DecodedPrompts& decoded);

  TwoWayTransformer transformer{nullptr};

 private:
  /// Masks of one prompt, (M, 4h, 4w): `image` (h · w, C) after the transformer, `readers` (M, C / 8).
  at::Tensor read_masks(const at::Tensor& image, const at::Tensor& readers, int64_t height, int64_t width);
  /// The same by a kernel of our own, without gradients.
  at::Tensor read_by_kernel(const at::Tensor& image, const at::Tensor& readers, int64_t height, int64_t width);
  torch::nn::Embedding iou_token_{nullptr}, mask_tokens_{nullptr};
  torch::nn::ConvTranspose2d upscale_conv1_{nullptr}, upscale_conv2_{nullptr};
  LayerNorm2d upscale_layer_norm_{nullptr};
  std::vector<FeedForward> hypernetworks_;
  FeedForward iou_prediction_head_{nullptr};
};
TORCH_MODULE(MaskDecoder);

/// (B, C, h, w) as tokens (B, 1, h · w, C).
at::Tensor image_tokens(const at::Tensor& x);

}  // namespace plat::nn
