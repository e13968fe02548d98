// SPDX-License-Identifier: Apache-2.0
// Compiled with AVX2 and FMA where the compiler knows them, so it includes nothing whose inline functions other files
// could end up sharing.
#include "model/nn/int16_product.hpp"

#include "model/nn/avx2.hpp"

namespace plat::nn {
namespace {

constexpr int64_t kPanel = 16;  // columns that a product makes at once: two registers of sums
constexpr double kLargestSum = 2147483647, kLargestNumber = 32767;

int64_t padded(int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }
int64_t pairs(int64_t n) { return (n + 1) / 2; }

}  // namespace

int32_t Int16Product::activation_limit() const {
  // A sum's 31 bits are shared such that activations up to 20 times their usual size and weights of a normal distribution
  // are rounded equally well: limit² ~ 2^36 / in.
  const double limit = __builtin_sqrt(68719476736.0 / static_cast<double>(in));
  return static_cast<int32_t>(limit < kLargestNumber ? limit : kLargestNumber);
}

int64_t Int16Product::weights_size() const { return padded(out) * 2 * pairs(in); }
int64_t Int16Product::factors_size() const { return 2 * padded(out); }
// Rows that lie a multiple of 4 kB apart would fall into the same places of the first cache.
int64_t Int16Product::row_size() const { return padded(in) + kPanel; }

#if defined(__AVX2__) && defined(__FMA__)

namespace {

// 16 columns of the result.
struct PanelProduct {
  const int16_t* numbers;
  int64_t row_size;
  const float* scales;
  const int16_t* panel;
  int64_t depth;                // pairs
  const float *factors, *bias;  // of the panel's columns
  Activation activation;
  float* to;
  int64_t to_stride, columns;

  template <int kRows>
  void run(int64_t first) const {
    __m256i sums[kRows][2];
    avx2::multiply<kRows>(numbers + first * row_size, row_size, panel, depth, sums);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const __m256 scale = _mm256_broadcast_ss(scales + first + r);
      const __m256 a = finished(sums[r][0], scale, 0), b = finished(sums[r][1], scale, 8);
      float* out = to + (first + r) * to_stride;
      if (columns == kPanel) {
        _mm256_storeu_ps(out, a);
        _mm256_storeu_ps(out + 8, b);
      } else {
        float all[kPanel];
        _mm256_storeu_ps(all, a);
        _mm256_storeu_ps(all + 8, b);
        for (int64_t c = 0; c < columns; ++c) out[c] = all[c];
      }
    }
  }

 private:
  __m256 finished(__m256i sums, __m256 scale, int64_t column) const {
    const __m256 factor = _mm256_mul_ps(scale, _mm256_loadu_ps(factors + column));
    const __m256 y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), factor, _mm256_loadu_ps(bias + column));
    return activation == Activation::Gelu ? avx2::gelu(y) : y;
  }
};

}  // namespace

bool Int16Product::available() { return avx2::available(); }

void Int16Product::pack(const float* weight, const float* bias, int16_t* weights, float* factors) const {
  const int64_t columns = padded(out), depth = 2 * pairs(in);
  // Half a step for each number's rounding, and a step for that of the scale.
  const double largest_sum = kLargestSum / activation_limit() - 0.5 * static_cast<double>(in) - 1;
  for (int64_t o = 0; o < columns; ++o) {
    const float* row = o < out ? weight + o * in : nullptr;
    double largest = 0, sum = 0;
    for (int64_t k = 0; row != nullptr && k < in; ++k) {
      const double size = row[k] < 0 ? -static_cast<double>(row[k]) : static_cast<double>(row[k]);
      largest = size > largest ? size : largest;
      sum += size;
    }
    const bool none = !(largest > 1e-30);
    const double by_sum = none ? 0 : largest_sum / sum, by_size = none ? 0 : kLargestNumber / largest;
    const auto factor = static_cast<float>(by_sum < by_size ? by_sum : by_size);
    int16_t* to = weights + o / kPanel * kPanel * depth + o % kPanel * 2;
    for (int64_t k = 0; k < depth; ++k) {
      to[k / 2 * 2 * kPanel + k % 2] = row != nullptr && k < in ? avx2::rounded(factor * row[k]) : int16_t{0};
    }
    factors[o] = none ? 0 : 1 / factor;
    factors[columns + o] = row != nullptr && bias != nullptr ? bias[o] : 0;
  }
}

void Int16Product::quantize(const float* x, int64_t rows, int16_t* numbers, float* scales) const {
  const int32_t limit = activation_limit();
  for (int64_t row = 0; row < rows; ++row, x += in, numbers += row_size()) {
    scales[row] = avx2::step_of(x, in, limit);
    avx2::quantize(x, in, scales[row], numbers);
    for (int64_t k = in; k < row_size(); ++k) numbers[k] = 0;
  }
}

void Int16Product::multiply(const int16_t* numbers, const float* scales, int64_t rows, const int16_t* weights,
                            const float* factors, Activation activation, float* to) const {
  for (int64_t o = 0; o < out; o += kPanel) {
    const int64_t columns = out - o < kPanel ? out - o : kPanel;
    avx2::in_groups(rows, PanelProduct{numbers, row_size(), scales, weights + o * 2 * pairs(in), pairs(in), factors + o,
                                       factors + padded(out) + o, activation, to + o, out, columns});
  }
}

#else

bool Int16Product::available() { return false; }
void Int16Product::pack(const float*, const float*, int16_t*, float*) const {}
void Int16Product::quantize(const float*, int64_t, int16_t*, float*) const {}
void Int16Product::multiply(const int16_t*, const float*, int64_t, const int16_t*, const float*, Activation,
                            float*) const {}

#endif

}  // namespace plat::nn
