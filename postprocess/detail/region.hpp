// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "postprocess/instances.hpp"

#include <cstddef>
#include <cstdint>
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

/// The class's pixels in one row of a scene, and the short gaps between them that may turn out to be pinholes.
struct RowRuns {
  std::vector<Run> runs;
  std::vector<Run> gaps;  ///< each follows a run; `first_pixel` is that run's position
  std::vector<Relief> relief;
  std::vector<uint16_t> extent;  ///< probability, 65535 for 1
};

/// Finds the class's pixels in row `row` of three maps from `first_band` on; `scene_row` is what the runs are told.
RowRuns find_runs(const Image<float>& maps, const Image<uint8_t>& valid, int64_t row, int64_t first_band,
                  int64_t scene_row, const InstanceThresholds& thresholds);

/// Connected pixels of a class.
class Region {
 public:
  /// Adds one run of a row.
  void add(const Run& run, const RowRuns& row);
  void add_gap(const Run& gap) { gaps_.push_back(gap); }
  /// Takes over another region's pixels.
  void merge(Region&& other);
  /// The smallest window around the pixels.
  Window window() const;
  bool empty() const { return runs_.empty(); }
  int64_t last_row() const { return last_row_; }
  /// Whether the first pixel comes before that of another region (row-major).
  bool precedes(const Region& other) const;
  /// Tells the region's objects apart.
  InstancePatch split(const InstanceThresholds& thresholds) const;

 private:
  Image<Relief> paint_relief(const Window& window) const;
  std::vector<Run> runs_;
  std::vector<Run> gaps_;
  std::vector<Relief> relief_;
  std::vector<uint16_t> extent_;
  int64_t first_row_ = 0;
  int64_t first_col_ = 0;
  int64_t last_row_ = 0;
  int64_t min_col_ = 0;
  int64_t max_col_ = 0;
};

}  // namespace plat::detail
