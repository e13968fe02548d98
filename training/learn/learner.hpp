// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"
#include "training/learn/encoded_cache.hpp"
#include "training/learn/replicas.hpp"
#include "training/learn/train_state.hpp"
#include "training/samples/batch.hpp"
#include "training/samples/random.hpp"

#include <span>

namespace plat::nn {

/// What a step's crops cost, on average.
struct StepLoss {
  double total = 0;
  double extent = 0;
  double boundary = 0;
  double distance = 0;
  double prompt = 0;
  double distil = 0;
  StepLoss& operator+=(const StepLoss& other);
  StepLoss operator*(double share) const;
};

/// Lets a network learn from samples, step by step. Not thread-safe; computes the parts of a batch on threads of its own.
class Learner {
 public:
  /// All arguments must outlive this.
  Learner(const TrainOptions& options, const ModelDescription& model, TrainState& state, int threads);
  /// Takes what the encoder, which must be frozen, makes of crops from here.
  void use_cache(EncodedCache* cache) { cache_ = cache; }

  /// Samples that a step takes.
  int64_t samples_per_step() const { return options_.batch * options_.method.accumulate; }
  /// Crops without labels that a step takes; 0 where the base is not distilled.
  int64_t unlabelled_per_step() const;
  /// One step at this learning rate; counts it in the state.
  StepLoss step(std::span<const Sample> samples, std::span<const Sample> unlabelled, double rate);

 private:
  StepLoss learn(Sam& network, std::span<const Sample> samples, int64_t part);
  /// Leaves the gradients of following the base on a crop; returns what it costs.
  double follow_base(Sam& network, const Sample& crop, int64_t part);
  /// Adds the pull back to the base.
  void pull_back();
  Encoded encode(Sam& network, const Batch& batch) const;
  TokenOffset random_offset(const Sam& network, Random& random) const;

  const TrainOptions& options_;
  const ModelDescription& model_;
  TrainState& state_;
  Replicas replicas_;
  int threads_;
  EncodedCache* cache_ = nullptr;
};

}  // namespace plat::nn
