// SPDX-License-Identifier: Apache-2.0
#include "model/nn/mask_decoder.hpp"

#include <string>

namespace plat::nn {

at::Tensor image_tokens(const at::Tensor& x) { return x.flatten(2).transpose(1, 2).unsqueeze(1).contiguous(); }

namespace {

/// A transposed convolution of 2 x 2 with stride 2 makes four pixels of each, from it alone: a linear layer. Pixels
/// (n, C) to (4 n, out), each one's four (row, col) in a row.
at::Tensor quadrupled(const at::Tensor& pixels, const torch::nn::ConvTranspose2d& conv) {
  const at::Tensor weight = conv->weight.permute({2, 3, 1, 0}).flatten(0, 2);
  return at::linear(pixels, weight, conv->bias.repeat({4})).view({4 * pixels.size(0), -1});
}

/// GELU; without gradients it takes its argument's place: fresh memory costs four times as much as the arithmetic.
at::Tensor gelu_of(at::Tensor x) { return at::GradMode::is_enabled() ? at::gelu(x) : at::gelu_(x); }

}  // namespace

MaskDecoderImpl::MaskDecoderImpl(const MaskDecoderConfig& config) {
  const int64_t channels = config.hidden_size, masks = config.num_multimask_outputs + 1;
  using Transposed = torch::nn::ConvTranspose2dOptions;
  iou_token_ = register_module("iou_token", torch::nn::Embedding(1, channels));
  mask_tokens_ = register_module("mask_tokens", torch::nn::Embedding(masks, channels));
  transformer = register_module("transformer", TwoWayTransformer(config));
  upscale_conv1_ =
      register_module("upscale_conv1", torch::nn::ConvTranspose2d(Transposed(channels, channels / 4, 2).stride(2)));
  upscale_conv2_ =
      register_module("upscale_conv2", torch::nn::ConvTranspose2d(Transposed(channels / 4, channels / 8, 2).stride(2)));
  upscale_layer_norm_ = register_module("upscale_layer_norm", LayerNorm2d(channels / 4));
  const auto mlps = register_module("output_hypernetworks_mlps", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < masks; ++i) {
    hypernetworks_.push_back(
        mlps->register_module(std::to_string(i), FeedForward(channels, channels, channels / 8, 3)));
  }
  iou_prediction_head_ = register_module(
      "iou_prediction_head", FeedForward(channels, config.iou_head_hidden_dim, masks, config.iou_head_depth));
}

at::Tensor MaskDecoderImpl::read_masks(const at::Tensor& image, const at::Tensor& readers, int64_t height,
                                       int64_t width) {
  at::Tensor x = quadrupled(image, upscale_conv1_);
  const LayerNorm2dImpl& norm = *upscale_layer_norm_;
  x = gelu_of(at::layer_norm(x, {x.size(1)}, norm.weight, norm.bias, norm.eps));
  x = gelu_of(quadrupled(x, upscale_conv2_));
  // (M, pixel of the embedding, its quarter, the quarter's quarter) to rows and columns.
  return at::matmul(readers, x.t())
      .view({-1, height, width, 2, 2, 2, 2})
      .permute({0, 1, 3, 5, 2, 4, 6})
      .reshape({-1, 4 * height, 4 * width});
}

MaskDecoderImpl::Result MaskDecoderImpl::forward(const at::Tensor& embedding, const at::Tensor& positions,
                                                 const at::Tensor& sparse, const at::Tensor& dense) {
  const auto batch = embedding.size(0), channels = embedding.size(1);
  const auto height = embedding.size(2), width = embedding.size(3);
  const int64_t prompts = sparse.defined() ? sparse.size(1) : 1;
  at::Tensor tokens = at::cat({iou_token_->weight, mask_tokens_->weight}).expand({batch, prompts, -1, channels});
  if (sparse.defined()) tokens = at::cat({tokens, sparse.expand({batch, -1, -1, -1})}, 2);

  const auto mixed = transformer->forward(tokens, image_tokens(embedding + dense), image_tokens(positions));

  std::vector<at::Tensor> weights;
  for (std::size_t i = 0; i < hypernetworks_.size(); ++i) {
    weights.push_back(hypernetworks_[i]->forward(mixed.tokens.select(2, static_cast<int64_t>(i) + 1)));
  }
  // One prompt at a time: what lies between image and masks then stays near the processor's cache.
  const at::Tensor readers = at::stack(weights, 2).flatten(0, 1);
  const at::Tensor images = mixed.image.expand({batch, prompts, -1, -1}).flatten(0, 1);
  std::vector<at::Tensor> masks;
  for (int64_t i = 0; i < batch * prompts; ++i) masks.push_back(read_masks(images[i], readers[i], height, width));
  return {at::stack(masks).view({batch, prompts, -1, 4 * height, 4 * width}),
          iou_prediction_head_->forward(mixed.tokens.select(2, 0))};
}

}  // namespace plat::nn
