// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plat::nn {

/// The last step of SAM's mask decoder: each token of the image becomes 2 x 2 pixels, which are normalised, each of those
/// again 2 x 2, and the masks of a prompt are products of these with one reader each. Both enlargements are transposed
/// convolutions of 2 x 2 with stride 2, that is linear layers. All of it is done for a few tokens at a time, in the
/// processor's cache: what lies between the image and its masks is never written out. Float32, for processors with AVX2;
/// free of torch.
struct MaskReader {
  int64_t width = 0;     ///< of the image in tokens
  int64_t pixels = 0;    ///< tokens of the image
  int64_t channels = 0;  ///< of a token
  int64_t middle = 0;    ///< channels after the first enlargement
  int64_t last = 0;      ///< after the second
  float epsilon = 1e-6F;

  const float* first_weight = nullptr;  ///< (4 · middle, channels), the quarters row by row
  const float* first_bias = nullptr;    ///< (middle)
  const float* norm_weight = nullptr;   ///< (middle)
  const float* norm_bias = nullptr;
  const float* second_weight = nullptr;  ///< (4 · last, middle)
  const float* second_bias = nullptr;    ///< (last)

  /// Whether this processor and build can run the kernel.
  static bool available();
  /// Blocks of tokens, each of which can be read by another thread.
  int64_t blocks() const;
  /// Floats of one thread's scratch memory, for so many masks.
  int64_t scratch_size(int64_t masks) const;
  /// Writes what one block of the image adds to the masks. `image`: (pixels, channels); `readers`: (masks, last);
  /// `logits`: (masks, 4 · height, 4 · width).
  void read(int64_t block, const float* image, const float* readers, int64_t masks, float* scratch,
            float* logits) const;
};

}  // namespace plat::nn
