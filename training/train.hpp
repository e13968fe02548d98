// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/train_options.hpp"

namespace plat {

/// Trains all of a small SAM on scenes and their labels, and writes the run's folder: config.json (resolved options),
/// data.txt and data.json (what was paired, left out and checked), metrics.jsonl, last.pt (to go on from), best.safetensors and model/. The same
/// options with `steps` give the same model on the same machine. Asked to stop, it saves and throws Cancelled; `resume` goes
/// on exactly where it was. Throws UsageError, IoError, DataError, ModelError.
TrainSummary train(const TrainOptions& options);

}  // namespace plat
