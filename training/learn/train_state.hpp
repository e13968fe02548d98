// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"
#include "training/train_options.hpp"

#include <c10/core/Device.h>
#include <torch/optim/adamw.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace plat::nn {

/// All that a run needs to go on exactly where it was. Random numbers need no place here: each step's come from the seed
/// and the step's number. What does not learn is there once, whatever looks at it, and is in no checkpoint.
struct TrainState {
  TrainState(const SamConfig& config, const MethodOptions& method, const OptimizerOptions& options,
             at::Device device = at::kCPU);

  Sam network;
  Sam average;        ///< moving average of the network, in eval mode
  Sam base{nullptr};  ///< the network as it started, in eval mode; only where remember_base() was called
  std::unique_ptr<torch::optim::AdamW> optimizer;
  std::set<std::string> learned;  ///< names of the parameters that learn
  bool fresh_classes = false;     ///< whether the base had none
  int64_t step = 0;               ///< steps done
  int64_t validated = 0;          ///< the step of the last validation that went into the values below
  double seconds = 0;             ///< of training so far
  double loss = 0;                ///< smoothed
  double best_f1 = -1;            ///< best object F1 in validation so far
  double best_score = -1;         ///< best sum of object F1 and pixel IoU; early on only the second moves
  int64_t stale = 0;              ///< validations since

  /// To be called on random weights: lets the mask decoder's attention between tokens and image start from nearness, so that
  /// prompts point at something from the first step on instead of after thousands.
  void start_attention_from_position();
  /// Sets the learning rate of the next step; that of the encoder is its share of it.
  void set_rate(double rate);
  /// Takes the network's weights into the average with this decay.
  void update_average(double decay);
  /// Copies the network's weights and buffers into the average.
  void reset_average();
  /// Whether a parameter or buffer was in the base too.
  bool has_counterpart(const std::string& name) const;
  /// Keeps the network's present weights as its base.
  void remember_base();
  at::Device device() const { return device_; }
  /// The parameters of a network, this one's or its average's, that learn.
  std::vector<at::Tensor> learned_of(const Sam& of) const;

 private:
  at::Device device_;
  double encoder_rate_ = 1;
  /// Lets a copy in eval mode have its own of what learns only.
  void share(Sam& copy) const;
};

/// Puts a network into the mode of a method: which parameters learn, and whose statistics are counted. Where not all of the
/// encoder learns, its batch normalisation keeps the statistics that it came with.
void set_mode(Sam& network, const MethodOptions& method);

/// Writes a checkpoint that gets its name once it is complete. Throws IoError.
void save_state(const TrainState& state, const std::string& path);
/// Throws IoError or ModelError.
void load_state(TrainState& state, const std::string& path);

}  // namespace plat::nn
