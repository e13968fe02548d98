// SPDX-License-Identifier: Apache-2.0
#include "model/nn/mask_decoder.hpp"

#include <string>

namespace plat::nn {

at::Tensor image_tokens(const at::Tensor& x) { return x.flatten(2).transpose(1, 2).unsqueeze(1); }

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

MaskDecoderImpl::Result MaskDecoderImpl::forward(const at::Tensor& embedding, const at::Tensor& positions,
                                                 const at::Tensor& sparse, const at::Tensor& dense) {
  const auto batch = embedding.size(0), channels = embedding.size(1);
  const auto height = embedding.size(2), width = embedding.size(3);
  const int64_t prompts = sparse.defined() ? sparse.size(1) : 1;
  at::Tensor tokens = at::cat({iou_token_->weight, mask_tokens_->weight}).expand({batch, prompts, -1, channels});
  if (sparse.defined()) tokens = at::cat({tokens, sparse.expand({batch, -1, -1, -1})}, 2);

  const auto mixed = transformer->forward(tokens, image_tokens(embedding + dense), image_tokens(positions));

  at::Tensor upscaled =
      mixed.image.expand({batch, prompts, -1, -1}).transpose(2, 3).reshape({batch * prompts, channels, height, width});
  upscaled = at::gelu(upscale_layer_norm_->forward(upscale_conv1_->forward(upscaled)));
  upscaled = at::gelu(upscale_conv2_->forward(upscaled));

  std::vector<at::Tensor> weights;
  for (std::size_t i = 0; i < hypernetworks_.size(); ++i) {
    weights.push_back(hypernetworks_[i]->forward(mixed.tokens.select(2, static_cast<int64_t>(i) + 1)));
  }
  const at::Tensor masks =
      at::matmul(at::stack(weights, 2), upscaled.reshape({batch, prompts, channels / 8, 16 * height * width}));
  return {masks.view({batch, prompts, -1, 4 * height, 4 * width}),
          iou_prediction_head_->forward(mixed.tokens.select(2, 0))};
}

}  // namespace plat::nn
