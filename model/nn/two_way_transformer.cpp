// SPDX-License-Identifier: Apache-2.0
#include "model/nn/two_way_transformer.hpp"

#include <algorithm>
#include <cmath>
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

/// Rows (B, P, R, C) times the tokens of the image, (B, P, N, C) or, the same for all prompts, (B, 1, N, C); (B, P, R, N).
at::Tensor products(const at::Tensor& rows, const at::Tensor& image) {
  if (image.size(1) == rows.size(1)) return at::matmul(rows, image.transpose(2, 3));
  return at::matmul(rows.flatten(1, 2), image.squeeze(1).transpose(1, 2))
      .view({rows.size(0), rows.size(1), rows.size(2), image.size(2)});
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

bool TokenAttentionImpl::few(const at::Tensor& tokens) const {
  return heads_ * tokens.size(2) < q_proj->weight.size(0);
}

at::Tensor TokenAttentionImpl::read_image(const at::Tensor& query, const at::Tensor& placed, const at::Tensor& image) {
  if (image.size(1) == 1) {
    // All prompts read the same keys and values: their queries are one long list.
    return forward(query.flatten(1, 2).unsqueeze(1), placed, image).view(query.sizes());
  }
  if (!few(query)) return forward(query, placed, image);
  const int64_t dim = q_proj->weight.size(0) / heads_, channels = query.size(3);
  const auto heads = [&](const torch::nn::Linear& linear) { return linear->weight.view({heads_, dim, channels}); };
  // (W q) · (K x + b) = (Kᵀ W q) · x + a term that is the same for all x, which a softmax does not see.
  const at::Tensor queries = q_proj->forward(query).unflatten(-1, {heads_, dim}) / std::sqrt(static_cast<double>(dim));
  const at::Tensor turned = at::einsum("bpthd,hdc->bphtc", {queries, heads(k_proj)}).flatten(2, 3);
  const at::Tensor weights = at::softmax(products(turned, placed), -1);
  // The weights of a query sum to one: the value projection may follow the sum over the image.
  const at::Tensor read = at::matmul(weights, image).unflatten(2, {heads_, query.size(2)});
  const at::Tensor mixed = at::einsum("bphtc,hdc->bpthd", {read, heads(v_proj)}).flatten(3) + v_proj->bias;
  return out_proj->forward(mixed);
}

at::Tensor TokenAttentionImpl::write_image(const at::Tensor& placed, const at::Tensor& key, const at::Tensor& value) {
  if (!few(key)) return forward(placed, key, value);
  const int64_t dim = q_proj->weight.size(0) / heads_, channels = key.size(3), tokens = key.size(2);
  const at::Tensor keys = k_proj->forward(key).unflatten(-1, {heads_, dim}) / std::sqrt(static_cast<double>(dim));
  const at::Tensor turned =
      at::einsum("bpthd,hdc->bphtc", {keys, q_proj->weight.view({heads_, dim, channels})}).flatten(2, 3);
  const at::Tensor shift = at::einsum("bpthd,hd->bpht", {keys, q_proj->bias.view({heads_, dim})}).flatten(2);
  const at::Tensor scores = products(turned, placed).add_(shift.unsqueeze(-1)).unflatten(2, {heads_, tokens});
  const at::Tensor weights = at::softmax(scores, 3).flatten(2, 3);
  // What each token adds to a pixel that looks at nothing else.
  const at::Tensor values = v_proj->forward(value).unflatten(-1, {heads_, dim});
  const at::Tensor added =
      at::einsum("bpthd,chd->bphtc", {values, out_proj->weight.view({channels, heads_, dim})}).flatten(2, 3);
  return at::matmul(weights.transpose(2, 3), added).add_(out_proj->bias);
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
  tokens = tokens + cross_attn_token_to_image->read_image(tokens + token_positions, placed_image, image);
  tokens = layer_norm2->forward(tokens);
  tokens = layer_norm3->forward(tokens + mlp->forward(tokens));
  const at::Tensor written = cross_attn_image_to_token->write_image(placed_image, tokens + token_positions, tokens);
  return {tokens, layer_norm4->forward(image + written)};
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
  result.tokens = result.tokens + final_attn_token_to_image_->read_image(result.tokens + tokens,
                                                                         result.image + positions, result.image);
  result.tokens = layer_norm_final_attn_->forward(result.tokens);
  return result;
}

}  // namespace plat::nn
