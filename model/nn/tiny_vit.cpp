// SPDX-License-Identifier: Apache-2.0
#include "model/nn/tiny_vit.hpp"

#include <torch/nn/init.h>

#include <cmath>
#include <cstdlib>

namespace plat::nn {
namespace {

/// A module without a computation of its own: it gives its children the names that published weights have.
std::shared_ptr<torch::nn::Module> group() { return std::make_shared<torch::nn::Module>(); }

/// The side of a square of `count` windows is not known to the attention, only the tokens of one window.
at::Tensor distance_index(int64_t window) {
  const auto n = window * window;
  at::Tensor index = at::empty({n * n}, at::kLong);
  auto* out = index.data_ptr<int64_t>();
  for (int64_t a = 0; a < n; ++a) {
    for (int64_t b = 0; b < n; ++b) {
      // Distances are numbered in the order in which the first token meets them: row by row.
      *out++ = std::abs(a / window - b / window) * window + std::abs(a % window - b % window);
    }
  }
  return index;
}

}  // namespace

WindowAttentionImpl::WindowAttentionImpl(int64_t channels, int64_t heads, int64_t window) : heads_(heads) {
  norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
  qkv = register_module("qkv", TunedLinear(channels, 3 * channels));
  qkv->groups = heads;  // the channels lie head by head
  proj = register_module("proj", TunedLinear(channels, channels));
  attention_biases = register_parameter("attention_biases", at::zeros({heads, window * window}));
  bias_index_ = distance_index(window);
}

at::Tensor WindowAttentionImpl::bias() const {
  const auto tokens = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(bias_index_.numel()))));
  return attention_biases.index_select(1, bias_index_.to(attention_biases.device())).view({heads_, tokens, tokens});
}

void WindowAttentionImpl::look_biases_up() {
  const at::NoGradGuard no_grad;
  looked_up_ = bias();
}

void WindowAttentionImpl::train(bool on) {
  Module::train(on);
  if (on) looked_up_.reset();
}

at::Tensor WindowAttentionImpl::forward(const at::Tensor& x) {
  const auto batch = x.size(0), tokens = x.size(1), channels = x.size(2);
  // The channels lie head by head, and within a head query, key and value.
  const at::Tensor all = qkv->forward(norm->forward(x)).view({batch, tokens, heads_, 3, channels / heads_});
  const at::Tensor by_head = all.permute({3, 0, 2, 1, 4});
  const at::Tensor mask = looked_up_.defined() ? looked_up_ : bias();
  const at::Tensor mixed =
      at::scaled_dot_product_attention(by_head[0], by_head[1], by_head[2], mask.unsqueeze(0), 0.0, false);
  return proj->forward(mixed.transpose(1, 2).reshape({batch, tokens, channels}));
}

TinyVitMlpImpl::TinyVitMlpImpl(int64_t channels, int64_t hidden) {
  norm = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})));
  fc1 = register_module("fc1", TunedLinear(channels, hidden));
  fc2 = register_module("fc2", TunedLinear(hidden, channels));
}

at::Tensor TinyVitMlpImpl::forward(const at::Tensor& x) {
  const at::Tensor normed = norm->forward(x);
  const at::Tensor out = fc2->forward(at::gelu(fc1->forward(normed)));
  return adapter && adapter->active ? out + adapter->forward(normed) : out;
}

void TinyVitMlpImpl::add_bottleneck(int64_t hidden) {
  adapter = register_module("adapter", Bottleneck(fc1->weight.size(1), hidden));
}

at::Tensor TinyVitBlock::dropped(const at::Tensor& branch) const {
  if (!is_training() || drop_path <= 0) return branch;
  std::vector<int64_t> shape(static_cast<std::size_t>(branch.dim()), 1);
  shape[0] = branch.size(0);
  const at::Tensor kept = (at::rand(shape, branch.options()) >= drop_path).to(branch.scalar_type());
  return branch * (kept / (1 - drop_path));
}

ConvBlockImpl::ConvBlockImpl(int64_t channels, int64_t hidden, double drop_path_rate) : TinyVitBlock(drop_path_rate) {
  conv1 = register_module("conv1", ConvNorm(channels, hidden, 1));
  conv2 = register_module("conv2", ConvNorm(hidden, hidden, ConvNormImpl::Options{.kernel = 3, .groups = hidden}));
  conv3 = register_module("conv3", ConvNorm(hidden, channels, ConvNormImpl::Options{.initial_scale = 0}));
}

at::Tensor ConvBlockImpl::forward(const at::Tensor& x) {
  const at::Tensor branch = conv3->forward(at::gelu(conv2->forward(at::gelu(conv1->forward(x)))));
  return at::gelu(x + dropped(branch));
}

AttentionBlockImpl::AttentionBlockImpl(int64_t channels, const Options& options)
    : TinyVitBlock(options.drop_path_rate), window_(options.window) {
  attn = register_module("attn", WindowAttention(channels, options.heads, options.window));
  mlp = register_module("mlp", TinyVitMlp(channels, options.mlp_hidden));
  local_conv = register_module(
      "local_conv",
      ConvNorm(channels, channels, ConvNormImpl::Options{.kernel = options.local_conv_size, .groups = channels}));
}

at::Tensor AttentionBlockImpl::forward(const at::Tensor& x) {
  const auto batch = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  at::Tensor tokens = x.permute({0, 2, 3, 1});
  const auto rows = (height + window_ - 1) / window_, cols = (width + window_ - 1) / window_;
  const auto below = rows * window_ - height, right = cols * window_ - width;
  at::Tensor padded = below > 0 || right > 0 ? at::constant_pad_nd(tokens, {0, 0, 0, right, 0, below}) : tokens;
  const at::Tensor windows = padded.reshape({batch, rows, window_, cols, window_, channels})
                                 .transpose(2, 3)
                                 .reshape({batch * rows * cols, window_ * window_, channels});
  at::Tensor mixed = attn->forward(windows)
                         .view({batch, rows, cols, window_, window_, channels})
                         .transpose(2, 3)
                         .reshape({batch, rows * window_, cols * window_, channels});
  mixed = mixed.slice(1, 0, height).slice(2, 0, width);
  tokens = tokens + dropped(mixed);
  tokens = local_conv->forward(tokens.permute({0, 3, 1, 2})).permute({0, 2, 3, 1});
  return (tokens + dropped(mlp->forward(tokens))).permute({0, 3, 1, 2});
}

PatchMergingImpl::PatchMergingImpl(int64_t in, int64_t out, int64_t stride) {
  conv1 = register_module("conv1", ConvNorm(in, out, 1));
  conv2 =
      register_module("conv2", ConvNorm(out, out, ConvNormImpl::Options{.kernel = 3, .stride = stride, .groups = out}));
  conv3 = register_module("conv3", ConvNorm(out, out, 1));
}

at::Tensor PatchMergingImpl::forward(const at::Tensor& x) {
  return conv3->forward(at::gelu(conv2->forward(at::gelu(conv1->forward(x)))));
}

TinyVitImpl::Stage TinyVitImpl::make_stage(const TinyVitConfig& config, std::size_t index) {
  int64_t before = 0, all = 0;
  for (std::size_t i = 0; i < config.depths.size(); ++i) {
    all += config.depths[i];
    if (i < index) before += config.depths[i];
  }
  const int64_t channels = config.embed_dims[index];
  const auto widened = [&](double ratio) { return static_cast<int64_t>(static_cast<double>(channels) * ratio); };
  Stage stage;
  for (int64_t j = 0; j < config.depths[index]; ++j) {
    const double drop_path =
        all > 1 ? config.drop_path_rate * static_cast<double>(before + j) / static_cast<double>(all - 1) : 0;
    if (index == 0) {
      stage.blocks.push_back(std::make_shared<ConvBlockImpl>(channels, widened(config.mbconv_expand_ratio), drop_path));
    } else {
      stage.blocks.push_back(std::make_shared<AttentionBlockImpl>(
          channels, AttentionBlockImpl::Options{.heads = config.num_heads[index],
                                                .window = config.window_sizes[index],
                                                .mlp_hidden = widened(config.mlp_ratio),
                                                .local_conv_size = config.local_conv_size,
                                                .drop_path_rate = drop_path}));
    }
  }
  if (index < 3) stage.downsample = PatchMerging(channels, config.embed_dims[index + 1], config.strides[index]);
  return stage;
}

TinyVitImpl::TinyVitImpl(const TinyVitConfig& config) {
  const auto patch_embed = register_module("patch_embed", group());
  const auto seq = patch_embed->register_module("seq", group());
  const int64_t first = config.embed_dims[0];
  stem1_ = ConvNorm(3, first / 2, ConvNormImpl::Options{.kernel = 3, .stride = 2});
  stem2_ = ConvNorm(first / 2, first, ConvNormImpl::Options{.kernel = 3, .stride = 2});
  seq->register_module("0", stem1_);
  seq->register_module("2", stem2_);
  const auto layers = register_module("layers", group());
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    stages_[i] = make_stage(config, i);
    const auto layer = layers->register_module(std::to_string(i), group());
    const auto blocks = layer->register_module("blocks", group());
    for (std::size_t j = 0; j < stages_[i].blocks.size(); ++j) {
      blocks->register_module(std::to_string(j), stages_[i].blocks[j]);
    }
    if (stages_[i].downsample) layer->register_module("downsample", stages_[i].downsample);
  }
  const int64_t out = config.output_channels;
  using ConvOptions = torch::nn::Conv2dOptions;
  const auto neck = register_module("neck", group());
  neck_conv1_ = neck->register_module("0", torch::nn::Conv2d(ConvOptions(config.embed_dims[3], out, 1).bias(false)));
  neck_norm1_ = neck->register_module("1", LayerNorm2d(out));
  neck_conv2_ = neck->register_module("2", torch::nn::Conv2d(ConvOptions(out, out, 3).padding(1).bias(false)));
  neck_norm2_ = neck->register_module("3", LayerNorm2d(out));
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* linear = module->as<TunedLinearImpl>()) {
      torch::nn::init::normal_(linear->weight, 0, 0.02);
      torch::nn::init::zeros_(linear->bias);
    }
  }
}

TinyVitImpl::Features TinyVitImpl::forward(const at::Tensor& pixels) {
  Features features;
  features.stride2 = at::gelu(stem1_->forward(pixels));
  at::Tensor x = stem2_->forward(features.stride2);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    for (const auto& block : stages_[i].blocks) {
      x = run_block(
          *block, [&block](const at::Tensor& in) { return block->forward(in); }, x, recompute && !is_training());
    }
    if (i == 0) features.stride4 = x;
    if (i == 1) features.stride8 = x;
    if (stages_[i].downsample) x = stages_[i].downsample->forward(x);
  }
  x = neck_norm1_->forward(neck_conv1_->forward(x));
  features.embedding = neck_norm2_->forward(neck_conv2_->forward(x));
  return features;
}

}  // namespace plat::nn
