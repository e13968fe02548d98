// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"
#include "training/learn/train_state.hpp"
#include "training/train_options.hpp"

namespace plat {

/// The network that a run trains and what its model folder will say about it. A model without classes gets the part that
/// draws them. Throws ModelError where there is more than one class.
ModelFolder describe_model(const TrainOptions& options);

/// The options with the values that depend on others filled in.
TrainOptions resolved(TrainOptions options);

/// The data's options with so much held around the labels that each tile of extraction that shows a labelled pixel lies there.
TrainingDataOptions with_room_for_tiles(TrainingDataOptions options, const ModelDescription& model);

namespace nn {

/// The device that a run computes on. Throws ModelError where it has no hardware for the precision asked for.
at::Device training_device(const MethodOptions& method);

/// Gives a state the weights that its run starts from: those of `init`, or random ones. Keeps them as its base where an option
/// needs that.
void load_start(TrainState& state, const TrainOptions& options);

/// Mixes the average with the base: `share` of what was learned, the rest of what there was. What is new since the base,
/// which has no counterpart there, stays whole, but for what lies beside its layers, which the base lacks as if it were zero.
void mix_with_base(TrainState& state, double share);

/// Writes the whole model that a run leaves, LoRA merged, and beside it, where not everything learned, the adapter that
/// makes it from its base. The folders are there.
void write_results(const TrainState& state, const ModelFolder& model, const TrainOptions& options,
                   const std::string& model_folder, const std::string& adapter_folder);

}  // namespace nn
}  // namespace plat
