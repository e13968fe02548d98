// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"
#include "postprocess/outline.hpp"

namespace plat {

struct RegularizeOptions {
  double tolerance = 2.0;        ///< largest distance that an edge may move, in the polygon's units, > 0
  double max_area_change = 0.2;  ///< relative change of area above which the simplified outline is kept, in (0, 1)
  double min_iou = 0.75;         ///< overlap with the input below which the simplified outline is kept, in (0, 1)
  void validate() const;
};

/// Squares a building's outline: finds its main direction, turns each edge to that direction or across it (45 degree
/// edges stay where they fit better), and rebuilds the corners. Falls back to the simplified outline, and to the input,
/// when the result would be invalid or differ too much; always returns a valid polygon for a valid input. Give it the
/// outline as it comes from `vectorize`, in a frame whose right angles are those on the ground.
Polygon regularize(const Polygon& polygon, const RegularizeOptions& options = {});
/// The same, with how it is drawn.
Outline regularized_outline(const Polygon& polygon, const RegularizeOptions& options);

}  // namespace plat
