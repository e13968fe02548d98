// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/train_options.hpp"

namespace plat {

/// Trains a SAM, or a part of one, on scenes and their labels, and writes the run's folder: config.json (resolved options),
/// data.txt and data.json (what was paired, left out and checked), metrics.jsonl, last.pt (to go on from), best.safetensors,
/// model/ and, where not everything learned, adapter/ and embeddings/. A run that would take more memory than it may is a
/// UsageError. The same
/// options with `steps` give the same model on the same machine. Asked to stop, it saves and throws Cancelled; `resume` goes
/// on exactly where it was. Throws UsageError, IoError, DataError, ModelError.
TrainSummary train(const TrainOptions& options);

}  // namespace plat
