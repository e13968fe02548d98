// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "postprocess/detail/row_runs.hpp"
#include "postprocess/instances.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plat::detail {

/// What a run takes besides its pixels, told in such.
inline constexpr std::size_t kPixelsPerRun = 4;

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
  /// What it takes, in pixels: a run takes as much as some of them.
  int64_t weight() const { return static_cast<int64_t>(relief_.size() + kPixelsPerRun * runs_.size()); }
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
