// SPDX-License-Identifier: Apache-2.0
#include "model/nn/class_decoder.hpp"

#include "model/model_description.hpp"

#include <cmath>
#include <string>

namespace plat::nn {
namespace {

at::Tensor enlarged(const at::Tensor& x) {
  return at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, /*align_corners=*/false);
}

}  // namespace

DetailStemImpl::DetailStemImpl(const std::vector<int64_t>& channels) {
  int64_t in = 3;
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    convs_[i] =
        register_module(std::to_string(i), ConvNorm(in, channels[i], ConvNormImpl::Options{.kernel = 3, .stride = 2}));
    in = channels[i];
  }
}

std::array<at::Tensor, 3> DetailStemImpl::forward(const at::Tensor& pixels) {
  std::array<at::Tensor, 3> features;
  at::Tensor x = pixels;
  for (std::size_t i = 0; i < convs_.size(); ++i) x = features[i] = at::gelu(convs_[i]->forward(x));
  return features;
}

FusionImpl::FusionImpl(int64_t in, int64_t skip, int64_t out, int64_t convs) {
  using Options = torch::nn::Conv2dOptions;
  proj_ = register_module("proj", torch::nn::Conv2d(Options(in, out, 1)));
  lateral_ = register_module("lateral", torch::nn::Conv2d(Options(skip, out, 1)));
  const auto block = register_module("block", std::make_shared<torch::nn::Module>());
  const auto list = block->register_module("convs", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < convs; ++i) {
    convs_.push_back(list->register_module(std::to_string(i), ConvNorm(out, out, 3)));
  }
}

at::Tensor FusionImpl::forward(const at::Tensor& x, const at::Tensor& feature) {
  at::Tensor fused = at::relu(enlarged(proj_->forward(x)) + lateral_->forward(feature));
  for (auto& conv : convs_) fused = at::relu(conv->forward(fused));
  return fused;
}

ClassDecoderImpl::ClassDecoderImpl(const ClassDecoderConfig& config, int64_t channels,
                                   const std::vector<int64_t>& feature_dims)
    : classes_(config.classes), subpixel_(config.subpixel) {
  const auto& from = feature_dims.empty() ? config.stem_dims : feature_dims;
  const auto& to = config.fuse_dims;
  const auto& convs = config.fuse_convs;
  if (feature_dims.empty()) stem = register_module("stem", DetailStem(config.stem_dims));
  const int64_t maps = kMapsPerClass * classes_;
  output_tokens_ = register_module("output_tokens", torch::nn::Embedding(maps, channels));
  prompt_tokens_ = register_module("prompt_tokens", torch::nn::Embedding(config.prompt_tokens * classes_, channels));
  fuse8_ = register_module("fuse8", Fusion(channels, from[2], to[0], convs[0]));
  fuse4_ = register_module("fuse4", Fusion(to[0], from[1], to[1], convs[1]));
  fuse2_ = register_module("fuse2", Fusion(to[1], from[0], to[2], convs[2]));
  const auto networks = register_module("hypernetworks", std::make_shared<torch::nn::Module>());
  for (std::size_t i = 0; i < hypernetworks_.size(); ++i) {
    hypernetworks_[i] =
        networks->register_module(std::to_string(i), FeedForward(channels, channels, to[2] * subpixel_ * subpixel_, 3));
  }
  bias_ = register_parameter("bias", at::zeros({maps}));
  aux_ = register_module("aux", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, maps, 1)));
}

ClassDecoderImpl::Result ClassDecoderImpl::forward(TwoWayTransformerImpl& transformer, const at::Tensor& image,
                                                   const at::Tensor& positions, int64_t height, int64_t width,
                                                   const std::array<at::Tensor, 3>& features) {
  const auto batch = image.size(0), channels = image.size(3);
  const at::Tensor tokens = at::cat({output_tokens_->weight, prompt_tokens_->weight}).expand({batch, 1, -1, channels});
  const auto mixed = transformer.forward(tokens, image, positions);
  const at::Tensor embedding = mixed.image.squeeze(1).view({batch, height, width, channels}).permute({0, 3, 1, 2});
  at::Tensor detail = fuse8_->forward(embedding, features[2]);
  detail = fuse4_->forward(detail, features[1]);
  detail = fuse2_->forward(detail, features[0]);

  const int64_t maps = kMapsPerClass * classes_, parts = subpixel_ * subpixel_, width_of_detail = detail.size(1);
  std::vector<at::Tensor> weights;
  for (int64_t i = 0; i < maps; ++i) {
    weights.push_back(
        hypernetworks_[static_cast<std::size_t>(i % kMapsPerClass)]->forward(mixed.tokens.select(1, 0).select(1, i)));
  }
  const at::Tensor weight = at::stack(weights, 1).view({batch, maps * parts, width_of_detail});
  const at::Tensor pixels = detail.permute({0, 2, 3, 1}).flatten(1, 2);
  at::Tensor logits =
      at::matmul(weight, pixels.transpose(1, 2)).view({batch, maps * parts, detail.size(2), detail.size(3)});
  if (subpixel_ == 2) logits = at::pixel_shuffle(logits, 2);
  // A dot product of n numbers grows with the root of n; the division keeps its size whatever the width.
  logits = logits / std::sqrt(static_cast<double>(width_of_detail)) + bias_.view({-1, 1, 1});
  if (subpixel_ == 1) logits = enlarged(logits);
  return {logits, is_training() ? aux_->forward(embedding) : at::Tensor()};
}

}  // namespace plat::nn
