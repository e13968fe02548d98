// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "postprocess/instances.hpp"

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

/// The class's pixels in one row of a scene, and the short gaps between them that may turn out to be pinholes.
struct RowRuns {
  std::vector<Run> runs;
  std::vector<Run> gaps;           ///< each follows a run; `first_pixel` is that run's position
  std::vector<Relief> relief;      ///< kBridge for pixels of narrow gaps
  std::vector<uint16_t> extent;    ///< probability, 65535 for 1; without meaning in narrow gaps
  std::vector<uint8_t> witnesses;  ///< of each pixel what each says: probability, 254 for 1, or kUnseen
};

/// What a witness says where it shows nothing.
inline constexpr uint8_t kUnseen = 255;

/// The relief of a pixel in a narrow gap, which belongs to a region but is none of the class's: higher than all ground.
inline constexpr Relief kBridge = 0xFFFC;

/// Whether a pixel is one of the class's.
inline bool in_class(float extent, uint8_t valid, const InstanceThresholds& thresholds) {
  return extent >= static_cast<float>(thresholds.extent) && valid != 0;
}

/// Finds the class's pixels in row `row` of three maps from `first_band` on; `scene_row` is what the runs are told.
/// `bridges` is 1 for the row's pixels in narrow gaps, which join the runs where they are valid; empty: there are none.
/// The maps of `witnesses` follow.
RowRuns find_runs(const Image<float>& maps, const Image<uint8_t>& valid, int64_t row, int64_t first_band,
                  int64_t scene_row, const InstanceThresholds& thresholds, std::span<const uint8_t> bridges = {},
                  int64_t witnesses = 0);

/// Connected pixels of a class, and of the narrow gaps between them.
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
  int64_t first_row() const { return first_row_; }
  int64_t last_row() const { return last_row_; }
  /// Whether the first pixel comes before that of another region (row-major).
  bool precedes(const Region& other) const;
  /// Tells the region's objects apart.
  InstancePatch split(const InstanceThresholds& thresholds) const;

 private:
  std::size_t witness_count() const { return relief_.empty() ? 0 : witnesses_.size() / relief_.size(); }
  Image<Relief> paint_relief(const Window& window) const;
  void paint_bridges(const Window& window, Image<Relief>& relief) const;
  std::vector<Run> runs_;
  std::vector<Run> gaps_;
  std::vector<Relief> relief_;
  std::vector<uint16_t> extent_;
  std::vector<uint8_t> witnesses_;
  int64_t first_row_ = 0;
  int64_t first_col_ = 0;
  int64_t last_row_ = 0;
  int64_t min_col_ = 0;
  int64_t max_col_ = 0;
  bool bridged_ = false;  ///< whether any pixel lies in a narrow gap
};

}  // namespace plat::detail
