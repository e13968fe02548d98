// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"
#include "training/train_options.hpp"

#include <torch/optim/adamw.h>

#include <cstdint>
#include <memory>
#include <string>

namespace plat::nn {

/// All that a run needs to go on exactly where it was. Random numbers need no place here: each step's come from the seed
/// and the step's number.
struct TrainState {
  TrainState(const SamConfig& config, const OptimizerOptions& options);

  Sam network;
  Sam average;  ///< moving average of the network, in eval mode
  std::unique_ptr<torch::optim::AdamW> optimizer;
  int64_t step = 0;     ///< steps done
  double seconds = 0;   ///< of training so far
  double loss = 0;      ///< smoothed
  double best_f1 = -1;  ///< best object F1 in validation so far

  /// To be called on random weights: lets the mask decoder's attention between tokens and image start from nearness, so that
  /// prompts point at something from the first step on instead of after thousands.
  void start_attention_from_position();
  /// Takes the network's weights into the average with this decay.
  void update_average(double decay);
  /// Copies the network's weights and buffers into the average.
  void reset_average();
};

/// Writes to a temporary name first, then renames. Throws IoError.
void save_state(const TrainState& state, const std::string& path);
/// Throws IoError or ModelError.
void load_state(TrainState& state, const std::string& path);

}  // namespace plat::nn
