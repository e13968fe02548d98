// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/block_shift.hpp"
#include "core/progress.hpp"
#include "core/window.hpp"
#include "geo/shift_field.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// How the shift between two scenes is measured.
struct ShiftOptions {
  int64_t block = 256;        ///< side of a block, pixels, 64..1024
  int64_t overlap = 0;        ///< of neighbouring blocks, pixels, 0 <= overlap < block
  double least_peak = 0.1;    ///< correlation of gradients below which a block tells nothing, in (0, 1)
  int64_t largest = 30;       ///< shift that is looked for, pixels each way, >= 1; at most a quarter of a block is
  int64_t most_blocks = 400;  ///< of a large scene so many, evenly spread
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

/// What one block says.
struct BlockShift {
  Window window;
  Point shift;
  double peak = 0;
  bool used = false;  ///< it belongs to the consensus
};

enum class ShiftVerdict : uint8_t {
  Translation,    ///< all of the scene lies out of place by one shift
  Smooth,         ///< the shift changes smoothly over the scene
  Unmeasured,     ///< too few blocks show structure that both dates have
  Contradictory,  ///< blocks disagree without pattern
};

struct MeasuredShift {
  ShiftVerdict verdict = ShiftVerdict::Unmeasured;
  ShiftField field;                ///< 0 where it is not measured
  std::vector<BlockShift> blocks;  ///< those that have data at both dates
  int64_t telling = 0;             ///< blocks of a clear peak
  int64_t used = 0;                ///< of these, those that agree with the field
  double spread_px = 0;            ///< root mean square of what the field leaves of the shifts used

  /// For people: "shift of 2.31, -1.40 pixels (38 of 41 blocks agree, to 0.08 pixels)".
  std::string text() const;
};

/// Measures how far `after` lies from `before` on one grid: block by block (match_block; a second time round the place that the
/// first found), then by consensus. Blocks that hardly correlate, or that correlate as well at a second place, say nothing. The
/// translation that most of the others support to within a pixel is found first, then a rotation with scale and shear, and a field of
/// second degree, each only where it explains clearly more. Robust: real change, moved shadows and repetitive roofs are blocks
/// that disagree. `read` gives the pixels of two windows of one size, one a date, and may be called from many threads; nothing
/// where too little has data. Deterministic.
MeasuredShift measure_shift(
    int64_t width, int64_t height,
    const std::function<std::optional<BlockPair>(const Window& before, const Window& after)>& read,
    const ShiftOptions& options, const Progress& progress = {});

}  // namespace plat
