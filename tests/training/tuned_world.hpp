// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/model/small_sam_config.hpp"
#include "tests/training/train_world.hpp"

#include "model/files/safetensors.hpp"
#include "model/nn/weights.hpp"

#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace plat::test {

/// A world whose options start from a model of random weights on disk.
struct TunedWorld : World {
  explicit TunedWorld(bool vit = false, int64_t classes = 1) {
    base = small_model(classes, vit);
    std::filesystem::create_directory(folder.path() / "base");
    write_model_folder(base, folder.file("base"));
    torch::manual_seed(7);
    nn::save_weights(*nn::Sam(base.config), folder.file("base") + "/" + kWeightsFile);
    options.architecture.clear();
    options.init = folder.file("base");
    options.steps = 4;
    options.optimizer.learning_rate = 1e-2;
    options.forgetting.retain_objects = 0;  // measured where a test is about that: it takes longer than the training
  }
  ModelFolder base;
};

/// The names of a trained model's tensors that differ from the base's.
inline std::set<std::string> changed(const std::string& base, const std::string& model) {
  const SafetensorsFile before(base + "/" + kWeightsFile), after(model + "/" + kWeightsFile);
  std::set<std::string> names;
  for (const auto& [name, tensor] : after.tensors()) {
    const auto old = before.tensors().find(name);
    if (old == before.tensors().end() || !std::ranges::equal(old->second.bytes, tensor.bytes)) names.insert(name);
  }
  return names;
}

/// The values of a tensor of a file.
inline std::vector<float> values(const SafetensorsFile& file, const std::string& name) {
  return float_values(file.tensors().at(name));
}

}  // namespace plat::test
