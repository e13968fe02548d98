// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat::nn {

/// Attention of one head over a grid of tokens (a window, or the whole image) with decomposed relative positions: the
/// score of query (r, c) and key (i, j) is scale · q·k + q·R[r - i] + q·C[c - j]. The kernel goes over the keys in
/// blocks that stay in the processor's cache, with the softmax kept up to date (Dao et al. 2022,
/// https://arxiv.org/abs/2205.14135), and starts each score from its two bias terms instead of zero, so that neither
/// scores nor biases are ever written out. For processors with AVX2; free of torch.
struct PlacedAttention {
  int64_t rows = 0, cols = 0;            ///< of the grid of keys
  int64_t real_rows = 0, real_cols = 0;  ///< tokens that exist; keys beyond them are the padding's, queries none
  int64_t head_dim = 0;                  ///< a multiple of 16
  bool int16_scores = false;  ///< q·k in whole numbers of 16 bits (see int16_product.hpp); all else in float32
  float scale = 1;
  int64_t token_stride = 0, row_stride = 0;          ///< floats from a token's query to its right and lower neighbour's
  int64_t out_token_stride = 0, out_row_stride = 0;  ///< the same in the result

  /// Whether this processor and build can run the kernel.
  static bool available();
  /// Floats that the packed keys and values of one head take, the packed tables, and the scratch memory of one thread.
  int64_t packed_size() const;
  int64_t tables_size() const;
  int64_t scratch_size() const;
  /// Blocks of queries, each of which can be attended by another thread.
  int64_t blocks() const;

  /// `row_table`, `col_table`: (2 · side - 1, head_dim), entry q - k + side - 1 is R[q - k].
  void pack_tables(const float* row_table, const float* col_table, float* tables) const;
  /// `key`, `value`: of the grid's first token. `pad_key`, `pad_value`: what a padded token has; null for zeros.
  void pack_keys(const float* key, const float* value, const float* pad_key, const float* pad_value,
                 float* packed) const;
  /// Writes the results of the queries of one block. `query`, `out`: of the grid's first token.
  void attend(int64_t block, const float* query, const float* tables, const float* packed, float* scratch,
              float* out) const;
};

}  // namespace plat::nn
