// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"
#include "training/train_options.hpp"

#include <cstdint>
#include <string>

namespace plat {

/// What a run will need. Bytes but for the first two; an estimate that is checked against measured peaks in the tests.
struct TrainMemory {
  int64_t parameters = 0;   ///< of the network
  int64_t learned = 0;      ///< of these
  int64_t present = 0;      ///< what the process takes before the network is there: program, scenes
  int64_t weights = 0;      ///< the network, and what learns once more for its average
  int64_t gradients = 0;    ///< gradients and AdamW's two moments, of what learns
  int64_t activations = 0;  ///< what lies between the layers of the crops that are computed at once
  int64_t total() const { return present + weights + gradients + activations; }
};

/// The plan of a run for a network that has `parameters` parameters, of which `learned` learn.
TrainMemory plan_memory(const SamConfig& config, const TrainOptions& options, int64_t parameters, int64_t learned,
                        int64_t present);

/// "trains 0.29 M of 93.9 M parameters (0.3 %); memory: 2.1 GB expected (…)".
std::string describe(const TrainMemory& plan);

/// Throws UsageError that proposes a smaller run where the plan needs more than `allowed` bytes.
void require_memory(const TrainMemory& plan, const SamConfig& config, const TrainOptions& options, int64_t allowed);

}  // namespace plat
