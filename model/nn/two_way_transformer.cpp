// SPDX-License-Identifier: Apache-2.0
#include "model/nn/two_way_transformer.hpp"

#include <algorithm>
#include <string>

namespace plat::nn {
namespace {

torch::nn::LayerNorm layer_norm(int64_t channels, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(eps));
}

/// (b, p, N, C) as (B · P, heads, N, C / heads), repeating what all images or prompts share.
at::Tensor by_head(const at::Tensor& x, int64_t batch, int64_t prompts, int64_t heads) {
  const auto count = x.size(2), channels = x.size(3);
  return x.expand({batch, prompts, count, channels})
      .reshape({batch * prompts, count, heads, channels / heads})
      .transpose(1, 2);
}

}  // namespace

TokenAttentionImpl::TokenAttentionImpl(int64_t channels, int64_t heads, int64_t downsample) : heads_(heads) {
  const int64_t inner = channels / downsample;
  q_proj = register_module("q_proj", torch::nn::Linear(channels, inner));
  k_proj = register_module("k_proj", torch::nn::Linear(channels, inner));
  v_proj = register_module("v_proj", torch::nn::Linear(channels, inner));
  out_proj = register_module("out_proj", torch::nn::Linear(inner, channels));
}

at::Tensor TokenAttentionImpl::forward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  const auto batch = std::max(query.size(0), value.size(0)), prompts = std::max(query.size(1), value.size(1));
  const auto heads_of = [&](const at::Tensor& x) { return by_head(x, batch, prompts, heads_); };
  const at::Tensor mixed = at::scaled_dot_product_attention(
      heads_of(q_proj->forward(query)), heads_of(k_proj->forward(key)), heads_of(v_proj->forward(value)));
  return out_proj->forward(mixed.transpose(1, 2).reshape({batch, prompts, query.size(2), -1}));
}

TwoWayBlockImpl::TwoWayBlockImpl(const MaskDecoderConfig& config, bool first) : first_(first) {
  const int64_t channels = config.hidden_size, heads = config.num_attention_heads;
  const int64_t downsample = config.attention_downsample_rate;
  self_attn = register_module("self_attn", TokenAttention(channels, heads, 1));
  layer_norm1 = register_module("layer_norm1", layer_norm(channels, config.layer_norm_eps));
  cross_attn_token_to_image = register_module("cross_attn_token_to_image", TokenAttention(channels, heads, downsample));
  layer_norm2 = register_module("layer_norm2", layer_norm(channels, config.layer_norm_eps));
  mlp = register_module("mlp", MlpBlock(channels, config.mlp_dim, config.hidden_act));
  layer_norm3 = register_module("layer_norm3", layer_norm(channels, config.layer_norm_eps));
  layer_norm4 = register_module("layer_norm4", layer_norm(channels, config.layer_norm_eps));
  cross_attn_image_to_token = register_module("cross_attn_image_to_token", TokenAttention(channels, heads, downsample));
}

std::pair<at::Tensor, at::Tensor> TwoWayBlockImpl::forward(at::Tensor tokens, at::Tensor image,
                                                           const at::Tensor& token_positions,
                                                           const at::Tensor& image_positions) {
  if (first_) {
    tokens = self_attn->forward(tokens, tokens, tokens);
  } else {
    const at::Tensor query = tokens + token_positions;
    tokens = tokens + self_attn->forward(query, query, tokens);
  }
  tokens = layer_norm1->forward(tokens);
  const at::Tensor placed_image = image + image_positions;
  tokens = tokens + cross_attn_token_to_image->forward(tokens + token_positions, placed_image, image);
  tokens = layer_norm2->forward(tokens);
  tokens = layer_norm3->forward(tokens + mlp->forward(tokens));
  image = image + cross_attn_image_to_token->forward(placed_image, tokens + token_positions, tokens);
  return {tokens, layer_norm4->forward(image)};
}

TwoWayTransformerImpl::TwoWayTransformerImpl(const MaskDecoderConfig& config) {
  const auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    blocks_.push_back(layers->register_module(std::to_string(i), TwoWayBlock(config, i == 0)));
  }
  final_attn_token_to_image_ =
      register_module("final_attn_token_to_image",
                      TokenAttention(config.hidden_size, config.num_attention_heads, config.attention_downsample_rate));
  // As published, the last normalisation keeps torch's own epsilon.
  layer_norm_final_attn_ = register_module("layer_norm_final_attn", layer_norm(config.hidden_size, 1e-5));
}

TwoWayTransformerImpl::Result TwoWayTransformerImpl::forward(const at::Tensor& tokens, const at::Tensor& image,
                                                             const at::Tensor& positions) {
  Result result{tokens, image};
  for (auto& block : blocks_) {
    std::tie(result.tokens, result.image) = block->forward(result.tokens, result.image, tokens, positions);
  }
  result.tokens = result.tokens +
                  final_attn_token_to_image_->forward(result.tokens + tokens, result.image + positions, result.image);
  result.tokens = layer_norm_final_attn_->forward(result.tokens);
  return result;
}

}  // namespace plat::nn
