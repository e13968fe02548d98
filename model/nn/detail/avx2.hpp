// SPDX-License-Identifier: Apache-2.0
// What the kernels of this folder share. Only for sources compiled with AVX2 and FMA: all has internal linkage, so that no
// other file can end up with these instructions.
#pragma once

#if defined(__AVX2__) && defined(__FMA__)
#define PLAT_AVX2 1
#include <immintrin.h>
#endif

#include <cstdint>

namespace plat::nn {
namespace {

constexpr int64_t kPanel = 16;  // columns that a product makes at once: two registers
constexpr int64_t kGroup = 6;   // rows that it makes at once: 12 sums, which with 3 operands fill the 16 registers

#ifdef PLAT_AVX2

using Vector = __m256;

/// sums += a times b: row r of a, at depth k, is a[r * a_row + k * a_depth]; row k of b begins at b + k * b_row.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply(const float* a, int64_t a_row, int64_t a_depth, const float* b,
                                            int64_t b_row, int64_t depth, Vector (&sums)[kRows][kVectors]) {
  for (int64_t k = 0; k < depth; ++k) {
    Vector columns[kVectors];
    for (int v = 0; v < kVectors; ++v) columns[v] = _mm256_loadu_ps(b + b_row * k + 8 * v);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Vector x = _mm256_broadcast_ss(a + r * a_row + k * a_depth);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm256_fmadd_ps(x, columns[v], sums[r][v]);
    }
  }
}

/// Calls work.template run<rows>(first) for groups of rows.
template <typename Work>
[[gnu::always_inline]] inline void in_groups(int64_t count, const Work& work) {
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
[[maybe_unused]] inline Vector power_of_two(Vector x) {
  x = _mm256_max_ps(x, _mm256_set1_ps(-126.0F));
  const Vector whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const Vector part = _mm256_sub_ps(x, whole);
  Vector y = _mm256_set1_ps(1.535336188319500e-4F);
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(1.339887440266574e-3F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(9.618437357674640e-3F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(5.550332471162809e-2F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(2.402264791363012e-1F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(6.931472028550421e-1F));
  y = _mm256_fmadd_ps(y, part, _mm256_set1_ps(1.0F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y), exponent));
}

[[maybe_unused]] inline float sum_of(Vector x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

[[maybe_unused]] inline void fill(float* to, int64_t count, float value) {
  for (int64_t i = 0; i < count; ++i) to[i] = value;
}

#endif

}  // namespace
}  // namespace plat::nn
