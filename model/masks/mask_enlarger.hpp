// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "model/masks/run_mask.hpp"

#include <cstdint>
#include <vector>

namespace plat {

/// An image scaled so that its longer side is `side` pixels, in the upper left of a square of that size, the rest filled
/// with `fill` (a value a band). Bilinear with the filter widened where the image shrinks, as Pillow's; an image whose
/// longer side fits already keeps its values.
struct FittedImage {
  Image<float> pixels;
  int64_t width = 0;  ///< of the scaled image
  int64_t height = 0;
};
FittedImage fit_image(const Image<float>& image, const Window& part, int64_t side, const std::vector<float>& fill);

/// The pixels where a network's mask is positive, and how little the threshold matters to it.
struct ThresholdedMask {
  RunMask mask;
  /// Pixels above the threshold plus an offset over those above the threshold minus it: 1 for a mask that does not care.
  /// 0 for a mask without pixels.
  double stability = 0;
};

/// Brings the small masks of a network to the size of the image that was fitted into its tile, bilinearly, and applies a
/// threshold; where the small mask's four neighbours agree nothing is interpolated. Thread-safe.
class MaskEnlarger {
 public:
  /// `logits_*`: size of the network's masks, which stand for a tile of `side` pixels; `fitted_*` is the part of the tile
  /// that the image of width x height was scaled to.
  MaskEnlarger(int64_t logits_width, int64_t logits_height, int64_t side, int64_t fitted_width, int64_t fitted_height,
               int64_t width, int64_t height);

  ThresholdedMask enlarge(const Image<float>& logits, double offset) const;

 private:
  /// What lies between two neighbouring values of an axis: the results [begin, end).
  struct Cell {
    int32_t begin, end;
  };
  struct Axis {
    std::vector<int32_t> low;   ///< for each result, the first of the two values that it lies between
    std::vector<int32_t> high;  ///< the second
    std::vector<float> part;    ///< of the second
    std::vector<Cell> cells;    ///< for each value, the results that it is the first for
  };
  static Axis axis(int64_t from, int64_t to, int64_t wanted);
  ThresholdedMask threshold(const Image<float>& logits, const Axis& cols, const Axis& rows, double offset) const;

  Axis cols_, rows_;
  /// The step from the fitted image to the original, where their sizes differ.
  Axis second_cols_, second_rows_;
  bool two_steps_ = false;
};

}  // namespace plat
