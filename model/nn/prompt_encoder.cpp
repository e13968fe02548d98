// SPDX-License-Identifier: Apache-2.0
#include "model/nn/prompt_encoder.hpp"

#include <numbers>
#include <string>
#include <utility>

namespace plat::nn {

PositionEncodingImpl::PositionEncodingImpl(int64_t channels)
    : positional_embedding(register_buffer("positional_embedding", at::randn({2, channels / 2}))) {}

at::Tensor PositionEncodingImpl::forward(const at::Tensor& places) {
  const at::Tensor angles = at::matmul(2 * places - 1, positional_embedding) * (2 * std::numbers::pi);
  return at::cat({angles.sin(), angles.cos()}, -1);
}

MaskEmbeddingImpl::MaskEmbeddingImpl(const PromptEncoderConfig& config) {
  using Options = torch::nn::Conv2dOptions;
  const int64_t wide = config.mask_input_channels, narrow = wide / 4;
  conv1_ = register_module("conv1", torch::nn::Conv2d(Options(1, narrow, 2).stride(2)));
  conv2_ = register_module("conv2", torch::nn::Conv2d(Options(narrow, wide, 2).stride(2)));
  conv3_ = register_module("conv3", torch::nn::Conv2d(Options(wide, config.hidden_size, 1)));
  layer_norm1_ = register_module("layer_norm1", LayerNorm2d(narrow, config.layer_norm_eps));
  layer_norm2_ = register_module("layer_norm2", LayerNorm2d(wide, config.layer_norm_eps));
}

at::Tensor MaskEmbeddingImpl::forward(const at::Tensor& masks) {
  at::Tensor x = at::gelu(layer_norm1_->forward(conv1_->forward(masks)));
  x = at::gelu(layer_norm2_->forward(conv2_->forward(x)));
  return conv3_->forward(x);
}

PromptEncoderImpl::PromptEncoderImpl(const PromptEncoderConfig& config, PositionEncoding shared)
    : shared_embedding_(register_module("shared_embedding", std::move(shared))) {
  const int64_t channels = config.hidden_size;
  mask_embed_ = register_module("mask_embed", MaskEmbedding(config));
  no_mask_embed_ = register_module("no_mask_embed", torch::nn::Embedding(1, channels));
  not_a_point_embed_ = register_module("not_a_point_embed", torch::nn::Embedding(1, channels));
  const auto points = register_module("point_embed", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < 4; ++i) {
    point_embed_.push_back(points->register_module(std::to_string(i), torch::nn::Embedding(1, channels)));
  }
}

at::Tensor PromptEncoderImpl::embed_points(const at::Tensor& places, const at::Tensor& labels) {
  const at::Tensor kinds = labels.unsqueeze(-1);
  at::Tensor tokens = shared_embedding_->forward(places);
  tokens = at::where(kinds == -1, not_a_point_embed_->weight, tokens);
  tokens = at::where(kinds == -10, at::zeros_like(tokens), tokens);
  for (int64_t k = 0; k < 4; ++k) {
    tokens = at::where(kinds == k, tokens + point_embed_[static_cast<std::size_t>(k)]->weight, tokens);
  }
  return tokens;
}

at::Tensor PromptEncoderImpl::embed_boxes(const at::Tensor& corners) {
  return shared_embedding_->forward(corners) + at::cat({point_embed_[2]->weight, point_embed_[3]->weight});
}

at::Tensor PromptEncoderImpl::embed_masks(const at::Tensor& masks) {
  return masks.defined() ? mask_embed_->forward(masks) : no_mask_embed_->weight.view({1, -1, 1, 1});
}

}  // namespace plat::nn
