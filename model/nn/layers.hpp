// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/int16_linear.hpp"
#include "model/nn/lora.hpp"

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace plat::nn {

/// Layer normalisation over the channels of (B, C, H, W), at each pixel.
struct LayerNorm2dImpl : torch::nn::Module {
  explicit LayerNorm2dImpl(int64_t channels, double epsilon = 1e-6);
  at::Tensor forward(const at::Tensor& x);

  at::Tensor weight, bias;
  double eps;
};
TORCH_MODULE(LayerNorm2d);

/// A convolution without bias, then batch normalisation: TinyViT's Conv2d_BN, with its names `c` and `bn`.
struct ConvNormImpl : torch::nn::Module {
  struct Options {
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t groups = 1;
    double initial_scale = 1;  ///< of the normalised result; 0 makes a residual branch start as nothing
    bool pad_behind = false;   ///< as TensorFlow pads where the stride is 2: one pixel less before than behind
    double epsilon = 1e-5;     ///< of the normalisation
    double momentum = 0.1;     ///< by which its statistics follow a batch
  };
  ConvNormImpl(int64_t in, int64_t out, const Options& options);
  ConvNormImpl(int64_t in, int64_t out, int64_t kernel) : ConvNormImpl(in, out, Options{.kernel = kernel}) {}
  at::Tensor forward(const at::Tensor& x);
  /// Makes one convolution of both for eval mode, until the next train().
  void fold();
  void train(bool on = true) override;

  torch::nn::Conv2d c{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};

 private:
  at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const;
  bool pad_behind_;
  at::Tensor folded_weight_, folded_bias_;
};
TORCH_MODULE(ConvNorm);

/// The layer in whole numbers of 16 bits; its float32 weight is given up (its shape becomes [0]), its bias stays.
std::shared_ptr<const Int16Linear> taken_as_int16(torch::nn::LinearImpl& layer);

/// Two linear layers with an activation between: SAM's MLP block.
struct MlpBlockImpl : torch::nn::Module {
  MlpBlockImpl(int64_t width, int64_t hidden, const std::string& activation);
  at::Tensor forward(const at::Tensor& x);
  /// For inference from now on; only with GELU.
  void use_int16();
  void add_bottleneck(int64_t hidden);

  TunedLinear lin1{nullptr}, lin2{nullptr};
  Bottleneck adapter{nullptr};  ///< beside the block, null unless added
  bool gelu;

 private:
  at::Tensor through(const at::Tensor& x);
  std::shared_ptr<const Int16Linear> int16_lin1_, int16_lin2_;
};
TORCH_MODULE(MlpBlock);

/// `depth` linear layers with ReLU between: SAM's hypernetworks and IoU head.
struct FeedForwardImpl : torch::nn::Module {
  FeedForwardImpl(int64_t in, int64_t hidden, int64_t out, int64_t depth);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::Linear proj_in{nullptr}, proj_out{nullptr};
  torch::nn::ModuleList layers;
};
TORCH_MODULE(FeedForward);

/// Runs a block of an encoder: without gradients where neither its input nor its parameters learn, so that nothing of it is
/// kept; where they do, and `recompute`, by recomputed().
at::Tensor run_block(torch::nn::Module& block, const std::function<at::Tensor(const at::Tensor&)>& forward,
                     const at::Tensor& x, bool recompute);

}  // namespace plat::nn
