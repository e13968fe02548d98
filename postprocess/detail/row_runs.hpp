// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "core/spill_store.hpp"
#include "postprocess/stitcher.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plat::detail {

/// Height of the watershed's relief at one pixel; two bytes, for regions may hold many millions of pixels.
using Relief = uint16_t;
inline constexpr double kLevelsPerUnit = 255;

/// Neighbouring pixels [begin, end) of one row.
struct Run {
  int32_t row = 0;
  int32_t begin = 0;
  int32_t end = 0;
  std::size_t first_pixel = 0;  ///< where their values begin in the owner's `relief` and `extent`
};

/// Neighbouring columns [begin, end).
struct Span {
  int32_t begin = 0;
  int32_t end = 0;
  bool operator==(const Span&) const = default;
};

/// The class's pixels in one row of a scene, or in a part of it, and the short gaps between them that may turn out to be pinholes.
struct RowRuns {
  std::vector<Run> runs;
  std::vector<Run> gaps;           ///< each follows a run; `first_pixel` is that run's position
  std::vector<Span> seen;          ///< what of the row has data
  std::vector<Relief> relief;      ///< kBridge for pixels of narrow gaps
  std::vector<uint16_t> extent;    ///< probability, 65535 for 1; without meaning in narrow gaps
  std::vector<uint8_t> witnesses;  ///< of each pixel what each says: probability, 254 for 1, or kUnseen
};

/// What a witness says where it shows nothing.
inline constexpr uint8_t kUnseen = 255;

/// The relief of a pixel in a narrow gap, which belongs to a region but is none of the class's: higher than all ground.
inline constexpr Relief kBridge = 0xFFFC;

/// Finds the class's pixels in row `row` of a block, whose three maps begin at `first_band`; those of `witnesses` follow.
/// Columns and rows are told in the scene; gaps are not looked for.
RowRuns find_runs(const MapBlock& block, int64_t row, int64_t first_band, const InstanceThresholds& thresholds,
                  int64_t witnesses = 0);

/// Adds pixels to a row that are valid and lie in narrow gaps: runs that they touch grow together.
RowRuns with_bridges(const RowRuns& row, std::span<const Span> bridges, int64_t scene_row, int64_t witnesses);

/// Finds the gaps of a whole row: short, and valid all along.
void find_gaps(RowRuns& row);

/// Blocks of a row of blocks that wait until the last of them is there. They lie in memory, or in a file where they are many.
class WaitingRows {
 public:
  /// `memory_bytes`: what may lie in memory.
  explicit WaitingRows(int64_t memory_bytes) : store_(memory_bytes) {}
  /// The next block's rows, to the right of those before; all blocks have as many.
  void add(const std::vector<RowRuns>& rows);
  /// A row as if one block had held all of it.
  RowRuns whole(std::size_t row, int64_t scene_row, int64_t witnesses) const;
  /// Forgets all, for the next row of blocks.
  void clear();

 private:
  SpillStore store_;
  int64_t end_ = 0;
  std::vector<std::vector<int64_t>> starts_;  ///< of each block, where its rows begin and the last one ends
};

}  // namespace plat::detail
