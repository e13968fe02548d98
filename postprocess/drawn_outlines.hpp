// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace plat {

/// The outlines of one class that are drawn already. Each region of a scene is drawn on its own, and straight walls leave
/// the pixels by some: where regions lie a pixel apart, a wall may come to stand on the neighbour's ground. The later one
/// gives way, so that no ground belongs to two objects; but texture (more than kMostCorners) keeps what it has. Memory holds what later regions can still meet. Not thread-safe.
class DrawnOutlines {
 public:
  /// What is left of an outline beside those drawn, its largest part; nothing where it meets none of them, or where less
  /// than half of it would be left. Pixels, row downward.
  std::optional<MultiPolygon> kept_apart(const MultiPolygon& outline) const;
  void add(const MultiPolygon& outline);
  /// Forgets outlines that end more than `reach` pixels above a row, but for those so near to one of some windows.
  void forget_above(double row, std::span<const Window> windows, double reach);

 private:
  struct Entry {
    Bounds box;
    MultiPolygon outline;
  };
  using Cells = std::unordered_map<int64_t, std::vector<std::shared_ptr<const Entry>>>;  ///< by column of cells
  std::map<int64_t, Cells> rows_;                                                        ///< by row of cells
};

}  // namespace plat
