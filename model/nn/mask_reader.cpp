// SPDX-License-Identifier: Apache-2.0
// Compiled with AVX2 and FMA where the compiler knows them, so it includes nothing whose inline functions other files
// could end up sharing.
#include "model/nn/mask_reader.hpp"

#include "model/nn/avx2.hpp"

namespace plat::nn {
namespace {

constexpr int64_t kPanel = 16;  // tokens that a product makes at once
constexpr int64_t kBlock = 64;  // tokens: the layers' weights are fetched once for all of them

}  // namespace

int64_t MaskReader::blocks() const { return (pixels + kBlock - 1) / kBlock; }

int64_t MaskReader::scratch_size(int64_t masks) const {
  return kBlock * (channels + 4 * middle) + kPanel * (4 * last + 16 * masks);
}

#if defined(__AVX2__) && defined(__FMA__)

namespace {

using avx2::gelu;
using avx2::in_groups;
using avx2::multiply;
using Vector = __m256;

constexpr int64_t kLanes = 8;  // of a register

enum class Activation { None, Gelu };

// A linear layer for 16 tokens that lie side by side: out (outputs, 16) = weight (outputs, inputs) * in (inputs, 16).
template <Activation kActivation>
struct Layer {
  const float *weight, *bias, *in;
  int64_t inputs;
  float* out;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][2];
    for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm256_broadcast_ss(bias + first + r);
    multiply<kRows, 2>(weight + first * inputs, inputs, 1, in, kPanel, inputs, sums);
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < 2; ++v) {
        const Vector value = kActivation == Activation::Gelu ? gelu(sums[r][v]) : sums[r][v];
        _mm256_storeu_ps(out + (first + r) * kPanel + kLanes * v, value);
      }
    }
  }
};

// Layer normalisation and GELU of 16 pixels whose channels are rows of 16, in place.
inline void normalise(float* pixels, int64_t channels, float epsilon, const float* weight, const float* bias) {
  for (int64_t half = 0; half < kPanel; half += kLanes) {
    float* x = pixels + half;
    const Vector share = _mm256_set1_ps(1 / static_cast<float>(channels));
    Vector sum = _mm256_setzero_ps(), squares = sum;
    for (int64_t c = 0; c < channels; ++c) sum = _mm256_add_ps(sum, _mm256_loadu_ps(x + c * kPanel));
    const Vector mean = _mm256_mul_ps(sum, share);
    for (int64_t c = 0; c < channels; ++c) {
      const Vector apart = _mm256_sub_ps(_mm256_loadu_ps(x + c * kPanel), mean);
      squares = _mm256_fmadd_ps(apart, apart, squares);
    }
    const Vector spread = _mm256_sqrt_ps(_mm256_fmadd_ps(squares, share, _mm256_set1_ps(epsilon)));
    const Vector factor = _mm256_div_ps(_mm256_set1_ps(1), spread);
    for (int64_t c = 0; c < channels; ++c) {
      const Vector apart = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + c * kPanel), mean), factor);
      const Vector even = _mm256_fmadd_ps(apart, _mm256_broadcast_ss(weight + c), _mm256_broadcast_ss(bias + c));
      _mm256_storeu_ps(x + c * kPanel, gelu(even));
    }
  }
}

// 16 tokens side by side: out (channels, 16). Tokens that are not there repeat the last one.
inline void gather(const float* image, int64_t count, int64_t channels, float* out) {
  for (int64_t p = 0; p < kPanel; ++p) {
    const float* from = image + (p < count ? p : count - 1) * channels;
    for (int64_t c = 0; c < channels; ++c) out[c * kPanel + p] = from[c];
  }
}

// Product of one reader with 16 pixels.
inline void read_pixels(const float* pixels, const float* reader, int64_t channels, float* out) {
  Vector left = _mm256_setzero_ps(), right = left;
  for (int64_t c = 0; c < channels; ++c) {
    const Vector weight = _mm256_broadcast_ss(reader + c);
    left = _mm256_fmadd_ps(weight, _mm256_loadu_ps(pixels + c * kPanel), left);
    right = _mm256_fmadd_ps(weight, _mm256_loadu_ps(pixels + c * kPanel + kLanes), right);
  }
  _mm256_storeu_ps(out, left);
  _mm256_storeu_ps(out + kLanes, right);
}

}  // namespace

bool MaskReader::available() { return avx2::available(); }

void MaskReader::read(int64_t block, const float* image, const float* readers, int64_t masks, float* scratch,
                      float* logits) const {
  const int64_t from = block * kBlock, end = from + kBlock < pixels ? from + kBlock : pixels;
  float* tokens = scratch;                           // panels of 16 tokens
  float* quarters = tokens + kBlock * channels;      // the same tokens, each as four pixels
  float* smallest = quarters + kBlock * 4 * middle;  // one of those, as four pixels
  float* read_off = smallest + kPanel * 4 * last;    // masks of the 16 pixels of 16 tokens
  const int64_t panels = (end - from + kPanel - 1) / kPanel;
  for (int64_t i = 0; i < panels; ++i) {
    const int64_t first = from + i * kPanel;
    gather(image + first * channels, end - first, channels, tokens + i * kPanel * channels);
  }
  // A few rows of weights stay in the first cache while all tokens pass.
  for (int64_t quarter = 0; quarter < 4; ++quarter) {
    for (int64_t row = 0; row < middle; row += avx2::kGroup) {
      const int64_t rows = middle - row < avx2::kGroup ? middle - row : avx2::kGroup;
      for (int64_t i = 0; i < panels; ++i) {
        const Layer<Activation::None> layer{first_weight + (quarter * middle + row) * channels, first_bias + row,
                                            tokens + i * kPanel * channels, channels,
                                            quarters + (i * 4 * middle + quarter * middle + row) * kPanel};
        in_groups(rows, layer);
      }
    }
  }
  const int64_t logits_size = 16 * pixels;
  for (int64_t i = 0; i < panels; ++i) {
    for (int64_t quarter = 0; quarter < 4; ++quarter) {
      float* pixel = quarters + (i * 4 + quarter) * middle * kPanel;
      normalise(pixel, middle, epsilon, norm_weight, norm_bias);
      for (int64_t part = 0; part < 4; ++part) {
        in_groups(last, Layer<Activation::Gelu>{second_weight + part * last * middle, second_bias, pixel, middle,
                                                smallest + part * last * kPanel});
        for (int64_t m = 0; m < masks; ++m) {
          read_pixels(smallest + part * last * kPanel, readers + m * last, last,
                      read_off + ((m * 4 + quarter) * 4 + part) * kPanel);
        }
      }
    }
    const int64_t first = from + i * kPanel, there = end - first < kPanel ? end - first : kPanel;
    for (int64_t m = 0; m < masks; ++m) {
      for (int64_t p = 0; p < there; ++p) {
        const int64_t row = 4 * ((first + p) / width), col = 4 * ((first + p) % width);
        float* to = logits + m * logits_size + row * 4 * width + col;
        const float* value = read_off + m * 16 * kPanel + p;
        for (int64_t quarter = 0; quarter < 4; ++quarter) {
          for (int64_t part = 0; part < 4; ++part) {
            const int64_t down = 2 * (quarter / 2) + part / 2, right = 2 * (quarter % 2) + part % 2;
            to[down * 4 * width + right] = value[(quarter * 4 + part) * kPanel];
          }
        }
      }
    }
  }
}

#else

bool MaskReader::available() { return false; }
void MaskReader::read(int64_t, const float*, const float*, int64_t, float*, float*) const {}

#endif

}  // namespace plat::nn
