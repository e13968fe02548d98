// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the kernels for AVX2 share. Only for files that are compiled with AVX2 and FMA, empty elsewhere; all is static, so
// that no other file can end up with this code.
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#include <cstdint>

namespace plat::nn::avx2 {

constexpr int64_t kGroup = 6;  // rows that it makes at once: 12 sums, which with 3 operands fill the 16 registers

static inline bool available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

/// Calls work.template run<rows>(first) for groups of rows.
template <typename Work>
static inline void in_groups(int64_t count, const Work& work) {
  int64_t first = 0;
  for (; first + kGroup <= count; first += kGroup) work.template run<kGroup>(first);
  switch (count - first) {
    case 1: return work.template run<1>(first);
    case 2: return work.template run<2>(first);
    case 3: return work.template run<3>(first);
    case 4: return work.template run<4>(first);
    case 5: return work.template run<5>(first);
    default: return;
  }
}

/// 2^x for x <= 0; the polynomial is Cephes' exp2f (S. Moshier), good to 2e-7 of the result.
static inline __m256 power_of_two(__m256 x) {
  x = _mm256_max_ps(x, _mm256_set1_ps(-126.0F));
  const __m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 part = _mm256_sub_ps(x, whole);
  __m256 y = _mm256_set1_ps(1.535336188319500e-4F);
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(1.339887440266574e-3F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(9.618437357674640e-3F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(5.550332471162809e-2F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(2.402264791363012e-1F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(6.931472028550421e-1F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(1.0F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y), exponent));
}

/// The Gauss error function as x times a rational function of x², good to 3e-7; the coefficients are those of Eigen's
/// generic_fast_erf. Beyond 4 it is one in float32.
static inline __m256 error_function(__m256 x) {
  x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-4)), _mm256_set1_ps(4));
  const __m256 square = _mm256_mul_ps(x, x);
  __m256 above = _mm256_set1_ps(-2.72614225801306e-10F);
  above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(2.77068142495902e-08F));
  above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(-2.10102402082508e-06F));
  above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(-5.69250639462346e-05F));
  above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(-7.34990630326855e-04F));
  above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(-2.95459980854025e-03F));
  above = _mm256_fmadd_ps(above, square, _mm256_set1_ps(-1.60960333262415e-02F));
  __m256 below = _mm256_set1_ps(-1.45660718464996e-05F);
  below = _mm256_fmadd_ps(below, square, _mm256_set1_ps(-2.13374055278905e-04F));
  below = _mm256_fmadd_ps(below, square, _mm256_set1_ps(-1.68282697438203e-03F));
  below = _mm256_fmadd_ps(below, square, _mm256_set1_ps(-7.37332916720468e-03F));
  below = _mm256_fmadd_ps(below, square, _mm256_set1_ps(-1.42647390514189e-02F));
  return _mm256_div_ps(_mm256_mul_ps(x, above), below);
}

static inline __m256 gelu(__m256 x) {
  const __m256 half = _mm256_mul_ps(x, _mm256_set1_ps(0.5F));
  return _mm256_fmadd_ps(half, error_function(_mm256_mul_ps(x, _mm256_set1_ps(0.70710678F))), half);
}

static inline float sum_of(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

static inline void fill(float* to, int64_t count, float value) {
  for (int64_t i = 0; i < count; ++i) to[i] = value;
}

/// sums += a times b: row r of a, at depth k, is a[r * a_row + k * a_depth]; row k of b begins at b + k * b_row.
template <int kRows, int kVectors>
[[gnu::always_inline]] static inline void multiply(const float* a, int64_t a_row, int64_t a_depth, const float* b,
                                                   int64_t b_row, int64_t depth, __m256 (&sums)[kRows][kVectors]) {
  for (int64_t k = 0; k < depth; ++k) {
    __m256 columns[kVectors];
    for (int v = 0; v < kVectors; ++v) columns[v] = _mm256_loadu_ps(b + b_row * k + 8 * v);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const __m256 x = _mm256_broadcast_ss(a + r * a_row + k * a_depth);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm256_fmadd_ps(x, columns[v], sums[r][v]);
    }
  }
}

static inline int16_t rounded(float x) { return static_cast<int16_t>(_mm_cvtss_si32(_mm_set_ss(x))); }

static inline float largest_size(const float* x, int64_t count) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  __m256 most = _mm256_setzero_ps();
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) most = _mm256_max_ps(most, _mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)));
  float parts[8], largest = 0;
  _mm256_storeu_ps(parts, most);
  for (const float part : parts) largest = part > largest ? part : largest;
  for (; i < count; ++i) {
    const float size = x[i] < 0 ? -x[i] : x[i];
    largest = size > largest ? size : largest;
  }
  return largest;
}

/// What 1 stands for where whole numbers from -limit to limit stand for the values; 0 where all are zero.
static inline float step_of(const float* x, int64_t count, int32_t limit) {
  const float largest = largest_size(x, count);
  return largest > 1e-30F ? largest / static_cast<float>(limit) : 0;
}

/// The values in such steps.
static inline void quantize(const float* x, int64_t count, float step, int16_t* numbers) {
  const float factor = step > 0 ? 1 / step : 0;
  const __m256 factors = _mm256_set1_ps(factor);
  int64_t k = 0;
  for (; k + 16 <= count; k += 16) {
    const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + k), factors));
    const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + k + 8), factors));
    // Packing interleaves the halves of its operands.
    const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers + k), both);
  }
  for (; k < count; ++k) numbers[k] = rounded(factor * x[k]);
}

/// sums = rows of whole numbers times a packed panel: for each pair of numbers of a row, those of 16 columns.
template <int kRows>
static inline void multiply(const int16_t* x, int64_t stride, const int16_t* panel, int64_t pairs,
                            __m256i (&sums)[kRows][2]) {
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    sums[r][0] = sums[r][1] = _mm256_setzero_si256();
    // A compiler that knows them to be zero takes the first turn out of the loop, and runs out of registers.
    asm("" : "+x"(sums[r][0]), "+x"(sums[r][1]));
  }
  for (int64_t k = 0; k < pairs; ++k) {
    const auto* both = reinterpret_cast<const __m256i*>(panel + 32 * k);
    const __m256i left = _mm256_loadu_si256(both), right = _mm256_loadu_si256(both + 1);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      int32_t pair;
      __builtin_memcpy(&pair, x + r * stride + 2 * k, sizeof(pair));
      const __m256i times = _mm256_set1_epi32(pair);
      sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(times, left));
      sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(times, right));
    }
  }
}

}  // namespace plat::nn::avx2
#endif
