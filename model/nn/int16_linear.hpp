// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/int16_product.hpp"

#include <ATen/core/Tensor.h>

namespace plat::nn {

/// A linear layer in whole numbers of 16 bits, for inference on CPUs with Int16Product::available(). Takes half the memory
/// of its float32 weights, which it does not need again. Immutable, so thread-safe.
class Int16Linear {
 public:
  /// `weight`: (out, in) float32. `bias`: undefined for none.
  Int16Linear(const at::Tensor& weight, const at::Tensor& bias);

  /// (..., in) float32 -> (..., out), on as many threads as torch has; their number does not change the result.
  at::Tensor forward(const at::Tensor& x) const;
  /// second(gelu(this layer(x))) without the hidden layer's values in memory.
  at::Tensor forward_gelu(const at::Tensor& x, const Int16Linear& second) const;

 private:
  void run(const float* x, int64_t rows, Activation activation, int16_t* numbers, float* scales, float* to) const;

  Int16Product product_;
  at::Tensor weights_, factors_;
};

}  // namespace plat::nn
