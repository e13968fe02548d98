// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/layers.hpp"
#include "model/sam_config.hpp"

#include <torch/nn/modules/embedding.h>

#include <vector>

namespace plat::nn {

/// Positions as sines and cosines of random directions (Tancik et al. 2020, https://arxiv.org/abs/2006.10739).
struct PositionEncodingImpl : torch::nn::Module {
  explicit PositionEncodingImpl(int64_t channels);
  /// `places`: (…, 2) as (x, y) in [0, 1] of the tile; returns (…, C).
  at::Tensor forward(const at::Tensor& places);

  at::Tensor positional_embedding;  ///< (2, C / 2), a buffer
};
TORCH_MODULE(PositionEncoding);

/// The branch that reads mask prompts: strides 2 and 2, then to the width of the embedding.
struct MaskEmbeddingImpl : torch::nn::Module {
  explicit MaskEmbeddingImpl(const PromptEncoderConfig& config);
  /// (B, 1, 4h, 4w) -> (B, C, h, w).
  at::Tensor forward(const at::Tensor& masks);

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  LayerNorm2d layer_norm1_{nullptr}, layer_norm2_{nullptr};
};
TORCH_MODULE(MaskEmbedding);

/// SAM's prompt encoder: points and boxes to tokens, masks to an image.
struct PromptEncoderImpl : torch::nn::Module {
  PromptEncoderImpl(const PromptEncoderConfig& config, PositionEncoding shared);

  /// `places`: (B, P, N, 2) in [0, 1] of the tile; `labels`: (B, P, N). Returns (B, P, N, C).
  at::Tensor embed_points(const at::Tensor& places, const at::Tensor& labels);
  /// `corners`: (B, P, 2, 2) in [0, 1]. Returns (B, P, 2, C).
  at::Tensor embed_boxes(const at::Tensor& corners);
  /// Returns (B, C, h, w), or (1, C, 1, 1) for undefined `masks`.
  at::Tensor embed_masks(const at::Tensor& masks);

 private:
  PositionEncoding shared_embedding_;
  MaskEmbedding mask_embed_{nullptr};
  torch::nn::Embedding no_mask_embed_{nullptr}, not_a_point_embed_{nullptr};
  std::vector<torch::nn::Embedding> point_embed_;  ///< background, object, first corner, second corner
};
TORCH_MODULE(PromptEncoder);

}  // namespace plat::nn
