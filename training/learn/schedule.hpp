// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/train_options.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace plat {

/// The learning rate, which must be set, of a step (from 0) when `done` of the run is over, in [0, 1].
inline double learning_rate(const OptimizerOptions& options, int64_t step, double done) {
  const double warmup =
      std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(std::max<int64_t>(1, options.warmup_steps)));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(done, 0.0, 1.0)));
  return options.learning_rate.value() * warmup * (0.99 * cosine + 0.01);
}

/// Decay of the moving average after a step (from 0): short at first, so that the random start is soon forgotten.
inline double average_decay(const OptimizerOptions& options, int64_t step) {
  return std::min(options.average, static_cast<double>(2 + step) / static_cast<double>(11 + step));
}

}  // namespace plat
