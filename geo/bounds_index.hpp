// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace plat {

/// Finds which of many rectangles touch a given one: a regular grid of cells about the size of the rectangles, so that
/// map objects (many, small, spread out) are found in constant time each. Immutable; thread-safe.
class BoundsIndex {
 public:
  /// Empty rectangles are never found.
  explicit BoundsIndex(std::span<const Bounds> items);
  /// Positions of the rectangles that share at least a point with `query`, ascending.
  std::vector<int64_t> find(const Bounds& query) const;

 private:
  struct CellRange {
    int64_t col0, row0, col1, row1;
  };
  CellRange cells(const Bounds& bounds) const;

  std::vector<Bounds> items_;
  Bounds extent_;
  double cell_ = 1;
  int64_t cols_ = 0;
  int64_t rows_ = 0;
  std::vector<int64_t> first_;  ///< where each cell's entries begin, one more than cells
  std::vector<int64_t> entries_;
};

}  // namespace plat
