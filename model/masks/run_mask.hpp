// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace plat {

/// Consecutive pixels of one row: the columns [begin, end).
struct MaskRun {
  int32_t row = 0;
  int32_t begin = 0;
  int32_t end = 0;
  bool operator==(const MaskRun&) const = default;
};

/// A set of pixels as runs: what a mask takes grows with its outline, not with its area. A value type.
class RunMask {
 public:
  RunMask() = default;
  /// `runs`: by rows, then by columns, none empty, none overlapping; runs that touch are joined.
  explicit RunMask(std::vector<MaskRun> runs);
  /// The pixels that are not 0.
  static RunMask of(const Image<uint8_t>& image);

  const std::vector<MaskRun>& runs() const { return runs_; }
  const Window& bounds() const { return bounds_; }
  int64_t area() const { return area_; }  ///< pixels
  bool empty() const { return runs_.empty(); }

  RunMask moved(int64_t cols, int64_t rows) const;
  /// The pixels inside a window.
  RunMask clipped(const Window& window) const;
  /// The pixels that an image, whose corner lies at (0, 0), has inside and does not call 0.
  RunMask where(const Image<uint8_t>& valid) const;
  int64_t area_within(const Window& window) const;
  bool operator==(const RunMask&) const = default;

 private:
  std::span<const MaskRun> rows(int64_t first, int64_t end) const;

  std::vector<MaskRun> runs_;
  Window bounds_;
  int64_t area_ = 0;
};

/// How many pixels of a window both masks have.
int64_t common_area(const RunMask& a, const RunMask& b, const Window& window);
/// Pixels that both have over pixels that either has; 0 for two empty masks.
double mask_iou(const RunMask& a, const RunMask& b);
/// The same, inside a window.
double mask_iou(const RunMask& a, const RunMask& b, const Window& window);
/// The pixels that one of the masks has.
RunMask united(std::span<const RunMask* const> masks);

/// Fills 8-connected holes of fewer than `least_area` pixels, then drops 8-connected parts that are smaller than that, all
/// but the largest where all are. The outside of the mask is that of an image of width x height, in which the mask lies.
/// The flag says whether anything was changed.
std::pair<RunMask, bool> without_small_regions(const RunMask& mask, int64_t width, int64_t height, int64_t least_area);

}  // namespace plat
