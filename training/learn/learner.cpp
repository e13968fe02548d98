// SPDX-License-Identifier: Apache-2.0
#include "training/learn/learner.hpp"

#include "training/forgetting/distillation.hpp"
#include "training/learn/losses.hpp"
#include "training/learn/schedule.hpp"

#include <ATen/ATen.h>
#include <torch/nn/utils/clip_grad.h>

#include <vector>

namespace plat::nn {

StepLoss& StepLoss::operator+=(const StepLoss& other) {
  total += other.total;
  extent += other.extent;
  boundary += other.boundary;
  distance += other.distance;
  prompt += other.prompt;
  distil += other.distil;
  return *this;
}

StepLoss StepLoss::operator*(double share) const {
  return {share * total, share * extent, share * boundary, share * distance, share * prompt, share * distil};
}

Learner::Learner(const TrainOptions& options, const ModelDescription& model, TrainState& state, int threads)
    : options_(options),
      model_(model),
      state_(state),
      replicas_(state.network, options.parts, [&options](Sam& copy) { set_mode(copy, options.method); }),
      threads_(threads) {}

int64_t Learner::unlabelled_per_step() const {
  return options_.forgetting.distil > 0 ? replicas_.parts() * options_.method.accumulate : 0;
}

StepLoss Learner::step(std::span<const Sample> samples, std::span<const Sample> unlabelled, double rate) {
  state_.set_rate(rate);
  state_.optimizer->zero_grad();
  const int64_t parts = replicas_.parts(), all = parts * options_.method.accumulate;
  const std::size_t size = samples.size() / static_cast<std::size_t>(all);
  std::vector<StepLoss> losses(static_cast<std::size_t>(all));
  for (int64_t first = 0; first < all; first += parts) {
    replicas_.run(threads_, [&](Sam& network, int part) {
      const auto index = static_cast<std::size_t>(first + part);
      losses[index] = learn(network, samples.subspan(index * size, size), first + part);
      if (unlabelled.empty()) return;
      losses[index].distil = follow_base(network, unlabelled[index], first + part);
      losses[index].total += options_.forgetting.distil * losses[index].distil;
    });
  }
  if (options_.forgetting.l2_sp > 0) pull_back();
  torch::nn::utils::clip_grad_norm_(state_.learned_of(state_.network), options_.optimizer.clip_norm);
  state_.optimizer->step();
  state_.update_average(average_decay(options_.optimizer, state_.step));
  ++state_.step;
  StepLoss sum;
  for (const StepLoss& loss : losses) sum += loss;
  return sum * (1 / static_cast<double>(all));
}

Encoded Learner::encode(Sam& network, const Batch& batch) const {
  if (!options_.method.frozen_encoder()) return network->encode(batch.pixels);
  Encoded encoded;
  {
    const at::NoGradGuard no_gradient;
    const auto encode = [&network](const at::Tensor& pixels) { return network->encode_image(pixels); };
    encoded = cache_ != nullptr ? cache_->get(batch.pixels, encode) : encode(batch.pixels);
  }
  network->add_detail(encoded, batch.pixels);
  return encoded;
}

StepLoss Learner::learn(Sam& network, std::span<const Sample> samples, int64_t part) {
  // Every random number of this part comes from its own number, so that a resumed run draws the same ones.
  const int64_t parts = options_.parts * options_.method.accumulate;
  Random random(options_.seed, (uint64_t{1} << 40) + static_cast<uint64_t>(state_.step * parts + part));
  const TokenOffset offset = random_offset(network, random);
  const Batch batch = on_device(make_batch(samples, model_), state_.device());
  const Encoded encoded = encode(network, batch);
  const ClassMaps maps = network->forward_classes(encoded, offset);
  const ClassLoss loss = class_loss(at::cat({maps.extent, maps.boundary, maps.distance}, 1), maps.auxiliary, batch.maps,
                                    batch.counts, options_.loss);
  at::Tensor total = loss.total;
  StepLoss out;
  if (options_.loss.prompt > 0 && random.chance(options_.loss.prompt_share)) {
    const PromptMasks masks = network->forward_prompts(encoded.embedding, batch.prompts, offset);
    const at::Tensor prompted = prompt_loss(masks.logits, masks.iou, batch.prompt_masks, batch.prompt_known);
    total = total + options_.loss.prompt * prompted;
    out.prompt = prompted.item<double>();
  }
  (total / static_cast<double>(parts)).backward();
  out.total = total.item<double>();
  out.extent = loss.extent.item<double>();
  out.boundary = loss.boundary.item<double>();
  out.distance = loss.distance.item<double>();
  return out;
}

double Learner::follow_base(Sam& network, const Sample& crop, int64_t part) {
  const int64_t parts = options_.parts * options_.method.accumulate;
  Random random(options_.seed, (uint64_t{1} << 42) + static_cast<uint64_t>(state_.step * parts + part));
  const TokenOffset offset = random_offset(network, random);
  const at::Tensor pixels = make_batch(std::span(&crop, 1), model_).pixels.to(state_.device());
  const Prompts prompts =
      on_device(random_points(1, options_.loss.prompts_per_crop, options_.crop.size, random), state_.device());
  PromptMasks wanted;
  {
    const at::NoGradGuard no_gradient;
    wanted = state_.base->forward_prompts(state_.base->encode_image(pixels).embedding, prompts, offset);
  }
  const PromptMasks masks = network->forward_prompts(network->encode_image(pixels).embedding, prompts, offset);
  const at::Tensor loss = distillation_loss(masks, wanted);
  if (loss.requires_grad()) (loss * (options_.forgetting.distil / static_cast<double>(parts))).backward();
  return loss.item<double>();
}

void Learner::pull_back() {
  const at::NoGradGuard no_gradient;
  const auto before = state_.base->named_parameters();
  for (auto& item : state_.network->named_parameters()) {
    at::Tensor& gradient = item.value().mutable_grad();
    if (!gradient.defined() || !state_.has_counterpart(item.key())) continue;
    gradient.add_(item.value() - before[item.key()], options_.forgetting.l2_sp);
  }
}

TokenOffset Learner::random_offset(const Sam& network, Random& random) const {
  const SamConfig& config = network->config();
  const int64_t free = config.is_vit() ? 0 : (config.image_size() - options_.crop.size) / 16;
  if (free <= 0) return {};
  const int64_t row = random.integer(free + 1);
  return {row, random.integer(free + 1)};
}

}  // namespace plat::nn
