// SPDX-License-Identifier: Apache-2.0
#include "model/nn/efficient_net.hpp"

#include <string>

namespace plat::nn {
namespace {

// The reference's own: statistics follow the last hundred batches.
constexpr double kMomentum = 0.01;

/// ReLU6. Where no gradient is wanted, in place: fresh memory costs more than the arithmetic.
at::Tensor clipped(at::Tensor x) { return at::GradMode::is_enabled() ? at::hardtanh(x, 0, 6) : at::hardtanh_(x, 0, 6); }

}  // namespace

InvertedBottleneckImpl::InvertedBottleneckImpl(int64_t in, int64_t out, const Options& options)
    : residual_(options.stride == 1 && in == out) {
  const int64_t wide = in * options.expand_ratio;
  ConvNormImpl::Options plain{.epsilon = options.epsilon, .momentum = kMomentum};
  if (options.expand_ratio != 1) expand = register_module("expand", ConvNorm(in, wide, plain));
  ConvNormImpl::Options filter = plain;
  filter.kernel = options.kernel;
  filter.stride = options.stride;
  filter.groups = wide;
  filter.pad_behind = true;
  depthwise = register_module("depthwise", ConvNorm(wide, wide, filter));
  project = register_module("project", ConvNorm(wide, out, plain));
}

at::Tensor InvertedBottleneckImpl::forward(const at::Tensor& x) {
  at::Tensor wide = x;
  if (expand) wide = clipped(expand->forward(wide));
  const at::Tensor out = project->forward(clipped(depthwise->forward(wide)));
  return residual_ ? out + x : out;
}

EfficientNetImpl::EfficientNetImpl(const EfficientNetConfig& config) {
  stem_ = register_module(
      "stem",
      ConvNorm(
          3, config.stem_channels,
          ConvNormImpl::Options{
              .kernel = 3, .stride = 2, .pad_behind = true, .epsilon = config.batch_norm_eps, .momentum = kMomentum}));
  const auto list = register_module("blocks", std::make_shared<torch::nn::Module>());
  int64_t in = config.stem_channels;
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    for (int64_t j = 0; j < config.depths[i]; ++j) {
      const InvertedBottleneckImpl::Options options{.kernel = config.kernel_sizes[i],
                                                    .stride = j == 0 ? config.strides[i] : 1,
                                                    .expand_ratio = config.expand_ratios[i],
                                                    .epsilon = config.batch_norm_eps};
      blocks_.push_back(
          list->register_module(std::to_string(blocks_.size()), InvertedBottleneck(in, config.channels[i], options)));
      in = config.channels[i];
    }
    ends.push_back(blocks_.size() - 1);
  }
  for (const int64_t stride : {2, 4, 8, 16, 32}) taps_.push_back(ends[config.last_stage(stride)]);
  const int64_t out = config.output_channels;
  using Options = torch::nn::Conv2dOptions;
  const auto neck = register_module("neck", std::make_shared<torch::nn::Module>());
  const auto projected = [&](const char* name, int64_t stride) {
    return neck->register_module(
        name, torch::nn::Conv2d(Options(config.channels[config.last_stage(stride)], out, 1).bias(false)));
  };
  project16_ = projected("project16", 16);
  project32_ = projected("project32", 32);
  norm1_ = neck->register_module("norm1", LayerNorm2d(out));
  conv_ = neck->register_module("conv", torch::nn::Conv2d(Options(out, out, 3).padding(1).bias(false)));
  norm2_ = neck->register_module("norm2", LayerNorm2d(out));
}

std::vector<at::Tensor> EfficientNetImpl::stages(const at::Tensor& pixels) {
  std::vector<at::Tensor> found;
  at::Tensor x = clipped(stem_->forward(pixels));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto& block = blocks_[i];
    x = run_block(
        *block, [&block](const at::Tensor& in) { return block->forward(in); }, x, recompute && !is_training());
    if (found.size() < taps_.size() && i == taps_[found.size()]) found.push_back(x);
  }
  return found;
}

EfficientNetImpl::Features EfficientNetImpl::forward(const at::Tensor& pixels) {
  const std::vector<at::Tensor> found = stages(pixels);
  const at::Tensor fine = project16_->forward(found[3]);
  const at::Tensor coarse =
      at::upsample_bilinear2d(project32_->forward(found[4]), {fine.size(2), fine.size(3)}, /*align_corners=*/false);
  const at::Tensor joined = at::relu(norm1_->forward(fine + coarse));
  return {norm2_->forward(conv_->forward(joined)), found[0], found[1], found[2]};
}

}  // namespace plat::nn
