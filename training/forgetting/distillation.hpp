// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"
#include "training/samples/random.hpp"

#include <cstdint>

namespace plat::nn {

/// Points drawn evenly over B crops of `size` pixels, one a prompt, P a crop.
Prompts random_points(int64_t batch, int64_t count, int64_t size, Random& random);

/// How far masks are from those of another network: cross entropy against its probabilities less their own entropy, so that
/// equal masks cost nothing, and the squared difference of the estimated IoUs.
at::Tensor distillation_loss(const PromptMasks& masks, const PromptMasks& teacher);

}  // namespace plat::nn
