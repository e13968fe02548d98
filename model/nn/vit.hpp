// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/layers.hpp"
#include "model/sam_config.hpp"

#include <torch/nn/modules/normalization.h>

#include <memory>
#include <vector>

namespace plat::nn {

/// Attention over an image or a window with decomposed relative positions (Li et al. 2022,
/// https://arxiv.org/abs/2112.01526).
struct VitAttentionImpl : torch::nn::Module {
  /// `window`: side of the windows in tokens, 0 for the whole image of `tokens` tokens a side.
  VitAttentionImpl(const VitConfig& config, int64_t window, int64_t tokens);
  /// (B, H, W, C) -> the same.
  at::Tensor forward(const at::Tensor& x);
  void use_int16();

  TunedLinear qkv{nullptr}, proj{nullptr};
  at::Tensor rel_pos_h, rel_pos_w;  ///< (2 · side - 1, C / heads), undefined without relative positions

 private:
  at::Tensor attend(const at::Tensor& all, int64_t height, int64_t width) const;
  at::Tensor windowed(const at::Tensor& all) const;
  /// Without gradients, on a CPU that placed_attention.hpp has code for: queries, keys and values (B, H, W, 3 C) to
  /// (B, H, W, C), whole or in windows, which need no copies.
  at::Tensor placed(const at::Tensor& all) const;
  bool has_kernel(const at::Tensor& all) const;
  int64_t heads_, window_;
  std::shared_ptr<const Int16Linear> int16_qkv_, int16_proj_;
};
TORCH_MODULE(VitAttention);

struct VitBlockImpl : torch::nn::Module {
  VitBlockImpl(const VitConfig& config, int64_t window, int64_t tokens);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr};
  VitAttention attn{nullptr};
  MlpBlock mlp{nullptr};
};
TORCH_MODULE(VitBlock);

/// SAM's image encoder with transformers' parameter names.
struct VitImpl : torch::nn::Module {
  explicit VitImpl(const VitConfig& config);
  /// (B, 3, H, W) -> (B, output_channels, H / patch, W / patch). For images of another size than the configuration's,
  /// absolute positions are interpolated (bicubic), relative ones as published.
  at::Tensor forward(const at::Tensor& pixels);
  /// Packs the blocks' linear layers as whole numbers of 16 bits and gives their weights up: for inference, on a CPU with
  /// Int16Product::available().
  void use_int16();

  bool recompute = false;  ///< trade time for memory in training: see checkpoint.hpp

 private:
  torch::nn::Conv2d projection_{nullptr}, neck_conv1_{nullptr}, neck_conv2_{nullptr};
  at::Tensor pos_embed_;
  std::vector<VitBlock> blocks_;
  LayerNorm2d neck_norm1_{nullptr}, neck_norm2_{nullptr};
};
TORCH_MODULE(Vit);

}  // namespace plat::nn
