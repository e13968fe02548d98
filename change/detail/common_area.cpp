// SPDX-License-Identifier: Apache-2.0
#include "change/detail/common_area.hpp"

#include <algorithm>

namespace plat::detail {

void CommonArea::collect(const ObjectStore& store, int64_t object, const Bounds& window, std::vector<Edge>& edges) {
  edges.clear();
  const Point origin{window.min_x, window.min_y};
  for (int64_t which = 0; which < store.rings(object); ++which) {
    const std::span<const Point> ring = store.ring(object, which);
    for (std::size_t i = 0, j = ring.size() - 1; i < ring.size(); j = i++) {
      const Point& from = ring[j];
      const Point& to = ring[i];
      if (from.x == to.x || std::max(from.x, to.x) <= window.min_x || std::min(from.x, to.x) >= window.max_x) continue;
      // Counter-clockwise, an edge that runs to the left has the object below it.
      const bool above = to.x < from.x;
      const Point& left = above ? to : from;
      const Point& right = above ? from : to;
      edges.push_back(
          {left.x - origin.x, left.y - origin.y, right.x - origin.x, right.y - origin.y, above ? 1.0 : -1.0});
    }
  }
  // Edges at one place stand in an order of their own, so that the ring's first vertex is of no account.
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return a.x0 != b.x0 ? a.x0 < b.x0 : a.y0 != b.y0 ? a.y0 < b.y0 : a.y1 < b.y1;
  });
}

double CommonArea::under_both(const Edge& a, const Edge& b) {
  const double left = std::max(a.x0, b.x0);
  const double right = std::min(a.x1, b.x1);
  if (!(left < right)) return 0;
  const auto height = [](const Edge& edge, double x) {
    return edge.y0 + (x - edge.x0) / (edge.x1 - edge.x0) * (edge.y1 - edge.y0);
  };
  const double a_left = height(a, left);
  const double a_right = height(a, right);
  const double b_left = height(b, left);
  const double b_right = height(b, right);
  const double lead_left = a_left - b_left;
  const double lead_right = a_right - b_right;
  double mean = (std::min(a_left, b_left) + std::min(a_right, b_right)) / 2;
  if (lead_left * lead_right < 0) {
    // The lines cross at a share t of the width; the lower one bends upward there.
    const double t = lead_left / (lead_left - lead_right);
    const double crossing = a_left + t * (a_right - a_left);
    mean = (t * (std::min(a_left, b_left) + crossing) + (1 - t) * (crossing + std::min(a_right, b_right))) / 2;
  }
  return a.sign * b.sign * mean * (right - left);
}

double CommonArea::meet(const Edge& edge, std::vector<const Edge*>& others) {
  double sum = 0;
  for (std::size_t i = 0; i < others.size();) {
    if (others[i]->x1 <= edge.x0) {
      others[i] = others.back();
      others.pop_back();
    } else {
      sum += under_both(edge, *others[i++]);
    }
  }
  return sum;
}

double CommonArea::operator()(const ObjectStore& a, int64_t i, const Bounds& box_a, const ObjectStore& b, int64_t k,
                              const Bounds& box_b) {
  // Only what both reach along x counts; heights are those above the lower of the two, so that they stay small.
  const Bounds window{std::max(box_a.min_x, box_b.min_x), std::min(box_a.min_y, box_b.min_y),
                      std::min(box_a.max_x, box_b.max_x), std::max(box_a.max_y, box_b.max_y)};
  if (!(window.min_x < window.max_x) || !(std::max(box_a.min_y, box_b.min_y) < std::min(box_a.max_y, box_b.max_y))) {
    return 0;
  }
  collect(a, i, window, edges_a_);
  collect(b, k, window, edges_b_);
  open_a_.clear();
  open_b_.clear();
  double sum = 0;
  for (std::size_t at_a = 0, at_b = 0; at_a < edges_a_.size() || at_b < edges_b_.size();) {
    if (at_b == edges_b_.size() || (at_a < edges_a_.size() && edges_a_[at_a].x0 <= edges_b_[at_b].x0)) {
      sum += meet(edges_a_[at_a], open_b_);
      open_a_.push_back(&edges_a_[at_a++]);
    } else {
      sum += meet(edges_b_[at_b], open_a_);
      open_b_.push_back(&edges_b_[at_b++]);
    }
  }
  return std::max(0.0, sum);
}

}  // namespace plat::detail
