// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"
#include "training/data/data_memory.hpp"
#include "training/train_options.hpp"

#include <cstdint>
#include <string>

namespace plat {

/// What a run will need. Bytes but for the first two; an estimate that is checked against measured peaks in the tests.
/// All of it is known before the pixels of a scene or a weight are read.
struct TrainMemory {
  int64_t parameters = 0;   ///< of the network
  int64_t learned = 0;      ///< of these
  int64_t present = 0;      ///< what the process takes before scenes and the network are there: program, labels
  DataMemory data;          ///< scenes and the validation area at work
  int64_t rehearsal = 0;    ///< scenes against forgetting
  int64_t tuning = 0;       ///< areas and maps on which thresholds are chosen, once nothing lies between the layers
  int64_t weights = 0;      ///< the network, and what learns once more for its average
  int64_t gradients = 0;    ///< gradients and AdamW's two moments, of what learns
  int64_t crops = 0;        ///< crops that are cut and wait for their step
  int64_t activations = 0;  ///< what lies between the layers of the crops that are computed at once
  /// Scenes, images without objects, and what is held of scenes against forgetting.
  int64_t held() const { return data.scene_bytes + data.negative_bytes + rehearsal; }
  int64_t total() const;
  /// What of it the processor's memory holds where the network is on a graphics card.
  TrainMemory beside_card() const;
};

/// The plan of a run for a network that has `parameters` parameters, of which `learned` learn.
TrainMemory plan_memory(const SamConfig& config, const TrainOptions& options, int64_t parameters, int64_t learned,
                        int64_t present);

/// How many pixels thresholds are chosen on where the run may take so much memory: up to 16 million, less where these with
/// their maps would be more than an eighth of it.
int64_t tuning_pixels(int64_t allowed);
/// What they take.
int64_t tuning_bytes(int64_t pixels);

/// "trains 0.29 M of 93.9 M parameters (0.3 %); memory: 2.1 GB expected (…)".
std::string describe(const TrainMemory& plan);

/// Throws UsageError where the plan needs more than `allowed` bytes: with a smaller run that does not, or, where its scenes
/// leave no network the room, with what takes how much.
void require_memory(const TrainMemory& plan, const SamConfig& config, const TrainOptions& options, int64_t allowed);

/// Throws UsageError that says what takes how much where the plan needs more than `allowed` bytes.
void require_data_memory(const TrainMemory& plan, int64_t allowed);

}  // namespace plat
