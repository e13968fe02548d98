// SPDX-License-Identifier: Apache-2.0
#include "model/nn/int16_linear.hpp"

#include "model/nn/parallel.hpp"

#include <ATen/Functions.h>

#include <algorithm>
#include <memory>

namespace plat::nn {
namespace {

// Rows of activations that are quantized and multiplied together: they stay in the second cache, while each panel of
// weights that passes is used for all of them. A multiple of the kernel's groups.
constexpr int64_t kRows = 48;

template <typename Value>
std::unique_ptr<Value[]> room(int64_t count) {
  return std::make_unique_for_overwrite<Value[]>(static_cast<std::size_t>(count));
}

at::Tensor result_for(const at::Tensor& x, int64_t out) {
  auto shape = x.sizes().vec();
  shape.back() = out;
  return at::empty(shape, x.options());
}

int64_t blocks_of(int64_t rows) { return (rows + kRows - 1) / kRows; }

}  // namespace

Int16Linear::Int16Linear(const at::Tensor& weight, const at::Tensor& bias) : product_{weight.size(1), weight.size(0)} {
  weights_ = at::empty({product_.weights_size()}, at::kShort);
  factors_ = at::empty({product_.factors_size()}, at::kFloat);
  const at::Tensor rows = weight.contiguous(), biases = bias.defined() ? bias.contiguous() : bias;
  product_.pack(rows.const_data_ptr<float>(), biases.defined() ? biases.const_data_ptr<float>() : nullptr,
                weights_.data_ptr<int16_t>(), factors_.data_ptr<float>());
}

void Int16Linear::run(const float* x, int64_t rows, Activation activation, int16_t* numbers, float* scales,
                      float* to) const {
  product_.quantize(x, rows, numbers, scales);
  product_.multiply(numbers, scales, rows, weights_.const_data_ptr<int16_t>(), factors_.const_data_ptr<float>(),
                    activation, to);
}

at::Tensor Int16Linear::forward(const at::Tensor& x) const {
  const at::Tensor input = x.contiguous(), result = result_for(x, product_.out);
  const int64_t rows = input.numel() / product_.in;
  const auto* from = input.const_data_ptr<float>();
  auto* to = result.data_ptr<float>();
  in_parallel(blocks_of(rows), [&](int64_t begin, int64_t end) {
    const auto numbers = room<int16_t>(kRows * product_.row_size());
    const auto scales = room<float>(kRows);
    for (int64_t first = begin * kRows; first < std::min(end * kRows, rows); first += kRows) {
      run(from + first * product_.in, std::min(kRows, rows - first), Activation::None, numbers.get(), scales.get(),
          to + first * product_.out);
    }
  });
  return result;
}

at::Tensor Int16Linear::forward_gelu(const at::Tensor& x, const Int16Linear& second) const {
  const at::Tensor input = x.contiguous(), result = result_for(x, second.product_.out);
  const int64_t rows = input.numel() / product_.in;
  const auto* from = input.const_data_ptr<float>();
  auto* to = result.data_ptr<float>();
  in_parallel(blocks_of(rows), [&](int64_t begin, int64_t end) {
    const auto numbers = room<int16_t>(kRows * std::max(product_.row_size(), second.product_.row_size()));
    const auto scales = room<float>(kRows), hidden = room<float>(kRows * product_.out);
    for (int64_t first = begin * kRows; first < std::min(end * kRows, rows); first += kRows) {
      const int64_t count = std::min(kRows, rows - first);
      run(from + first * product_.in, count, Activation::Gelu, numbers.get(), scales.get(), hidden.get());
      second.run(hidden.get(), count, Activation::None, numbers.get(), scales.get(), to + first * second.product_.out);
    }
  });
  return result;
}

}  // namespace plat::nn
