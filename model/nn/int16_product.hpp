// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat::nn {

enum class Activation { None, Gelu };

/// The matrix product of a linear layer in whole numbers of 16 bits: processors with AVX2 multiply and add twice as many of
/// them in a cycle as of float32. A row of activations has a scale of its own, taken from its largest value when it is
/// known (as in Dettmers et al. 2022, https://arxiv.org/abs/2208.07339); so has each row of weights, such that no sum can
/// leave 32 bits, whatever the activations. Both kinds of number keep 10 to 15 bits, so that the values far out that
/// transformers have need no further care. Results do not depend on how many rows are computed together. Free of torch.
struct Int16Product {
  int64_t in = 0, out = 0;  ///< of the layer, >= 1

  /// Whether this processor and build can run the kernels.
  static bool available();
  /// The largest whole number that stands for an activation.
  int32_t activation_limit() const;
  /// Numbers that the packed weights take, the floats beside them (scales and biases), and one row of activations.
  int64_t weights_size() const;
  int64_t factors_size() const;
  int64_t row_size() const;

  /// `weight`: (out, in). `bias`: null for none.
  void pack(const float* weight, const float* bias, int16_t* weights, float* factors) const;
  /// x (rows, in) to whole numbers and a scale for each row.
  void quantize(const float* x, int64_t rows, int16_t* numbers, float* scales) const;
  /// to (rows, out) = activation(x · weightᵀ + bias).
  void multiply(const int16_t* numbers, const float* scales, int64_t rows, const int16_t* weights, const float* factors,
                Activation activation, float* to) const;
};

}  // namespace plat::nn
