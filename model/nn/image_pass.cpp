// SPDX-License-Identifier: Apache-2.0
// Compiled with AVX2 and FMA where the compiler knows them, so it includes nothing whose inline functions other files
// could end up sharing.
#include "model/nn/image_pass.hpp"

#include "model/nn/avx2.hpp"

namespace plat::nn {
namespace {

constexpr int64_t kPanel = 16;   // columns that a product makes at once
constexpr int64_t kPixels = 64;  // in a block: with keys and values they stay in the second cache
constexpr int64_t kGap = 16;     // floats between rows, so that rows do not share the same few sets of the first cache

}  // namespace

int64_t ImagePass::scratch_size() const {
  return kPixels * (2 * (channels + kGap) + 2 * (columns() + kGap)) + columns() * (channels + 2);
}

void ImagePass::pack_keys(const float* keys, float* packed) const {
  // Panels of 16 columns, channel by channel; heads come in eights, so half a panel may be left.
  const int64_t all = columns();
  for (int64_t first = 0; first < all; first += kPanel) {
    const int64_t width = all - first < kPanel ? all - first : kPanel;
    float* panel = packed + first * channels;
    for (int64_t j = 0; j < width; ++j) {
      for (int64_t c = 0; c < channels; ++c) panel[c * width + j] = keys[(first + j) * channels + c];
    }
  }
}

void ImagePass::pack_values(const float* values, float* packed) const {
  for (int64_t j = 0; j < columns(); ++j) {
    for (int64_t c = 0; c < channels; ++c) {
      packed[c / kPanel * columns() * kPanel + j * kPanel + c % kPanel] = values[j * channels + c];
    }
  }
}

#if defined(__AVX2__) && defined(__FMA__)

namespace {

using avx2::fill;
using avx2::in_groups;
using avx2::multiply;
using avx2::power_of_two;
using avx2::sum_of;
using Vector = __m256;

constexpr float kNone = -1e30F;  // below any score
constexpr int64_t kLanes = 8;    // of a register

// Scores of 8 * kVectors columns; they begin as the columns' shifts, or as zero.
template <int kVectors>
struct Scores {
  const float* pixels;
  int64_t stride, channels;
  const float *panel, *shifts;
  float* out;
  int64_t out_stride;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][kVectors] = {};
    if (shifts != nullptr) {
      for (int v = 0; v < kVectors; ++v) {
        const Vector shift = _mm256_loadu_ps(shifts + kLanes * v);
        for (int r = 0; r < kRows; ++r) sums[r][v] = shift;
      }
    }
    multiply<kRows, kVectors>(pixels + first * stride, stride, 1, panel, kLanes * kVectors, channels, sums);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        _mm256_storeu_ps(out + (first + r) * out_stride + kLanes * v, sums[r][v]);
      }
    }
  }
};

void score(const ImagePass& pass, int64_t count, const float* pixels, int64_t stride, const float* keys,
           const float* shifts, float* scores, int64_t scores_stride) {
  const int64_t all = pass.columns();
  for (int64_t j = 0; j < all; j += kPanel) {
    const float* panel = keys + j * pass.channels;
    const float* shift = shifts == nullptr ? nullptr : shifts + j;
    if (all - j >= kPanel) {
      in_groups(count, Scores<2>{pixels, stride, pass.channels, panel, shift, scores + j, scores_stride});
    } else {
      in_groups(count, Scores<1>{pixels, stride, pass.channels, panel, shift, scores + j, scores_stride});
    }
  }
}

// What the tokens add to 16 channels of the pixels.
struct Added {
  const float* weights;
  int64_t weights_stride, columns;
  const float *panel, *bias, *image;
  int64_t image_stride;
  float* out;
  int64_t out_stride;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][2];
    for (int r = 0; r < kRows; ++r) {
      const float* from = image + (first + r) * image_stride;
      sums[r][0] = _mm256_add_ps(_mm256_loadu_ps(from), _mm256_loadu_ps(bias));
      sums[r][1] = _mm256_add_ps(_mm256_loadu_ps(from + kLanes), _mm256_loadu_ps(bias + kLanes));
    }
    multiply<kRows, 2>(weights + first * weights_stride, weights_stride, 1, panel, kPanel, columns, sums);
    for (int r = 0; r < kRows; ++r) {
      float* to = out + (first + r) * out_stride;
      _mm256_storeu_ps(to, sums[r][0]);
      _mm256_storeu_ps(to + kLanes, sums[r][1]);
    }
  }
};

// 16 channels of the weighted sums of pixels, for columns in the place of rows.
struct Found {
  const float* weights;
  int64_t weights_stride, count;
  const float* pixels;
  int64_t pixels_stride;
  float* out;
  int64_t out_stride;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][2];
    for (int r = 0; r < kRows; ++r) {
      const float* from = out + (first + r) * out_stride;
      sums[r][0] = _mm256_loadu_ps(from);
      sums[r][1] = _mm256_loadu_ps(from + kLanes);
    }
    multiply<kRows, 2>(weights + first, 1, weights_stride, pixels, pixels_stride, count, sums);
    for (int r = 0; r < kRows; ++r) {
      float* to = out + (first + r) * out_stride;
      _mm256_storeu_ps(to, sums[r][0]);
      _mm256_storeu_ps(to + kLanes, sums[r][1]);
    }
  }
};

// A pixel's scores become weights that sum to one over the tokens, for each head.
inline void soften_over_tokens(float* scores, int64_t heads, int64_t tokens) {
  for (int64_t h = 0; h < heads; h += kLanes) {
    Vector most = _mm256_loadu_ps(scores + h);
    for (int64_t t = 1; t < tokens; ++t) most = _mm256_max_ps(most, _mm256_loadu_ps(scores + t * heads + h));
    Vector total = _mm256_setzero_ps();
    for (int64_t t = 0; t < tokens; ++t) {
      const Vector weight = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(scores + t * heads + h), most));
      _mm256_storeu_ps(scores + t * heads + h, weight);
      total = _mm256_add_ps(total, weight);
    }
    const Vector factor = _mm256_div_ps(_mm256_set1_ps(1), total);
    for (int64_t t = 0; t < tokens; ++t) {
      float* weight = scores + t * heads + h;
      _mm256_storeu_ps(weight, _mm256_mul_ps(_mm256_loadu_ps(weight), factor));
    }
  }
}

// Layer normalisation of one pixel, in place.
inline void normalise(float* pixel, int64_t channels, float epsilon, const float* weight, const float* bias) {
  Vector sum = _mm256_setzero_ps(), squares = sum;
  for (int64_t c = 0; c < channels; c += kLanes) sum = _mm256_add_ps(sum, _mm256_loadu_ps(pixel + c));
  const Vector mean = _mm256_set1_ps(sum_of(sum) / static_cast<float>(channels));
  for (int64_t c = 0; c < channels; c += kLanes) {
    const Vector apart = _mm256_sub_ps(_mm256_loadu_ps(pixel + c), mean);
    squares = _mm256_fmadd_ps(apart, apart, squares);
  }
  const float variance = sum_of(squares) / static_cast<float>(channels);
  const Vector factor = _mm256_div_ps(_mm256_set1_ps(1), _mm256_sqrt_ps(_mm256_set1_ps(variance + epsilon)));
  for (int64_t c = 0; c < channels; c += kLanes) {
    const Vector apart = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(pixel + c), mean), factor);
    _mm256_storeu_ps(pixel + c, _mm256_fmadd_ps(apart, _mm256_loadu_ps(weight + c), _mm256_loadu_ps(bias + c)));
  }
}

// The scores of 8 columns become weights relative to their largest so far; what was summed up before is brought to the
// same scale.
inline void soften_over_pixels(float* scores, int64_t stride, int64_t count, float* largest, float* totals, float* sums,
                               int64_t channels) {
  const Vector before = _mm256_loadu_ps(largest);
  Vector most = before;
  for (int64_t p = 0; p < count; ++p) most = _mm256_max_ps(most, _mm256_loadu_ps(scores + p * stride));
  Vector total = _mm256_loadu_ps(totals);
  if (_mm256_movemask_ps(_mm256_cmp_ps(most, before, _CMP_GT_OQ)) != 0) {
    const Vector factors = power_of_two(_mm256_sub_ps(before, most));
    total = _mm256_mul_ps(total, factors);
    _mm256_storeu_ps(largest, most);
    alignas(32) float factor[kLanes];
    _mm256_store_ps(factor, factors);
    for (int64_t j = 0; j < kLanes; ++j) {
      if (factor[j] == 1) continue;
      const Vector all = _mm256_set1_ps(factor[j]);
      for (float* s = sums + j * channels; s < sums + (j + 1) * channels; s += kLanes) {
        _mm256_storeu_ps(s, _mm256_mul_ps(_mm256_loadu_ps(s), all));
      }
    }
  }
  for (int64_t p = 0; p < count; ++p) {
    const Vector weight = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(scores + p * stride), most));
    _mm256_storeu_ps(scores + p * stride, weight);
    total = _mm256_add_ps(total, weight);
  }
  _mm256_storeu_ps(totals, total);
}

inline void add(const float* a, const float* b, float* to, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    _mm256_storeu_ps(to + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
  }
}

}  // namespace

bool ImagePass::available() { return avx2::available(); }

void ImagePass::run(const Write& write, const float* read, const float* image, const float* positions, float* out,
                    float* found, float* scratch) const {
  const int64_t all = columns(), stride = channels + kGap, scores_stride = all + kGap;
  float* placed = scratch;
  float* fresh = placed + kPixels * stride;
  float* given = fresh + kPixels * stride;
  float* asked = given + kPixels * scores_stride;
  float* sums = asked + kPixels * scores_stride;
  float* largest = sums + all * channels;
  float* totals = largest + all;
  fill(sums, all * channels, 0);
  fill(largest, all, kNone);
  fill(totals, all, 0);

  for (int64_t from = 0; from < pixels; from += kPixels) {
    const int64_t count = pixels - from < kPixels ? pixels - from : kPixels;
    const float* block = image + from * channels;
    const float* places = positions + from * channels;
    for (int64_t p = 0; p < count; ++p) add(block + p * channels, places + p * channels, placed + p * stride, channels);
    score(*this, count, placed, stride, write.keys, write.shifts, given, scores_stride);
    for (int64_t p = 0; p < count; ++p) soften_over_tokens(given + p * scores_stride, heads, tokens);
    for (int64_t c = 0; c < channels; c += kPanel) {
      in_groups(count, Added{given, scores_stride, all, write.values + c * all, write.bias + c, block + c, channels,
                             fresh + c, stride});
    }
    for (int64_t p = 0; p < count; ++p) {
      normalise(fresh + p * stride, channels, epsilon, write.norm_weight, write.norm_bias);
      float* to = out + (from + p) * channels;
      for (int64_t c = 0; c < channels; c += kLanes) _mm256_storeu_ps(to + c, _mm256_loadu_ps(fresh + p * stride + c));
      add(fresh + p * stride, places + p * channels, placed + p * stride, channels);
    }
    score(*this, count, placed, stride, read, nullptr, asked, scores_stride);
    for (int64_t j = 0; j < all; j += kLanes) {
      soften_over_pixels(asked + j, scores_stride, count, largest + j, totals + j, sums + j * channels, channels);
    }
    for (int64_t c = 0; c < channels; c += kPanel) {
      in_groups(all, Found{asked, scores_stride, count, fresh + c, stride, sums + c, channels});
    }
  }

  for (int64_t j = 0; j < all; ++j) {
    for (int64_t c = 0; c < channels; ++c) found[j * channels + c] = sums[j * channels + c] / totals[j];
  }
}

#else

bool ImagePass::available() { return false; }
void ImagePass::run(const Write&, const float*, const float*, const float*, float*, float*, float*) const {}

#endif

}  // namespace plat::nn
