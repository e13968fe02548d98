// SPDX-License-Identifier: Apache-2.0
#include "model/nn/two_way_transformer.hpp"

#include "model/nn/image_pass.hpp"
#include "model/nn/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <tuple>

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

/// The image (B, P, N, C) after `block` has written to it, and what `keys` find there: ImagePass for all prompts, over
/// which threads are spread. `image`: (B, 1 or P, N, C), which is overwritten where it is `ours`.
std::pair<at::Tensor, at::Tensor> pass_over(const at::Tensor& image, const at::Tensor& positions,
                                            const TwoWayBlockImpl& block, const TokenAttentionImpl::Writing& writing,
                                            const at::Tensor& keys, bool ours) {
  constexpr double kLog2E = 1.4426950408889634;
  const auto batch = keys.size(0), prompts = keys.size(1), columns = keys.size(2), channels = keys.size(3);
  ImagePass pass;
  pass.pixels = image.size(2);
  pass.channels = channels;
  pass.heads = block.cross_attn_image_to_token->heads();
  pass.tokens = columns / pass.heads;
  pass.epsilon = static_cast<float>(block.layer_norm4->options.eps());
  const at::Tensor write_keys = (writing.keys * kLog2E).contiguous(), shifts = (writing.shifts * kLog2E).contiguous();
  const at::Tensor read_keys = (keys * kLog2E).contiguous(), values = writing.values.contiguous();
  const at::Tensor from = image.contiguous(), places = positions.contiguous();
  const at::Tensor to = ours ? from : at::empty({batch, prompts, pass.pixels, channels}, image.options());
  const at::Tensor found = at::empty({batch, prompts, columns, channels}, image.options());
  const auto* bias = block.cross_attn_image_to_token->out_proj->bias.const_data_ptr<float>();
  const auto* norm_weight = block.layer_norm4->weight.const_data_ptr<float>();
  const auto* norm_bias = block.layer_norm4->bias.const_data_ptr<float>();
  in_parallel(batch * prompts, [&](int64_t begin, int64_t end) {
    const auto packed = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(3 * pass.packed_size()));
    const auto scratch = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(pass.scratch_size()));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / prompts, p = i % prompts, table = i * columns * channels;
      float *packed_keys = packed.get(), *packed_values = packed_keys + pass.packed_size();
      float* packed_read = packed_values + pass.packed_size();
      pass.pack_keys(write_keys.const_data_ptr<float>() + table, packed_keys);
      pass.pack_values(values.const_data_ptr<float>() + table, packed_values);
      pass.pack_keys(read_keys.const_data_ptr<float>() + table, packed_read);
      const int64_t source = b * from.size(1) + (from.size(1) == 1 ? 0 : p), size = pass.pixels * channels;
      pass.run({packed_keys, shifts.const_data_ptr<float>() + i * columns, packed_values, bias, norm_weight, norm_bias},
               packed_read, from.const_data_ptr<float>() + source * size, places.const_data_ptr<float>(),
               to.data_ptr<float>() + i * size, found.data_ptr<float>() + table, scratch.get());
    }
  });
  return {to, found};
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

at::Tensor TokenAttentionImpl::reading_keys(const at::Tensor& query) {
  const int64_t dim = q_proj->weight.size(0) / heads_;
  // (W q) · (K x + b) = (Kᵀ W q) · x + a term that is the same for all x, which a softmax does not see.
  const at::Tensor queries = q_proj->forward(query).unflatten(-1, {heads_, dim}) / std::sqrt(static_cast<double>(dim));
  return at::einsum("bpthd,hdc->bpthc", {queries, k_proj->weight.view({heads_, dim, -1})}).flatten(2, 3);
}

at::Tensor TokenAttentionImpl::understood(const at::Tensor& found) {
  // The weights of a query sum to one: the value projection may follow the sum over the image.
  const at::Tensor values = v_proj->weight.view({heads_, -1, v_proj->weight.size(1)});
  const at::Tensor mixed = at::einsum("bpthc,hdc->bpthd", {found.unflatten(2, {-1, heads_}), values});
  return out_proj->forward(mixed.flatten(3) + v_proj->bias);
}

TokenAttentionImpl::Writing TokenAttentionImpl::writing(const at::Tensor& key, const at::Tensor& value) {
  const int64_t dim = q_proj->weight.size(0) / heads_, channels = key.size(3);
  const at::Tensor keys = k_proj->forward(key).unflatten(-1, {heads_, dim}) / std::sqrt(static_cast<double>(dim));
  // What each token adds to a pixel that looks at nothing else.
  const at::Tensor values = v_proj->forward(value).unflatten(-1, {heads_, dim});
  return {at::einsum("bpthd,hdc->bpthc", {keys, q_proj->weight.view({heads_, dim, channels})}).flatten(2, 3),
          at::einsum("bpthd,hd->bpth", {keys, q_proj->bias.view({heads_, dim})}).flatten(2),
          at::einsum("bpthd,chd->bpthc", {values, out_proj->weight.view({channels, heads_, dim})}).flatten(2, 3)};
}

at::Tensor TokenAttentionImpl::read_image(const at::Tensor& query, const at::Tensor& placed, const at::Tensor& image) {
  if (image.size(1) == 1) {
    // All prompts read the same keys and values: their queries are one long list.
    return forward(query.flatten(1, 2).unsqueeze(1), placed, image).view(query.sizes());
  }
  if (!few(query)) return forward(query, placed, image);
  return understood(at::matmul(at::softmax(products(reading_keys(query), placed), -1), image));
}

at::Tensor TokenAttentionImpl::write_image(const at::Tensor& placed, const at::Tensor& key, const at::Tensor& value) {
  if (!few(key)) return forward(placed, key, value);
  const Writing written = writing(key, value);
  const at::Tensor scores = products(written.keys, placed).add_(written.shifts.unsqueeze(-1));
  const at::Tensor weights = at::softmax(scores.unflatten(2, {-1, heads_}), 2).flatten(2, 3);
  return at::matmul(weights.transpose(2, 3), written.values).add_(out_proj->bias);
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
  tokens = before_reading(tokens, token_positions);
  const at::Tensor placed_image = image + image_positions;
  tokens = after_reading(tokens, cross_attn_token_to_image->read_image(tokens + token_positions, placed_image, image));
  const at::Tensor written = cross_attn_image_to_token->write_image(placed_image, tokens + token_positions, tokens);
  return {tokens, layer_norm4->forward(image + written)};
}

at::Tensor TwoWayBlockImpl::before_reading(const at::Tensor& tokens, const at::Tensor& positions) {
  if (first_) return layer_norm1->forward(self_attn->forward(tokens, tokens, tokens));
  const at::Tensor query = tokens + positions;
  return layer_norm1->forward(tokens + self_attn->forward(query, query, tokens));
}

at::Tensor TwoWayBlockImpl::after_reading(const at::Tensor& tokens, const at::Tensor& read) {
  const at::Tensor told = layer_norm2->forward(tokens + read);
  return layer_norm3->forward(told + mlp->forward(told));
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
  if (has_kernel(tokens, image)) return passed(tokens, image, positions);
  Result result{tokens, image};
  for (auto& block : blocks_) {
    std::tie(result.tokens, result.image) = block->forward(result.tokens, result.image, tokens, positions);
  }
  result.tokens = result.tokens + final_attn_token_to_image_->read_image(result.tokens + tokens,
                                                                         result.image + positions, result.image);
  result.tokens = layer_norm_final_attn_->forward(result.tokens);
  return result;
}

bool TwoWayTransformerImpl::has_kernel(const at::Tensor& tokens, const at::Tensor& image) {
  return !at::GradMode::is_enabled() && !blocks_.empty() && image.is_cpu() && image.scalar_type() == at::kFloat &&
         final_attn_token_to_image_->heads() % 8 == 0 && image.size(3) % 16 == 0 &&
         final_attn_token_to_image_->few(tokens) && ImagePass::available();
}

TwoWayTransformerImpl::Result TwoWayTransformerImpl::passed(at::Tensor tokens, at::Tensor image,
                                                            const at::Tensor& positions) {
  const at::Tensor own = tokens;
  tokens = blocks_.front()->before_reading(tokens, own);
  at::Tensor read = blocks_.front()->cross_attn_token_to_image->read_image(tokens + own, image + positions, image);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    TwoWayBlockImpl& block = *blocks_[i];
    tokens = block.after_reading(tokens, read);
    const TokenAttentionImpl::Writing writing = block.cross_attn_image_to_token->writing(tokens + own, tokens);
    // The next tokens do not wait for the image: they ask it in the pass that changes it.
    const bool last = i + 1 == blocks_.size();
    if (!last) tokens = blocks_[i + 1]->before_reading(tokens, own);
    TokenAttentionImpl& next = last ? *final_attn_token_to_image_ : *blocks_[i + 1]->cross_attn_token_to_image;
    at::Tensor found;
    std::tie(image, found) = pass_over(image, positions, block, writing, next.reading_keys(tokens + own), i > 0);
    read = next.understood(found);
  }
  return {layer_norm_final_attn_->forward(tokens + read), image};
}

}  // namespace plat::nn
