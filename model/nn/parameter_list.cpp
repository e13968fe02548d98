// SPDX-License-Identifier: Apache-2.0
#include "model/nn/parameter_list.hpp"

#include "model/import/sam_shapes.hpp"
#include "model/nn/class_decoder.hpp"
#include "model/nn/lora.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <string_view>
#include <vector>

namespace plat::nn {
namespace {

/// What lies beside the layer of an encoder that has a weight of this name and shape.
void add_beside(const std::string& name, const std::vector<int64_t>& shape, const AdapterConfig& adapters,
                std::map<std::string, int64_t>& list) {
  constexpr std::string_view kWeight = ".weight";
  if (!name.starts_with("vision_encoder.") || !name.ends_with(kWeight) || shape.size() != 2) return;
  const std::string layer = name.substr(0, name.size() - kWeight.size());
  const int64_t out = shape[0], in = shape[1];
  if (const auto place = lora_place(adapters, layer)) {
    const auto pairs = std::max<int64_t>(1, std::ssize(place->slots));
    list[layer + ".lora_A.weight"] = pairs * adapters.rank * in;
    list[layer + ".lora_B.weight"] = adapters.rank * (place->slots.empty() ? out : pairs * out / 3);
  }
  const bool first_of_mlp = layer.ends_with(".mlp.lin1") || layer.ends_with(".mlp.fc1");
  if (!first_of_mlp || adapters.bottleneck == 0) return;
  const std::string beside = layer.substr(0, layer.rfind('.')) + ".adapter.";
  list[beside + "down.weight"] = list[beside + "up.weight"] = adapters.bottleneck * in;
  list[beside + "down.bias"] = adapters.bottleneck;
  list[beside + "up.bias"] = in;
}

}  // namespace

std::map<std::string, int64_t> parameter_list(const SamConfig& config) {
  std::map<std::string, int64_t> list;
  for (const auto& [name, shape] : detail::expected_shapes(config)) {
    if (name.find(".running_") != std::string::npos || name.ends_with("positional_embedding")) continue;
    list[name] = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    add_beside(name, shape, config.adapters, list);
  }
  if (config.class_decoder.classes == 0) return list;
  const ClassDecoder decoder(config.class_decoder, config.prompt_encoder.hidden_size, config.feature_dims());
  for (const auto& item : decoder->named_parameters()) list["class_decoder." + item.key()] = item.value().numel();
  return list;
}

}  // namespace plat::nn
