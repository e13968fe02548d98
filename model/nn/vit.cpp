// SPDX-License-Identifier: Apache-2.0
#include "model/nn/vit.hpp"

#include "model/nn/parallel.hpp"
#include "model/nn/placed_attention.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

namespace plat::nn {
namespace {

/// The bias of all pairs of tokens would fill gigabytes in a layer that attends to the whole image: it is written out
/// for as many queries at once as stay near the processor's cache.
constexpr int64_t kBiasBytes = 32 << 20;

/// Embeddings of the distances on an axis of n positions, (2 n - 1, c).
at::Tensor resized(const at::Tensor& table, int64_t n) {
  if (table.size(0) == 2 * n - 1) return table;
  return at::upsample_linear1d(table.t().unsqueeze(0), {2 * n - 1}, /*align_corners=*/false).squeeze(0).t();
}

/// Embeddings of the distance of each pair of positions on one axis, (n, n, c).
at::Tensor relative_positions(const at::Tensor& table, int64_t n) {
  const at::Tensor places = at::arange(n, table.options().dtype(at::kLong));
  const at::Tensor distances = places.unsqueeze(1) - places.unsqueeze(0) + (n - 1);
  return resized(table, n).index_select(0, distances.flatten()).view({n, n, -1});
}

}  // namespace

VitAttentionImpl::VitAttentionImpl(const VitConfig& config, int64_t window, int64_t tokens)
    : heads_(config.num_attention_heads), window_(window) {
  const int64_t channels = config.hidden_size, side = window > 0 ? window : tokens;
  qkv = register_module("qkv", TunedLinear(torch::nn::LinearOptions(channels, 3 * channels).bias(config.qkv_bias)));
  proj = register_module("proj", TunedLinear(channels, channels));
  if (config.use_rel_pos) {
    rel_pos_h = register_parameter("rel_pos_h", at::zeros({2 * side - 1, channels / heads_}));
    rel_pos_w = register_parameter("rel_pos_w", at::zeros({2 * side - 1, channels / heads_}));
  }
}

at::Tensor VitAttentionImpl::attend(const at::Tensor& all, int64_t height, int64_t width) const {
  const auto batch = all.size(0), tokens = height * width, channels = all.size(-1) / 3;
  const at::Tensor by_head = all.reshape({batch, tokens, 3, heads_, channels / heads_}).permute({2, 0, 3, 1, 4});
  const at::Tensor query = by_head[0], key = by_head[1], value = by_head[2];
  at::Tensor mixed;
  if (!rel_pos_h.defined()) {
    mixed = at::scaled_dot_product_attention(query, key, value);
  } else {
    const at::Tensor placed = query.reshape({batch, heads_, height, width, channels / heads_});
    const at::Tensor by_row =
        at::einsum("bnhwc,hkc->bnhwk", {placed, relative_positions(rel_pos_h, height)}).contiguous();
    const at::Tensor by_col =
        at::einsum("bnhwc,wkc->bnhwk", {placed, relative_positions(rel_pos_w, width)}).contiguous();
    const int64_t bytes_per_row = batch * heads_ * width * tokens * static_cast<int64_t>(sizeof(float));
    const int64_t rows = std::clamp<int64_t>(kBiasBytes / bytes_per_row, 1, height);
    std::vector<at::Tensor> parts;
    for (int64_t from = 0; from < height; from += rows) {
      const int64_t to = std::min(from + rows, height);
      const at::Tensor bias = (by_row.slice(2, from, to).unsqueeze(-1) + by_col.slice(2, from, to).unsqueeze(-2))
                                  .reshape({batch, heads_, (to - from) * width, tokens});
      parts.push_back(at::scaled_dot_product_attention(query.slice(2, from * width, to * width), key, value, bias));
    }
    mixed = parts.size() == 1 ? parts[0] : at::cat(parts, 2);
  }
  return mixed.transpose(1, 2).reshape({batch, height, width, channels});
}

at::Tensor VitAttentionImpl::windowed(const at::Tensor& all) const {
  const auto batch = all.size(0), height = all.size(1), width = all.size(2), channels = all.size(3);
  const auto rows = (height + window_ - 1) / window_, cols = (width + window_ - 1) / window_;
  at::Tensor padded = all;
  if (rows * window_ != height || cols * window_ != width) {
    // A padded token is zero before the projection, so its query, key and value are the projection's bias.
    padded = qkv->bias.defined() ? qkv->bias.expand({batch, rows * window_, cols * window_, channels}).clone()
                                 : all.new_zeros({batch, rows * window_, cols * window_, channels});
    padded.slice(1, 0, height).slice(2, 0, width).copy_(all);
  }
  const at::Tensor windows = padded.view({batch, rows, window_, cols, window_, channels})
                                 .transpose(2, 3)
                                 .reshape({batch * rows * cols, window_ * window_, channels});
  const at::Tensor mixed = attend(windows, window_, window_)
                               .view({batch, rows, cols, window_, window_, channels / 3})
                               .transpose(2, 3)
                               .reshape({batch, rows * window_, cols * window_, channels / 3});
  return mixed.slice(1, 0, height).slice(2, 0, width);
}

bool VitAttentionImpl::has_kernel(const at::Tensor& all) const {
  return !at::GradMode::is_enabled() && rel_pos_h.defined() && all.is_cpu() && all.scalar_type() == at::kFloat &&
         all.is_contiguous() && all.size(-1) / 3 / heads_ % 16 == 0 && PlacedAttention::available();
}

at::Tensor VitAttentionImpl::placed(const at::Tensor& all) const {
  const auto batch = all.size(0), height = all.size(1), width = all.size(2), channels = all.size(3) / 3;
  PlacedAttention whole;
  whole.rows = window_ > 0 ? window_ : height;
  whole.cols = window_ > 0 ? window_ : width;
  whole.real_rows = whole.rows;
  whole.real_cols = whole.cols;
  whole.head_dim = channels / heads_;
  whole.int16_scores = int16_qkv_ != nullptr;
  whole.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(whole.head_dim)));
  whole.token_stride = 3 * channels;
  whole.row_stride = width * whole.token_stride;
  whole.out_token_stride = channels;
  whole.out_row_stride = width * channels;
  const auto down = (height + whole.rows - 1) / whole.rows, across = (width + whole.cols - 1) / whole.cols;
  const at::Tensor tables = at::empty({whole.tables_size()}, all.options());
  whole.pack_tables(resized(rel_pos_h, whole.rows).contiguous().const_data_ptr<float>(),
                    resized(rel_pos_w, whole.cols).contiguous().const_data_ptr<float>(), tables.data_ptr<float>());
  const at::Tensor mixed = at::empty({batch, height, width, channels}, all.options());
  const auto* from = all.const_data_ptr<float>();
  auto* to = mixed.data_ptr<float>();
  // A padded token is zero before the projection, so its key and value are the projection's bias.
  const float* bias = qkv->bias.defined() ? qkv->bias.const_data_ptr<float>() : nullptr;

  // Threads share the blocks of queries of all heads of all windows evenly; each packs the keys that its own need.
  const int64_t blocks = whole.blocks();
  in_parallel(batch * down * across * heads_ * blocks, [&](int64_t begin, int64_t end) {
    const auto packed = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(whole.packed_size()));
    const auto scratch = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(whole.scratch_size()));
    int64_t packed_unit = -1;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t unit = i / blocks, head = unit % heads_, window = unit / heads_;
      const int64_t col = window % across * whole.cols, row = window / across % down * whole.rows;
      const int64_t image = window / across / down;
      PlacedAttention grid = whole;
      grid.real_rows = std::min(whole.rows, height - row);
      grid.real_cols = std::min(whole.cols, width - col);
      if (i % blocks >= grid.blocks()) continue;
      const int64_t token = (image * height + row) * width + col, channel = head * whole.head_dim;
      const float* query = from + token * whole.token_stride + channel;
      if (unit != packed_unit) {
        const float* pad_key = bias == nullptr ? nullptr : bias + channels + channel;
        const float* pad_value = bias == nullptr ? nullptr : bias + 2 * channels + channel;
        grid.pack_keys(query + channels, query + 2 * channels, pad_key, pad_value, packed.get());
        packed_unit = unit;
      }
      grid.attend(i % blocks, query, tables.const_data_ptr<float>(), packed.get(), scratch.get(),
                  to + token * channels + channel);
    }
  });
  return mixed;
}

at::Tensor VitAttentionImpl::forward(const at::Tensor& x) {
  const at::Tensor all = int16_qkv_ ? int16_qkv_->forward(x) : qkv->forward(x);
  const at::Tensor mixed = has_kernel(all) ? placed(all)
                           : window_ > 0   ? windowed(all)
                                           : attend(all, x.size(1), x.size(2));
  return int16_proj_ ? int16_proj_->forward(mixed) : proj->forward(mixed);
}

void VitAttentionImpl::use_int16() {
  int16_qkv_ = taken_as_int16(*qkv);
  int16_proj_ = taken_as_int16(*proj);
}

VitBlockImpl::VitBlockImpl(const VitConfig& config, int64_t window, int64_t tokens) {
  const auto norm_options = torch::nn::LayerNormOptions({config.hidden_size}).eps(config.layer_norm_eps);
  layer_norm1 = register_module("layer_norm1", torch::nn::LayerNorm(norm_options));
  attn = register_module("attn", VitAttention(config, window, tokens));
  layer_norm2 = register_module("layer_norm2", torch::nn::LayerNorm(norm_options));
  mlp = register_module("mlp", MlpBlock(config.hidden_size, config.mlp_dim, "gelu"));
}

at::Tensor VitBlockImpl::forward(const at::Tensor& x) {
  const at::Tensor mixed = x + attn->forward(layer_norm1->forward(x));
  return mixed + mlp->forward(layer_norm2->forward(mixed));
}

VitImpl::VitImpl(const VitConfig& config) {
  using Options = torch::nn::Conv2dOptions;
  const int64_t channels = config.hidden_size, out = config.output_channels;
  const int64_t tokens = config.image_size / config.patch_size;
  const auto patch_embed = register_module("patch_embed", std::make_shared<torch::nn::Module>());
  projection_ = patch_embed->register_module(
      "projection", torch::nn::Conv2d(Options(3, channels, config.patch_size).stride(config.patch_size)));
  if (config.use_abs_pos) {
    pos_embed_ = register_parameter("pos_embed", at::randn({1, tokens, tokens, channels}) * 0.02);
  }
  const auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const auto& global = config.global_attn_indexes;
    const bool whole = std::find(global.begin(), global.end(), i) != global.end();
    blocks_.push_back(
        layers->register_module(std::to_string(i), VitBlock(config, whole ? 0 : config.window_size, tokens)));
  }
  const auto neck = register_module("neck", std::make_shared<torch::nn::Module>());
  neck_conv1_ = neck->register_module("conv1", torch::nn::Conv2d(Options(channels, out, 1).bias(false)));
  neck_norm1_ = neck->register_module("layer_norm1", LayerNorm2d(out));
  neck_conv2_ = neck->register_module("conv2", torch::nn::Conv2d(Options(out, out, 3).padding(1).bias(false)));
  neck_norm2_ = neck->register_module("layer_norm2", LayerNorm2d(out));
}

void VitImpl::use_int16() {
  for (auto& block : blocks_) {
    block->attn->use_int16();
    block->mlp->use_int16();
  }
}

at::Tensor VitImpl::forward(const at::Tensor& pixels) {
  at::Tensor x = projection_->forward(pixels).permute({0, 2, 3, 1}).contiguous();
  if (pos_embed_.defined()) {
    at::Tensor positions = pos_embed_;
    if (positions.size(1) != x.size(1) || positions.size(2) != x.size(2)) {
      positions = at::upsample_bicubic2d(positions.permute({0, 3, 1, 2}), {x.size(1), x.size(2)},
                                         /*align_corners=*/false)
                      .permute({0, 2, 3, 1});
    }
    x = x + positions;
  }
  for (auto& block : blocks_) {
    x = run_block(
        *block, [&block](const at::Tensor& in) { return block->forward(in); }, x, recompute);
  }
  x = neck_norm1_->forward(neck_conv1_->forward(x.permute({0, 3, 1, 2})));
  return neck_norm2_->forward(neck_conv2_->forward(x));
}

}  // namespace plat::nn
