// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/two_way_transformer.hpp"

#include <torch/nn/modules/embedding.h>

#include <array>
#include <vector>

namespace plat::nn {

/// Features of the image at strides 2, 4 and 8 beside an encoder that has none (ViT).
struct DetailStemImpl : torch::nn::Module {
  explicit DetailStemImpl(const std::vector<int64_t>& channels);
  std::array<at::Tensor, 3> forward(const at::Tensor& pixels);

 private:
  std::array<ConvNorm, 3> convs_{nullptr, nullptr, nullptr};
};
TORCH_MODULE(DetailStem);

/// Twice as large, with an early feature added: 1 x 1 convolutions to a common width, then 3 x 3 ones.
struct FusionImpl : torch::nn::Module {
  FusionImpl(int64_t in, int64_t skip, int64_t out, int64_t convs);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& feature);

 private:
  torch::nn::Conv2d proj_{nullptr}, lateral_{nullptr};
  std::vector<ConvNorm> convs_;
};
TORCH_MODULE(Fusion);

/// Maps of classes without a prompt: each class has learned prompt tokens and three output tokens, which pass through
/// the mask decoder's transformer; networks made from the output tokens then read the maps off the embedding fused with
/// early features.
struct ClassDecoderImpl : torch::nn::Module {
  /// `feature_dims`: channels of the encoder's features at strides 2, 4, 8; empty where the encoder has none.
  ClassDecoderImpl(const ClassDecoderConfig& config, int64_t channels, const std::vector<int64_t>& feature_dims);

  struct Result {
    at::Tensor maps;       ///< logits (B, 3K, 16h, 16w), band 3 · class + map
    at::Tensor auxiliary;  ///< logits (B, 3K, h, w) in training mode
  };
  /// `image`: tokens (B, 1, h · w, C) with the dense prompt added; `features` at strides 2, 4, 8.
  Result forward(TwoWayTransformerImpl& transformer, const at::Tensor& image, const at::Tensor& positions,
                 int64_t height, int64_t width, const std::array<at::Tensor, 3>& features);

  DetailStem stem{nullptr};  ///< null where the encoder has features

 private:
  int64_t classes_, subpixel_;
  torch::nn::Embedding output_tokens_{nullptr}, prompt_tokens_{nullptr};
  Fusion fuse8_{nullptr}, fuse4_{nullptr}, fuse2_{nullptr};
  std::array<FeedForward, 3> hypernetworks_{nullptr, nullptr, nullptr};  ///< extent, boundary, distance
  at::Tensor bias_;
  torch::nn::Conv2d aux_{nullptr};
};
TORCH_MODULE(ClassDecoder);

}  // namespace plat::nn
