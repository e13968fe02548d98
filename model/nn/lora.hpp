// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace plat::nn {

/// A tensor that has a name of its own among the parameters.
struct FactorImpl : torch::nn::Module {
  explicit FactorImpl(at::Tensor values) : weight(register_parameter("weight", std::move(values))) {}
  at::Tensor weight;
};
TORCH_MODULE(Factor);

/// A linear layer that low-rank adaptation (Hu et al. 2021, https://arxiv.org/abs/2106.09685) can be put beside: the
/// layer's own weight stays as it is, and scale · B A is added to what it does. Names are peft's: `lora_A.weight`,
/// `lora_B.weight`.
struct TunedLinearImpl : torch::nn::LinearImpl {
  using torch::nn::LinearImpl::LinearImpl;
  at::Tensor forward(const at::Tensor& x);

  /// A random A (Kaiming) and a B of zeros, so that nothing changes at first. `slots`: which of the layer's outputs are
  /// adapted, each with its own pair, where it is query (0), key (1) and value (2) in one; empty for one pair for all.
  void add_lora(int64_t rank, double alpha, std::vector<int64_t> slots);
  bool has_lora() const { return !lora_a.is_empty(); }
  /// The factors A (R, in) and B (out, R) as peft has them: the pairs of the slots stacked, zeros where a slot has none.
  std::pair<at::Tensor, at::Tensor> factors() const;
  /// What scales their product; peft's alpha over its rank.
  double lora_scale() const { return scale_; }
  /// Adds scale · B A to the weight and takes the factors out.
  void merge_lora();

  Factor lora_a{nullptr}, lora_b{nullptr};
  int64_t groups = 1;       ///< a fused layer's outputs: this many times query, key, value
  bool lora_active = true;  ///< off: the layer alone, bit for bit

 private:
  std::vector<int64_t> slots_;
  double scale_ = 0;
};
TORCH_MODULE(TunedLinear);

/// A bottleneck beside an MLP (AdaptFormer, Chen et al. 2022, https://arxiv.org/abs/2205.13535); adds nothing at first.
struct BottleneckImpl : torch::nn::Module {
  BottleneckImpl(int64_t channels, int64_t width);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::Linear down{nullptr}, up{nullptr};
  bool active = true;
};
TORCH_MODULE(Bottleneck);

/// How a layer is adapted.
struct LoraPlace {
  std::vector<int64_t> slots;  ///< of TunedLinear::add_lora
};
/// How LoRA adapts a layer of an encoder, by the layer's name; nothing where it does not.
std::optional<LoraPlace> lora_place(const AdapterConfig& config, std::string_view layer);

/// Puts what `config` asks for beside the layers of an encoder.
void add_adapters(torch::nn::Module& encoder, const AdapterConfig& config);
/// Switches all adapters of a network on or off.
void switch_adapters(torch::nn::Module& network, bool on);
/// Merges every LoRA of a network into its weights.
void merge_lora(torch::nn::Module& network);

}  // namespace plat::nn
