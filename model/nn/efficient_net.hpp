// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/layers.hpp"
#include "model/sam_config.hpp"

#include <vector>

namespace plat::nn {

/// An inverted bottleneck: wider by a 1 x 1 convolution, filtered channel by channel, narrow again. Takes and returns
/// (B, C, H, W), fastest in channels-last memory.
struct InvertedBottleneckImpl : torch::nn::Module {
  struct Options {
    int64_t kernel, stride, expand_ratio;
    double epsilon;
  };
  InvertedBottleneckImpl(int64_t in, int64_t out, const Options& options);
  at::Tensor forward(const at::Tensor& x);

  ConvNorm expand{nullptr};  ///< null where nothing is wider
  ConvNorm depthwise{nullptr}, project{nullptr};

 private:
  bool residual_;
};
TORCH_MODULE(InvertedBottleneck);

/// EfficientNet-Lite (Tan and Le 2019, https://arxiv.org/abs/1905.11946; Lite: no squeeze-and-excitation, ReLU6, a stem of fixed
/// width) without its head, as TensorFlow pads; behind it a neck that joins strides 16 and 32 to SAM's embedding.
struct EfficientNetImpl : torch::nn::Module {
  explicit EfficientNetImpl(const EfficientNetConfig& config);

  /// The embedding at stride 16 and the features at strides 2, 4 and 8, after the last stage of each.
  struct Features {
    at::Tensor embedding, stride2, stride4, stride8;
  };
  Features forward(const at::Tensor& pixels);
  /// What the last stages at strides 2, 4, 8, 16 and 32 give, without the neck.
  std::vector<at::Tensor> stages(const at::Tensor& pixels);

  /// Trades time for memory in training, in eval mode only: batch normalisation would count each batch twice.
  bool recompute = false;

 private:
  ConvNorm stem_{nullptr};
  std::vector<InvertedBottleneck> blocks_;
  std::vector<std::size_t> taps_;  ///< the blocks after which strides 2, 4, 8, 16 and 32 are complete
  torch::nn::Conv2d project16_{nullptr}, project32_{nullptr}, conv_{nullptr};
  LayerNorm2d norm1_{nullptr}, norm2_{nullptr};
};
TORCH_MODULE(EfficientNet);

}  // namespace plat::nn
