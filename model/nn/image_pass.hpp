// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat::nn {

/// One pass of SAM's mask decoder over the tokens of the image, for one prompt: the image attends to the prompt's few
/// tokens, what they add is normalised, and the tokens of the next layer attend to the result. Both attentions take the
/// form of two_way_transformer.hpp (`TokenAttention`): the projections of the image are multiplied into the tokens'
/// keys and values. The image passes through the processor's cache in blocks, once; the softmax over the image is kept
/// up to date (Dao et al. 2022, https://arxiv.org/abs/2205.14135). Float32, for processors with AVX2; free of torch.
///
/// A column is a pair of a token and a head: column t * heads + h. Scores come out as powers of two: keys hold the factor
/// log2(e).
struct ImagePass {
  int64_t pixels = 0;    ///< tokens of the image
  int64_t channels = 0;  ///< a multiple of 16
  int64_t heads = 0;     ///< a multiple of 8
  int64_t tokens = 0;    ///< of the prompt
  float epsilon = 1e-6F;

  /// How the image takes up what the tokens say.
  struct Write {
    const float* keys;         ///< packed, of the tokens that are looked at
    const float* shifts;       ///< one a column: what is added to the scores
    const float* values;       ///< packed
    const float* bias;         ///< one a channel: what every pixel gets
    const float* norm_weight;  ///< one a channel, of the normalisation that follows
    const float* norm_bias;
  };

  /// Whether this processor and build can run the kernel.
  static bool available();
  int64_t columns() const { return heads * tokens; }
  /// Floats of packed keys or values, and of one thread's scratch memory.
  int64_t packed_size() const { return columns() * channels; }
  int64_t scratch_size() const;

  /// From (columns, channels).
  void pack_keys(const float* keys, float* packed) const;
  void pack_values(const float* values, float* packed) const;
  /// `image`, `positions`: (pixels, channels). Writes the new image to `out`, which may be `image`, and what the keys
  /// `read` find in it, a weighted mean of pixels for each column, to `found` (columns, channels).
  void run(const Write& write, const float* read, const float* image, const float* positions, float* out, float* found,
           float* scratch) const;
};

}  // namespace plat::nn
