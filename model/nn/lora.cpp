// SPDX-License-Identifier: Apache-2.0
#include "model/nn/lora.hpp"

#include "core/error.hpp"
#include "model/nn/layers.hpp"
#include "model/nn/tiny_vit.hpp"

#include <torch/nn/init.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace plat::nn {
namespace {

constexpr int64_t kSlots = 3;

/// A part of a network that LoRA's targets name.
struct Place {
  std::string_view module;  ///< how the name of the layer ends
  std::string_view target;
};

constexpr std::array<Place, 6> kPlaces = {{{".attn.qkv", "qkv"},
                                           {".attn.proj", "proj"},
                                           {".mlp.lin1", "mlp"},
                                           {".mlp.lin2", "mlp"},
                                           {".mlp.fc1", "mlp"},
                                           {".mlp.fc2", "mlp"}}};

}  // namespace

at::Tensor TunedLinearImpl::forward(const at::Tensor& x) {
  const at::Tensor out = LinearImpl::forward(x);
  if (!has_lora() || !lora_active) return out;
  const auto [a, b] = factors();
  return out + at::linear(at::linear(x, a) * scale_, b);
}

void TunedLinearImpl::add_lora(int64_t rank, double alpha, std::vector<int64_t> slots) {
  slots_ = std::move(slots);
  scale_ = alpha / static_cast<double>(rank);
  const int64_t in = weight.size(1), out = weight.size(0), pairs = slots_.empty() ? 1 : std::ssize(slots_);
  at::Tensor a = at::empty({pairs * rank, in}, weight.options().requires_grad(false));
  torch::nn::init::kaiming_uniform_(a, std::sqrt(5.0));
  lora_a = register_module("lora_A", Factor(a));
  const at::Tensor b = slots_.empty() ? at::zeros({out, rank}) : at::zeros({pairs, out / kSlots, rank});
  lora_b = register_module("lora_B", Factor(b));
}

std::pair<at::Tensor, at::Tensor> TunedLinearImpl::factors() const {
  if (slots_.empty()) return {lora_a->weight, lora_b->weight};
  const int64_t pairs = lora_b->weight.size(0), rows = lora_b->weight.size(1), rank = lora_b->weight.size(2);
  std::vector<at::Tensor> blocks;
  for (int64_t slot = 0; slot < kSlots; ++slot) {
    const auto found = std::find(slots_.begin(), slots_.end(), slot);
    if (found == slots_.end()) {
      blocks.push_back(lora_b->weight.new_zeros({groups, rows / groups, pairs * rank}));
      continue;
    }
    const int64_t pair = found - slots_.begin();
    const at::Tensor own = at::constant_pad_nd(lora_b->weight[pair], {pair * rank, (pairs - 1 - pair) * rank});
    blocks.push_back(own.view({groups, rows / groups, pairs * rank}));
  }
  return {lora_a->weight, at::stack(blocks, 1).reshape({kSlots * rows, pairs * rank})};
}

void TunedLinearImpl::merge_lora() {
  if (!has_lora()) return;
  const at::NoGradGuard no_gradient;
  const auto [a, b] = factors();
  weight.add_(at::matmul(b, a), scale_);
  unregister_module("lora_A");
  unregister_module("lora_B");
  lora_a = nullptr;
  lora_b = nullptr;
}

BottleneckImpl::BottleneckImpl(int64_t channels, int64_t width) {
  down = register_module("down", torch::nn::Linear(channels, width));
  up = register_module("up", torch::nn::Linear(width, channels));
  torch::nn::init::zeros_(up->weight);
  torch::nn::init::zeros_(up->bias);
}

at::Tensor BottleneckImpl::forward(const at::Tensor& x) { return up->forward(at::relu(down->forward(x))); }

std::optional<LoraPlace> lora_place(const AdapterConfig& config, std::string_view layer) {
  if (config.rank == 0) return std::nullopt;
  const auto wanted = [&config](std::string_view target) {
    return std::find(config.targets.begin(), config.targets.end(), target) != config.targets.end();
  };
  const auto place =
      std::find_if(kPlaces.begin(), kPlaces.end(), [&](const Place& p) { return layer.ends_with(p.module); });
  if (place == kPlaces.end()) return std::nullopt;
  LoraPlace found;
  constexpr std::string_view kFused = "qkv";
  if (place->target == kFused) {
    for (int64_t slot = 0; slot < kSlots; ++slot) {
      if (wanted(kFused.substr(static_cast<std::size_t>(slot), 1))) found.slots.push_back(slot);
    }
  }
  if (found.slots.empty() && !wanted(place->target)) return std::nullopt;
  return found;
}

void add_adapters(torch::nn::Module& encoder, const AdapterConfig& config) {
  for (const auto& item : encoder.named_modules("", /*include_self=*/false)) {
    if (auto* linear = item.value()->as<TunedLinearImpl>()) {
      if (auto place = lora_place(config, item.key())) linear->add_lora(config.rank, config.alpha, place->slots);
    }
    if (config.bottleneck == 0) continue;
    if (auto* mlp = item.value()->as<MlpBlockImpl>()) mlp->add_bottleneck(config.bottleneck);
    if (auto* mlp = item.value()->as<TinyVitMlpImpl>()) mlp->add_bottleneck(config.bottleneck);
  }
}

void switch_adapters(torch::nn::Module& network, bool on) {
  for (const auto& module : network.modules(/*include_self=*/false)) {
    if (auto* linear = module->as<TunedLinearImpl>()) linear->lora_active = on;
    if (auto* bottleneck = module->as<BottleneckImpl>()) bottleneck->active = on;
  }
}

void merge_lora(torch::nn::Module& network) {
  for (const auto& module : network.modules(/*include_self=*/false)) {
    if (auto* linear = module->as<TunedLinearImpl>()) linear->merge_lora();
  }
}

}  // namespace plat::nn
