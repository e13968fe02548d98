// SPDX-License-Identifier: Apache-2.0
#include "model/nn/layers.hpp"

#include "model/nn/recomputed.hpp"

#include <torch/nn/init.h>

#include <algorithm>

namespace plat::nn {

LayerNorm2dImpl::LayerNorm2dImpl(int64_t channels, double epsilon)
    : weight(register_parameter("weight", at::ones({channels}))),
      bias(register_parameter("bias", at::zeros({channels}))),
      eps(epsilon) {}

at::Tensor LayerNorm2dImpl::forward(const at::Tensor& x) {
  return at::layer_norm(x.permute({0, 2, 3, 1}), {x.size(1)}, weight, bias, eps).permute({0, 3, 1, 2});
}

ConvNormImpl::ConvNormImpl(int64_t in, int64_t out, const Options& options)
    : pad_behind_(options.pad_behind && options.stride == 2) {
  c = register_module("c", torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, options.kernel)
                                                 .stride(options.stride)
                                                 .padding(options.kernel / 2)
                                                 .groups(options.groups)
                                                 .bias(false)));
  bn = register_module(
      "bn", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(out).eps(options.epsilon).momentum(options.momentum)));
  torch::nn::init::constant_(bn->weight, options.initial_scale);
}

at::Tensor ConvNormImpl::forward(const at::Tensor& x) {
  return folded_weight_.defined() ? convolved(x, folded_weight_, folded_bias_)
                                  : bn->forward(convolved(x, c->weight, {}));
}

at::Tensor ConvNormImpl::convolved(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const {
  const auto& o = c->options;
  // Two pixels more before, and the first results left out: no padded copy of the larger image is made.
  const int64_t padding = o.kernel_size()->at(0) / 2 + (pad_behind_ ? 1 : 0);
  const at::Tensor out =
      at::conv2d(x, weight, bias, at::IntArrayRef(*o.stride()), {padding, padding}, {1, 1}, o.groups());
  if (!pad_behind_) return out;
  return out.slice(2, 1, 1 + x.size(2) / 2).slice(3, 1, 1 + x.size(3) / 2);
}

void ConvNormImpl::fold() {
  const at::NoGradGuard no_grad;
  const at::Tensor scale = bn->weight * at::rsqrt(bn->running_var + bn->options.eps());
  folded_weight_ = (c->weight * scale.view({-1, 1, 1, 1})).contiguous(c->weight.suggest_memory_format());
  folded_bias_ = bn->bias - bn->running_mean * scale;
}

void ConvNormImpl::train(bool on) {
  Module::train(on);
  if (!on) return;
  folded_weight_.reset();
  folded_bias_.reset();
}

std::shared_ptr<const Int16Linear> taken_as_int16(torch::nn::LinearImpl& layer) {
  const at::NoGradGuard no_grad;
  auto packed = std::make_shared<const Int16Linear>(layer.weight, layer.bias);
  layer.weight.set_data(at::empty({0}, layer.weight.options()));
  return packed;
}

MlpBlockImpl::MlpBlockImpl(int64_t width, int64_t hidden, const std::string& activation) : gelu(activation == "gelu") {
  lin1 = register_module("lin1", TunedLinear(width, hidden));
  lin2 = register_module("lin2", TunedLinear(hidden, width));
}

void MlpBlockImpl::use_int16() {
  int16_lin1_ = taken_as_int16(*lin1);
  int16_lin2_ = taken_as_int16(*lin2);
}

at::Tensor MlpBlockImpl::forward(const at::Tensor& x) {
  const at::Tensor out = int16_lin1_ ? int16_lin1_->forward_gelu(x, *int16_lin2_) : through(x);
  return adapter && adapter->active ? out + adapter->forward(x) : out;
}

at::Tensor MlpBlockImpl::through(const at::Tensor& x) {
  at::Tensor hidden = lin1->forward(x);
  // Where no gradient is wanted, in place: fresh memory costs four times as much as the arithmetic.
  const bool in_place = !at::GradMode::is_enabled();
  if (gelu) {
    hidden = in_place ? at::gelu_(hidden) : at::gelu(hidden);
  } else {
    hidden = in_place ? at::relu_(hidden) : at::relu(hidden);
  }
  return lin2->forward(hidden);
}

void MlpBlockImpl::add_bottleneck(int64_t hidden) {
  adapter = register_module("adapter", Bottleneck(lin1->weight.size(1), hidden));
}

FeedForwardImpl::FeedForwardImpl(int64_t in, int64_t hidden, int64_t out, int64_t depth) {
  proj_in = register_module("proj_in", torch::nn::Linear(in, hidden));
  layers = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 2; i < depth; ++i) layers->push_back(torch::nn::Linear(hidden, hidden));
  proj_out = register_module("proj_out", torch::nn::Linear(hidden, out));
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& x) {
  at::Tensor hidden = at::relu(proj_in->forward(x));
  for (const auto& layer : *layers) hidden = at::relu(layer->as<torch::nn::Linear>()->forward(hidden));
  return proj_out->forward(hidden);
}

at::Tensor run_block(torch::nn::Module& block, const std::function<at::Tensor(const at::Tensor&)>& forward,
                     const at::Tensor& x, bool recompute) {
  if (!at::GradMode::is_enabled()) return forward(x);
  const std::vector<at::Tensor> parameters = block.parameters();
  const auto learns = [](const at::Tensor& tensor) { return tensor.requires_grad(); };
  if (!x.requires_grad() && std::none_of(parameters.begin(), parameters.end(), learns)) {
    const at::NoGradGuard no_gradient;
    return forward(x);
  }
  return recompute ? recomputed(forward, x) : forward(x);
}

}  // namespace plat::nn
