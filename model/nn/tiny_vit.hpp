// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/layers.hpp"
#include "model/sam_config.hpp"

#include <torch/nn/modules/normalization.h>

#include <array>
#include <vector>

namespace plat::nn {

/// TinyViT (Wu et al. 2022, https://arxiv.org/abs/2207.10666) as MobileSAM changed it for SAM (Zhang et al. 2023,
/// https://arxiv.org/abs/2306.14289), with MobileSAM's parameter names. All modules take and return (B, C, H, W),
/// fastest in channels-last memory.

/// Attention within windows, with a learned bias for each pair of |row| and |col| distances.
struct WindowAttentionImpl : torch::nn::Module {
  WindowAttentionImpl(int64_t channels, int64_t heads, int64_t window);
  /// `x`: (windows, window², C).
  at::Tensor forward(const at::Tensor& x);
  void look_biases_up();
  void train(bool on = true) override;

  torch::nn::LayerNorm norm{nullptr};
  TunedLinear qkv{nullptr}, proj{nullptr};
  at::Tensor attention_biases;  ///< (heads, distinct distances)

 private:
  at::Tensor bias() const;
  int64_t heads_;
  at::Tensor bias_index_;  ///< (window⁴), which distance each pair of tokens has
  at::Tensor looked_up_;   ///< (heads, window², window²) for inference
};
TORCH_MODULE(WindowAttention);

struct TinyVitMlpImpl : torch::nn::Module {
  TinyVitMlpImpl(int64_t channels, int64_t hidden);
  at::Tensor forward(const at::Tensor& x);
  void add_bottleneck(int64_t hidden);

  torch::nn::LayerNorm norm{nullptr};
  TunedLinear fc1{nullptr}, fc2{nullptr};
  Bottleneck adapter{nullptr};  ///< beside the block, null unless added
};
TORCH_MODULE(TinyVitMlp);

/// One block of a stage: convolutional in the first, attention in the others.
struct TinyVitBlock : torch::nn::Module {
  explicit TinyVitBlock(double drop_path_rate) : drop_path(drop_path_rate) {}
  virtual at::Tensor forward(const at::Tensor& x) = 0;

 protected:
  /// Leaves the branch out for some images of the batch while training (stochastic depth).
  at::Tensor dropped(const at::Tensor& branch) const;
  double drop_path;
};

struct ConvBlockImpl : TinyVitBlock {
  ConvBlockImpl(int64_t channels, int64_t hidden, double drop_path_rate);
  at::Tensor forward(const at::Tensor& x) override;

  ConvNorm conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
};

struct AttentionBlockImpl : TinyVitBlock {
  struct Options {
    int64_t heads, window, mlp_hidden, local_conv_size;
    double drop_path_rate;
  };
  AttentionBlockImpl(int64_t channels, const Options& options);
  at::Tensor forward(const at::Tensor& x) override;

  WindowAttention attn{nullptr};
  TinyVitMlp mlp{nullptr};
  ConvNorm local_conv{nullptr};

 private:
  int64_t window_;
};

/// The step from one stage to the next.
struct PatchMergingImpl : torch::nn::Module {
  PatchMergingImpl(int64_t in, int64_t out, int64_t stride);
  at::Tensor forward(const at::Tensor& x);

  ConvNorm conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
};
TORCH_MODULE(PatchMerging);

struct TinyVitImpl : torch::nn::Module {
  explicit TinyVitImpl(const TinyVitConfig& config);

  /// The embedding at stride 16 and the features at strides 2 (after the first convolution), 4 and 8 (after the first
  /// two stages).
  struct Features {
    at::Tensor embedding, stride2, stride4, stride8;
  };
  Features forward(const at::Tensor& pixels);

  /// Trades time for memory in training (checkpoint.hpp), in eval mode only: batch normalisation would count each batch
  /// twice, and drop path would draw anew.
  bool recompute = false;

 private:
  struct Stage {
    std::vector<std::shared_ptr<TinyVitBlock>> blocks;
    PatchMerging downsample{nullptr};
  };
  Stage make_stage(const TinyVitConfig& config, std::size_t index);

  ConvNorm stem1_{nullptr}, stem2_{nullptr};
  std::array<Stage, 4> stages_;
  torch::nn::Conv2d neck_conv1_{nullptr}, neck_conv2_{nullptr};
  LayerNorm2d neck_norm1_{nullptr}, neck_norm2_{nullptr};
};
TORCH_MODULE(TinyVit);

}  // namespace plat::nn
