// SPDX-License-Identifier: Apache-2.0
#include "training/learn/train_state.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"

#include <ATen/ATen.h>
#include <torch/serialize.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

namespace plat::nn {
namespace {

/// Whether weight decay pulls a parameter to zero: the weights of linear layers and convolutions, but not what is added
/// (biases, norms) nor what stands for a thing of its own (tokens, prompt embeddings, position biases).
bool decays(std::string_view name, const at::Tensor& parameter) {
  const auto ends_with = [name](std::string_view end) { return name.ends_with(end); };
  if (parameter.dim() < 2) return false;
  const bool embedding = name.starts_with("prompt_encoder.") || name.starts_with("shared_image_embedding.") ||
                         ends_with("token.weight") || ends_with("tokens.weight") || ends_with("attention_biases") ||
                         ends_with("pos_embed");
  return !embedding;
}

/// Whether a parameter belongs to what an image encoder has learned before.
bool of_encoder(std::string_view name) {
  return name.starts_with("vision_encoder.") && !name.starts_with("vision_encoder.neck.");
}

/// Groups of parameters: with weight decay and without; where the encoder learns at another rate, its own two behind those.
std::unique_ptr<torch::optim::AdamW> make_optimizer(const Sam& network, const OptimizerOptions& options) {
  std::array<std::vector<at::Tensor>, 4> groups;
  const bool apart = options.encoder_rate.value_or(1) != 1;
  for (const auto& item : network->named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const std::size_t first = apart && of_encoder(item.key()) ? 2 : 0;
    groups[first + (decays(item.key(), item.value()) ? 0 : 1)].push_back(item.value());
  }
  const auto group = [&options](std::vector<at::Tensor> parameters, double decay) {
    auto settings = std::make_unique<torch::optim::AdamWOptions>(options.learning_rate.value());
    settings->betas({options.beta1, options.beta2}).weight_decay(decay);
    return torch::optim::OptimizerParamGroup(std::move(parameters), std::move(settings));
  };
  std::vector<torch::optim::OptimizerParamGroup> all;
  for (std::size_t i = 0; i < (apart ? 4U : 2U); ++i)
    all.push_back(group(std::move(groups[i]), i % 2 == 0 ? options.weight_decay : 0));
  return std::make_unique<torch::optim::AdamW>(std::move(all));
}

/// What training changes in a network: parameters that learn, and all statistics.
std::vector<at::Tensor> changing(const TrainState& state, const Sam& network) {
  std::vector<at::Tensor> tensors = state.learned_of(network);
  for (const at::Tensor& buffer : network->buffers()) tensors.push_back(buffer);
  return tensors;
}

void copy_all(const Sam& from, const Sam& to) {
  const at::NoGradGuard no_gradient;
  const auto copy = [](const auto& source, const auto& target) {
    for (const auto& item : source) target.find(item.key())->copy_(item.value());
  };
  copy(from->named_parameters(), to->named_parameters());
  copy(from->named_buffers(), to->named_buffers());
}

void copy_into(const std::vector<at::Tensor>& to, const std::vector<at::Tensor>& from) {
  const at::NoGradGuard no_gradient;
  if (from.size() != to.size()) throw ModelError("it has " + std::to_string(from.size()) + " tensors");
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (from[i].sizes() != to[i].sizes()) throw ModelError("a tensor has another shape");
    to[i].copy_(from[i]);
  }
}

}  // namespace

TrainState::TrainState(const SamConfig& config, const MethodOptions& method, const OptimizerOptions& options,
                       at::Device device)
    : network(config), average(config), device_(device) {
  network->to(device_);
  average->to(device_);
  set_mode(network, method);
  for (const auto& item : network->named_parameters()) {
    if (item.value().requires_grad()) learned.insert(item.key());
  }
  optimizer = make_optimizer(network, options);
  encoder_rate_ = options.encoder_rate.value_or(1);
  share(average);
  reset_average();
}

void TrainState::set_rate(double rate) {
  auto& groups = optimizer->param_groups();
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].options().set_lr(i < 2 ? rate : rate * encoder_rate_);
}

void TrainState::share(Sam& copy) const {
  copy->eval();
  const auto own = network->named_parameters();
  for (auto& item : copy->named_parameters()) {
    item.value().set_requires_grad(false);
    if (!learned.contains(item.key())) item.value().set_data(own[item.key()]);
  }
}

bool TrainState::has_counterpart(const std::string& name) const {
  const bool beside = learned.contains(name) &&
                      (name.find(".lora_") != std::string::npos || name.find(".adapter.") != std::string::npos);
  return !beside && !(fresh_classes && name.starts_with("class_decoder."));
}

void TrainState::remember_base() {
  base = Sam(network->config());
  base->to(device_);
  share(base);
  copy_all(network, base);
}

void TrainState::start_attention_from_position() {
  // Queries and keys carry the same position encoding, so equal projections make near places attend to each other; with
  // twice the random weights clearly more than far ones.
  constexpr double kGain = 2;
  const at::NoGradGuard no_gradient;
  const auto parameters = network->named_parameters();
  for (const auto& item : parameters) {
    constexpr std::string_view kQuery = "q_proj.weight";
    const std::string& name = item.key();
    if (!name.ends_with(kQuery) || name.find("image") == std::string::npos || !name.starts_with("mask_decoder."))
      continue;
    at::Tensor query = item.value();
    query.mul_(kGain);
    parameters[name.substr(0, name.size() - kQuery.size()) + "k_proj.weight"].copy_(query);
  }
  reset_average();
}

void TrainState::reset_average() { copy_all(network, average); }

void TrainState::update_average(double decay) {
  const at::NoGradGuard no_gradient;
  at::_foreach_lerp_(learned_of(average), learned_of(network), 1 - decay);
  const std::vector<at::Tensor> from = network->buffers();
  const std::vector<at::Tensor> to = average->buffers();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (to[i].is_floating_point()) {
      to[i].lerp_(from[i], 1 - decay);
    } else {
      to[i].copy_(from[i]);
    }
  }
}

std::vector<at::Tensor> TrainState::learned_of(const Sam& of) const {
  std::vector<at::Tensor> parameters;
  for (const auto& item : of->named_parameters()) {
    if (learned.contains(item.key())) parameters.push_back(item.value());
  }
  return parameters;
}

void set_mode(Sam& network, const MethodOptions& method) {
  network->train();
  if (!method.is_full()) network->encoder().eval();
  for (auto& item : network->named_parameters()) {
    item.value().set_requires_grad(learns(method, network->config(), item.key()));
  }
  network->recompute_blocks(method.checkpointing);
  network->set_encoder_type(method.precision == "bfloat16" ? at::kBFloat16 : at::kFloat);
}

void save_state(const TrainState& state, const std::string& path) {
  StagedPath staged(path);
  try {
    torch::serialize::OutputArchive archive;
    torch::serialize::OutputArchive optimizer;
    state.optimizer->save(optimizer);
    archive.write("network", c10::IValue(changing(state, state.network)));
    archive.write("average", c10::IValue(changing(state, state.average)));
    archive.write("optimizer", optimizer);
    archive.write("step", c10::IValue(state.step));
    archive.write("validated", c10::IValue(state.validated));
    archive.write("seconds", c10::IValue(state.seconds));
    archive.write("loss", c10::IValue(state.loss));
    archive.write("best_f1", c10::IValue(state.best_f1));
    archive.write("best_score", c10::IValue(state.best_score));
    archive.write("stale", c10::IValue(state.stale));
    archive.save_to(staged.path());
  } catch (const std::exception& error) {
    throw IoError(path + ": the checkpoint cannot be written: " + error.what());
  }
  staged.commit();
}

void load_state(TrainState& state, const std::string& path) {
  if (!std::filesystem::exists(path)) throw IoError(path + ": no checkpoint to resume from; start without --resume");
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path, state.device());
    torch::serialize::InputArchive optimizer;
    archive.read("optimizer", optimizer);
    state.optimizer->load(optimizer);
    c10::IValue value;
    archive.read("network", value);
    copy_into(changing(state, state.network), value.toTensorVector());
    archive.read("average", value);
    copy_into(changing(state, state.average), value.toTensorVector());
    archive.read("step", value);
    state.step = value.toInt();
    archive.read("validated", value);
    state.validated = value.toInt();
    archive.read("seconds", value);
    state.seconds = value.toDouble();
    archive.read("loss", value);
    state.loss = value.toDouble();
    archive.read("best_f1", value);
    state.best_f1 = value.toDouble();
    archive.read("best_score", value);
    state.best_score = value.toDouble();
    archive.read("stale", value);
    state.stale = value.toInt();
  } catch (const std::exception& error) {
    throw ModelError(path + ": the checkpoint does not fit this run; its configuration must be the same: " +
                     std::string(error.what()).substr(0, 200));
  }
}

}  // namespace plat::nn
