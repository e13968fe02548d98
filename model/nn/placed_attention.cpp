// SPDX-License-Identifier: Apache-2.0
// Compiled with AVX2 and FMA where the compiler knows them, so it includes nothing whose inline functions other files
// could end up sharing.
#include "model/nn/placed_attention.hpp"

#include "model/nn/avx2.hpp"

namespace plat::nn {
namespace {

constexpr int64_t kPanel = 16;    // columns that a product makes at once: two registers
constexpr int64_t kQueries = 66;  // in a block: with a panel of keys they stay in the first cache
constexpr int64_t kKeys = 256;    // in a block: scores and values stay in the second cache
constexpr float kNone = -1e30F;   // the score of what is not there
constexpr float kLog2E = 1.44269504F;

int64_t padded(int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

// Widths in floats of what is stored for each query and each grid.
struct Layout {
  explicit Layout(const PlacedAttention& a)
      : cols(padded(a.cols)),
        row_table(padded(2 * a.rows - 1)),
        col_table(padded(2 * a.cols - 1)),
        key_rows(cols >= kKeys ? 1 : kKeys / cols),
        keys(key_rows * cols) {}
  int64_t cols;                  // of a row of keys
  int64_t row_table, col_table;  // entries
  int64_t key_rows, keys;        // in a block
};

}  // namespace

int64_t PlacedAttention::packed_size() const { return rows * Layout(*this).cols * (2 * head_dim + 1); }

int64_t PlacedAttention::tables_size() const {
  const Layout layout(*this);
  return (layout.row_table + layout.col_table) * head_dim;
}

int64_t PlacedAttention::scratch_size() const {
  const Layout layout(*this);
  const int64_t floats = 2 * head_dim + layout.keys + layout.row_table + layout.col_table + rows + layout.cols + 10;
  return kQueries * (floats + head_dim / 2 + 1);
}

int64_t PlacedAttention::blocks() const { return (real_rows * real_cols + kQueries - 1) / kQueries; }

#if defined(__AVX2__) && defined(__FMA__)

namespace {

using avx2::fill;
using avx2::in_groups;
using avx2::multiply;
using avx2::power_of_two;
using avx2::sum_of;
using Vector = __m256;
// Whole numbers lie in memory that was asked for as floats.
using Number [[gnu::may_alias]] = int16_t;

// out[q][0..16) = queries times a panel of a table.
struct TableProduct {
  const float *queries, *panel;
  int64_t depth;
  float* out;
  int64_t out_stride;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][2] = {};
    multiply<kRows, 2>(queries + first * depth, depth, 1, panel, kPanel, depth, sums);
    for (int r = 0; r < kRows; ++r) {
      float* to = out + (first + r) * out_stride;
      _mm256_storeu_ps(to, sums[r][0]);
      _mm256_storeu_ps(to + 8, sums[r][1]);
    }
  }
};

// Scores of 16 keys of one row, which begin as the bias; the largest of each query is kept in 8 parts.
struct ScoreProduct {
  const float *queries, *panel;
  int64_t depth;
  const float* by_col;
  int64_t by_col_stride;
  const float* by_row;
  int64_t by_row_stride;
  float* scores;
  int64_t scores_stride;
  float* largest;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][2];
    for (int r = 0; r < kRows; ++r) {
      const Vector row = _mm256_broadcast_ss(by_row + (first + r) * by_row_stride);
      const float* col = by_col + (first + r) * by_col_stride;
      sums[r][0] = _mm256_add_ps(row, _mm256_loadu_ps(col));
      sums[r][1] = _mm256_add_ps(row, _mm256_loadu_ps(col + 8));
    }
    multiply<kRows, 2>(queries + first * depth, depth, 1, panel, kPanel, depth, sums);
    for (int r = 0; r < kRows; ++r) keep(first + r, sums[r][0], sums[r][1]);
  }

  void keep(int64_t query, Vector left, Vector right) const {
    float* to = scores + query * scores_stride;
    _mm256_storeu_ps(to, left);
    _mm256_storeu_ps(to + 8, right);
    float* most = largest + 8 * query;
    _mm256_storeu_ps(most, _mm256_max_ps(_mm256_loadu_ps(most), _mm256_max_ps(left, right)));
  }
};

// The same of whole numbers; each query and each key has a scale.
struct Int16ScoreProduct {
  const Number *queries, *panel;
  const float *query_scales, *key_scales;
  ScoreProduct rest;

  template <int kRows>
  void run(int64_t first) const {
    __m256i sums[kRows][2];
    multiply<kRows>(queries + first * rest.depth, rest.depth, panel, rest.depth / 2, sums);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const Vector row = _mm256_broadcast_ss(rest.by_row + (first + r) * rest.by_row_stride);
      const Vector scale = _mm256_broadcast_ss(query_scales + first + r);
      Vector scores[2];
      for (int half = 0; half < 2; ++half) {
        const float* col = rest.by_col + (first + r) * rest.by_col_stride + 8 * half;
        scores[half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[r][half]),
                                       _mm256_mul_ps(scale, _mm256_loadu_ps(key_scales + 8 * half)),
                                       _mm256_add_ps(row, _mm256_loadu_ps(col)));
      }
      rest.keep(first + r, scores[0], scores[1]);
    }
  }
};

// No sum of head_dim products of two such numbers leaves 32 bits.
int32_t score_limit(int64_t head_dim) {
  const double limit = __builtin_sqrt(2147483647.0 / static_cast<double>(head_dim));
  return static_cast<int32_t>(limit < 32767 ? limit : 32767);
}

// out[q][0..16) += weights times 16 channels of the values.
struct ValueProduct {
  const float* weights;
  int64_t weights_stride;
  const float* panel;
  int64_t depth;
  float* out;
  int64_t out_stride;

  template <int kRows>
  void run(int64_t first) const {
    Vector sums[kRows][2];
    for (int r = 0; r < kRows; ++r) {
      const float* from = out + (first + r) * out_stride;
      sums[r][0] = _mm256_loadu_ps(from);
      sums[r][1] = _mm256_loadu_ps(from + 8);
    }
    multiply<kRows, 2>(weights + first * weights_stride, weights_stride, 1, panel, kPanel, depth, sums);
    for (int r = 0; r < kRows; ++r) {
      float* to = out + (first + r) * out_stride;
      _mm256_storeu_ps(to, sums[r][0]);
      _mm256_storeu_ps(to + 8, sums[r][1]);
    }
  }
};

inline float largest_of(const float* x) {
  float most = x[0];
  for (int i = 1; i < 8; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

// Scores become weights relative to the largest score so far; what was summed up before is brought to the same scale.
inline void soften(float* scores, int64_t count, const float* block_largest, float& largest, float& total, float* out,
                   int64_t head_dim) {
  const float most = largest_of(block_largest);
  if (most > largest) {
    const Vector factor = power_of_two(_mm256_set1_ps(largest - most));
    for (int64_t c = 0; c < head_dim; c += 8) {
      _mm256_storeu_ps(out + c, _mm256_mul_ps(_mm256_loadu_ps(out + c), factor));
    }
    total *= _mm256_cvtss_f32(factor);
    largest = most;
  }
  const Vector subtracted = _mm256_set1_ps(largest);
  Vector left = _mm256_setzero_ps(), right = left;
  for (int64_t k = 0; k < count; k += kPanel) {
    const Vector a = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(scores + k), subtracted));
    const Vector b = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(scores + k + 8), subtracted));
    _mm256_storeu_ps(scores + k, a);
    _mm256_storeu_ps(scores + k + 8, b);
    left = _mm256_add_ps(left, a);
    right = _mm256_add_ps(right, b);
  }
  total += sum_of(_mm256_add_ps(left, right));
}

// Entry j of a packed table belongs to key - query = j - (side - 1), so that a query's biases lie in the order of keys.
void pack_table(const float* table, int64_t side, int64_t head_dim, float factor, float* packed) {
  const int64_t entries = 2 * side - 1;
  for (int64_t j = 0; j < padded(entries); ++j) {
    float* to = packed + j / kPanel * kPanel * head_dim + j % kPanel;
    for (int64_t c = 0; c < head_dim; ++c) {
      to[c * kPanel] = j < entries ? factor * table[(entries - 1 - j) * head_dim + c] : 0.0F;
    }
  }
}

// Pairs of a key's whole numbers go to a panel of 16 keys; null stands for zeros. Returns their step.
float pack_key(const float* key, int64_t head_dim, Number* to) {
  const float step = key != nullptr ? avx2::step_of(key, head_dim, score_limit(head_dim)) : 0;
  for (int64_t c = 0; c < head_dim; c += 16) {
    int16_t numbers[16] = {};
    if (key != nullptr) avx2::quantize(key + c, 16, step, numbers);
    for (int i = 0; i < 8; ++i) __builtin_memcpy(to + (c / 2 + i) * 2 * kPanel, numbers + 2 * i, 2 * sizeof(int16_t));
  }
  return step;
}

}  // namespace

bool PlacedAttention::available() { return avx2::available(); }

void PlacedAttention::pack_tables(const float* row_table, const float* col_table, float* tables) const {
  // Queries are multiplied with scale · log2(e) once, for all products; positions are not scaled in the formula.
  pack_table(row_table, rows, head_dim, 1 / scale, tables);
  pack_table(col_table, cols, head_dim, 1 / scale, tables + Layout(*this).row_table * head_dim);
}

void PlacedAttention::pack_keys(const float* key, const float* value, const float* pad_key, const float* pad_value,
                                float* packed) const {
  const Layout layout(*this);
  const int64_t count = rows * layout.cols;
  float* keys = packed;                       // panels of 16 keys, each head_dim x 16
  float* values = packed + count * head_dim;  // panels of 16 channels, each keys x 16
  auto* numbers = reinterpret_cast<Number*>(packed);
  float* key_scales = values + count * head_dim;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < layout.cols; ++col) {
      const bool real = row < real_rows && col < real_cols, there = col < cols;
      const float* k = real ? key + row * row_stride + col * token_stride : there ? pad_key : nullptr;
      const float* v = real ? value + row * row_stride + col * token_stride : there ? pad_value : nullptr;
      const int64_t place = row * layout.cols + col;
      float* to_key = keys + place / kPanel * kPanel * head_dim + place % kPanel;
      float* to_value = values + place * kPanel;
      if (int16_scores) {
        key_scales[place] = pack_key(k, head_dim, numbers + place / kPanel * kPanel * head_dim + place % kPanel * 2);
      }
      for (int64_t c = 0; c < head_dim; ++c) {
        if (!int16_scores) to_key[c * kPanel] = k != nullptr ? k[c] : 0.0F;
        to_value[c / kPanel * count * kPanel + c % kPanel] = v != nullptr ? v[c] : 0.0F;
      }
    }
  }
}

void PlacedAttention::attend(int64_t block, const float* query, const float* tables, const float* packed,
                             float* scratch, float* out) const {
  const Layout layout(*this);
  const int64_t from = block * kQueries, all = real_rows * real_cols;
  const int64_t count = all - from < kQueries ? all - from : kQueries;
  float* queries = scratch;
  float* mixed = queries + kQueries * head_dim;
  float* scores = mixed + kQueries * head_dim;
  float* row_products = scores + kQueries * layout.keys;
  float* col_products = row_products + kQueries * layout.row_table;
  float* by_row = col_products + kQueries * layout.col_table;
  float* by_col = by_row + kQueries * rows;
  float* block_largest = by_col + kQueries * layout.cols;
  float* largest = block_largest + 8 * kQueries;
  float* totals = largest + kQueries;
  float* query_scales = totals + kQueries;
  auto* query_numbers = reinterpret_cast<Number*>(query_scales + kQueries);

  for (int64_t q = 0; q < count; ++q) {
    const float* x = query + (from + q) / real_cols * row_stride + (from + q) % real_cols * token_stride;
    for (int64_t c = 0; c < head_dim; ++c) queries[q * head_dim + c] = scale * kLog2E * x[c];
    if (int16_scores) {
      const float* from_query = queries + q * head_dim;
      query_scales[q] = avx2::step_of(from_query, head_dim, score_limit(head_dim));
      avx2::quantize(from_query, head_dim, query_scales[q], query_numbers + q * head_dim);
    }
  }
  for (int64_t j = 0; j < layout.row_table; j += kPanel) {
    in_groups(count, TableProduct{queries, tables + j * head_dim, head_dim, row_products + j, layout.row_table});
  }
  const float* col_table = tables + layout.row_table * head_dim;
  for (int64_t j = 0; j < layout.col_table; j += kPanel) {
    in_groups(count, TableProduct{queries, col_table + j * head_dim, head_dim, col_products + j, layout.col_table});
  }
  for (int64_t q = 0; q < count; ++q) {
    const float* row = row_products + q * layout.row_table + (rows - 1 - (from + q) / real_cols);
    const float* col = col_products + q * layout.col_table + (cols - 1 - (from + q) % real_cols);
    for (int64_t i = 0; i < rows; ++i) by_row[q * rows + i] = row[i];
    for (int64_t j = 0; j < layout.cols; ++j) by_col[q * layout.cols + j] = j < cols ? col[j] : kNone;
  }

  fill(mixed, count * head_dim, 0);
  fill(largest, count, kNone);
  fill(totals, count, 0);
  const float* values = packed + rows * layout.cols * head_dim;
  const float* key_scales = values + rows * layout.cols * head_dim;
  for (int64_t top = 0; top < rows; top += layout.key_rows) {
    const int64_t bottom = top + layout.key_rows < rows ? top + layout.key_rows : rows;
    const int64_t keys = (bottom - top) * layout.cols;
    fill(block_largest, 8 * count, kNone);
    for (int64_t row = top; row < bottom; ++row) {
      for (int64_t col = 0; col < layout.cols; col += kPanel) {
        const int64_t place = row * layout.cols + col;
        const ScoreProduct product{queries,     packed + place * head_dim,
                                   head_dim,    by_col + col,
                                   layout.cols, by_row + row,
                                   rows,        scores + (row - top) * layout.cols + col,
                                   layout.keys, block_largest};
        if (int16_scores) {
          const auto* numbers = reinterpret_cast<const Number*>(packed) + place * head_dim;
          in_groups(count, Int16ScoreProduct{query_numbers, numbers, query_scales, key_scales + place, product});
        } else {
          in_groups(count, product);
        }
      }
    }
    for (int64_t q = 0; q < count; ++q) {
      soften(scores + q * layout.keys, keys, block_largest + 8 * q, largest[q], totals[q], mixed + q * head_dim,
             head_dim);
    }
    for (int64_t c = 0; c < head_dim; c += kPanel) {
      const float* panel = values + (c * rows + top * kPanel) * layout.cols;
      in_groups(count, ValueProduct{scores, layout.keys, panel, keys, mixed + c, head_dim});
    }
  }

  for (int64_t q = 0; q < count; ++q) {
    float* to = out + (from + q) / real_cols * out_row_stride + (from + q) % real_cols * out_token_stride;
    for (int64_t c = 0; c < head_dim; ++c) to[c] = mixed[q * head_dim + c] / totals[q];
  }
}

#else

bool PlacedAttention::available() { return false; }
void PlacedAttention::pack_tables(const float*, const float*, float*) const {}
void PlacedAttention::pack_keys(const float*, const float*, const float*, const float*, float*) const {}
void PlacedAttention::attend(int64_t, const float*, const float*, const float*, float*, float*) const {}

#endif

}  // namespace plat::nn
