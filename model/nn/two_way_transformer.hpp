// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/layers.hpp"
#include "model/sam_config.hpp"

#include <torch/nn/modules/normalization.h>

#include <utility>
#include <vector>

namespace plat::nn {

/// Attention of tokens to tokens: queries (B, P, N, C), keys and values (B, P, M, C). A P of 1 stands for the same
/// tokens for all prompts of an image; they are projected once.
struct TokenAttentionImpl : torch::nn::Module {
  TokenAttentionImpl(int64_t channels, int64_t heads, int64_t downsample);
  at::Tensor forward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value);
  /// forward() of few tokens to an image of many: `query` (B, P, T, C); `placed` and `image`, which is `placed` without
  /// positions, (B, 1 or P, N, C). An image of each prompt's own is not projected: the tokens' queries and sums, of which
  /// there are heads · T, pass the projections in its place.
  at::Tensor read_image(const at::Tensor& query, const at::Tensor& placed, const at::Tensor& image);
  /// forward() of an image to few tokens, in the same way: (B, P, N, C).
  at::Tensor write_image(const at::Tensor& placed, const at::Tensor& key, const at::Tensor& value);

  /// Whether the tokens of all heads are fewer than the channels that a projection makes.
  bool few(const at::Tensor& tokens) const;
  int64_t heads() const { return heads_; }
  /// The halves of read_image() for few tokens. A column is a pair of a token and a head, token · heads + head: what each
  /// of them looks for in the image, (B, P, columns, C); and what the tokens learn from the weighted means of the image
  /// that the columns found, (B, P, columns, C) to (B, P, T, C).
  at::Tensor reading_keys(const at::Tensor& query);
  at::Tensor understood(const at::Tensor& found);
  /// What write_image() needs of few tokens: a pixel's score for a column is its product with the column's key plus its
  /// shift; the softmax goes over the tokens of each head; the column's value is what the pixel is given.
  struct Writing {
    at::Tensor keys;    ///< (B, P, columns, C)
    at::Tensor shifts;  ///< (B, P, columns)
    at::Tensor values;  ///< (B, P, columns, C)
  };
  Writing writing(const at::Tensor& key, const at::Tensor& value);

  torch::nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, out_proj{nullptr};

 private:
  int64_t heads_;
};
TORCH_MODULE(TokenAttention);

/// Tokens to themselves, tokens to image, MLP, image to tokens.
struct TwoWayBlockImpl : torch::nn::Module {
  TwoWayBlockImpl(const MaskDecoderConfig& config, bool first);
  std::pair<at::Tensor, at::Tensor> forward(at::Tensor tokens, at::Tensor image, const at::Tensor& token_positions,
                                            const at::Tensor& image_positions);
  /// The parts of forward() that see tokens only: before they read the image, and with what they read.
  at::Tensor before_reading(const at::Tensor& tokens, const at::Tensor& positions);
  at::Tensor after_reading(const at::Tensor& tokens, const at::Tensor& read);

  TokenAttention self_attn{nullptr}, cross_attn_token_to_image{nullptr}, cross_attn_image_to_token{nullptr};
  torch::nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr}, layer_norm3{nullptr}, layer_norm4{nullptr};
  MlpBlock mlp{nullptr};

 private:
  bool first_;
};
TORCH_MODULE(TwoWayBlock);

/// SAM's decoder transformer: tokens and image exchange what they know.
struct TwoWayTransformerImpl : torch::nn::Module {
  explicit TwoWayTransformerImpl(const MaskDecoderConfig& config);

  struct Result {
    at::Tensor tokens;  ///< (B, P, T, C)
    at::Tensor image;   ///< (B, P, N, C)
  };
  /// `tokens`: (B, P, T, C); `image`: (B, 1, N, C); `positions`: (1, 1, N, C).
  Result forward(const at::Tensor& tokens, const at::Tensor& image, const at::Tensor& positions);

 private:
  /// Whether a kernel of our own takes the image through the layers: without gradients, for few tokens.
  bool has_kernel(const at::Tensor& tokens, const at::Tensor& image);
  Result passed(at::Tensor tokens, at::Tensor image, const at::Tensor& positions);

  std::vector<TwoWayBlock> blocks_;
  TokenAttention final_attn_token_to_image_{nullptr};
  torch::nn::LayerNorm layer_norm_final_attn_{nullptr};
};
TORCH_MODULE(TwoWayTransformer);

}  // namespace plat::nn
