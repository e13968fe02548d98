// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_store.hpp"

#include <vector>

namespace plat::detail {

/// Measures the ground that objects of two dates share, exactly up to rounding. The area under each edge of one
/// outline, with its direction as the sign, adds up to the outline's own, so the shared area is the sum over pairs of
/// edges of the area under both: the integral of the lower one, in closed form. No crossing points are built, so
/// touching and coinciding edges need no care, and holes and parts come for free. A sweep along x meets only pairs
/// that overlap there: for outlines of map objects hardly more than they have edges. Keeps its memory; not
/// thread-safe.
class CommonArea {
 public:
  /// Of object `i` of `a` and object `k` of `b`, whose bounding rectangles are given.
  double operator()(const ObjectStore& a, int64_t i, const Bounds& box_a, const ObjectStore& b, int64_t k,
                    const Bounds& box_b);

 private:
  /// A side that is not vertical, from left to right.
  struct Edge {
    double x0, y0, x1, y1;
    double sign;  ///< +1 where the object lies below it
  };
  static void collect(const ObjectStore& store, int64_t object, const Bounds& window, std::vector<Edge>& edges);
  static double under_both(const Edge& a, const Edge& b);
  static double meet(const Edge& edge, std::vector<const Edge*>& others);

  std::vector<Edge> edges_a_, edges_b_;
  std::vector<const Edge*> open_a_, open_b_;  ///< edges that the sweep has begun and may not have ended
};

}  // namespace plat::detail
