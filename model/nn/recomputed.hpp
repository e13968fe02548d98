// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace plat::nn {

/// What `work` makes of `x`, without keeping what lies between: the backward pass does the work once more (Chen et al. 2016,
/// https://arxiv.org/abs/1604.06174). The parameters that `work` uses get their gradients too. `work` must do the same
/// both times, so it must draw no random numbers and count nothing, and it must live until the backward pass is over.
at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& work, const at::Tensor& x);

}  // namespace plat::nn
