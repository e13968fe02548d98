// SPDX-License-Identifier: Apache-2.0
#include "model/nn/mask_decoder.hpp"

#include "model/nn/mask_reader.hpp"
#include "model/nn/parallel.hpp"

#include <memory>
#include <string>
#include <vector>

namespace plat::nn {

at::Tensor image_tokens(const at::Tensor& x) { return x.flatten(2).transpose(1, 2).unsqueeze(1).contiguous(); }

namespace {

/// A transposed convolution of 2 x 2 with stride 2 makes four pixels of each, from it alone: a linear layer. Its weight,
/// (4 · out, C), the four pixels row by row.
at::Tensor quadrupling_weight(const torch::nn::ConvTranspose2d& conv) {
  return conv->weight.permute({2, 3, 1, 0}).flatten(0, 2).contiguous();
}

/// Pixels (n, C) to (4 n, out), each one's four in a row.
at::Tensor quadrupled(const at::Tensor& pixels, const torch::nn::ConvTranspose2d& conv) {
  return at::linear(pixels, quadrupling_weight(conv), conv->bias.repeat({4})).view({4 * pixels.size(0), -1});
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
  // Of a few channels the kernel has nothing to gain.
  const bool by_kernel = !at::GradMode::is_enabled() && image.is_cpu() && image.scalar_type() == at::kFloat &&
                         image.is_contiguous() && image.size(1) % 64 == 0 && MaskReader::available();
  if (by_kernel) return read_by_kernel(image, readers.contiguous(), height, width);
  at::Tensor x = quadrupled(image, upscale_conv1_);
  const LayerNorm2dImpl& norm = *upscale_layer_norm_;
  x = gelu_of(at::layer_norm(x, {x.size(1)}, norm.weight, norm.bias, norm.eps));
  x = gelu_of(quadrupled(x, upscale_conv2_));
  // One reader at a time: a mask then has the same bits whichever others are read beside it.
  std::vector<at::Tensor> masks;
  for (const at::Tensor& reader : readers.unbind()) masks.push_back(at::mv(x, reader));
  // (M, pixel of the embedding, its quarter, the quarter's quarter) to rows and columns.
  return at::stack(masks)
      .view({-1, height, width, 2, 2, 2, 2})
      .permute({0, 1, 3, 5, 2, 4, 6})
      .reshape({-1, 4 * height, 4 * width});
}

at::Tensor MaskDecoderImpl::read_by_kernel(const at::Tensor& image, const at::Tensor& readers, int64_t height,
                                           int64_t width) {
  const at::Tensor first = quadrupling_weight(upscale_conv1_), second = quadrupling_weight(upscale_conv2_);
  MaskReader reader;
  reader.width = width;
  reader.pixels = height * width;
  reader.channels = image.size(1);
  reader.middle = upscale_conv1_->weight.size(1);
  reader.last = upscale_conv2_->weight.size(1);
  reader.epsilon = static_cast<float>(upscale_layer_norm_->eps);
  reader.first_weight = first.const_data_ptr<float>();
  reader.first_bias = upscale_conv1_->bias.const_data_ptr<float>();
  reader.norm_weight = upscale_layer_norm_->weight.const_data_ptr<float>();
  reader.norm_bias = upscale_layer_norm_->bias.const_data_ptr<float>();
  reader.second_weight = second.const_data_ptr<float>();
  reader.second_bias = upscale_conv2_->bias.const_data_ptr<float>();
  const int64_t masks = readers.size(0);
  const at::Tensor logits = at::empty({masks, 4 * height, 4 * width}, image.options());
  in_parallel(reader.blocks(), [&](int64_t begin, int64_t end) {
    const auto scratch = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(reader.scratch_size(masks)));
    for (int64_t block = begin; block < end; ++block) {
      reader.read(block, image.const_data_ptr<float>(), readers.const_data_ptr<float>(), masks, scratch.get(),
                  logits.data_ptr<float>());
    }
  });
  return logits;
}

DecodedPrompts MaskDecoderImpl::decode(const at::Tensor& embedding, const at::Tensor& positions,
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
  return {iou_prediction_head_->forward(mixed.tokens.select(2, 0)), mixed.image.expand({batch, prompts, -1, -1}),
          at::stack(weights, 2), height, width};
}

at::Tensor MaskDecoderImpl::read_masks(const DecodedPrompts& decoded, int64_t image, int64_t prompt,
                                       at::IntArrayRef masks) {
  std::vector<at::Tensor> readers;
  for (const int64_t mask : masks) readers.push_back(decoded.readers[image][prompt][mask]);
  return read_masks(decoded.image[image][prompt], at::stack(readers), decoded.height, decoded.width);
}

at::Tensor MaskDecoderImpl::read_masks(const DecodedPrompts& decoded) {
  const auto batch = decoded.iou.size(0), prompts = decoded.iou.size(1), masks = decoded.iou.size(2);
  // One prompt at a time: what lies between image and masks then stays near the processor's cache.
  std::vector<at::Tensor> all;
  for (int64_t i = 0; i < batch * prompts; ++i) {
    all.push_back(read_masks(decoded.image[i / prompts][i % prompts], decoded.readers[i / prompts][i % prompts],
                             decoded.height, decoded.width));
  }
  return at::stack(all).view({batch, prompts, masks, 4 * decoded.height, 4 * decoded.width});
}

MaskDecoderImpl::Result MaskDecoderImpl::forward(const at::Tensor& embedding, const at::Tensor& positions,
                                                 const at::Tensor& sparse, const at::Tensor& dense) {
  const DecodedPrompts decoded = decode(embedding, positions, sparse, dense);
  return {read_masks(decoded), decoded.iou};
}

}  // namespace plat::nn
