// SPDX-License-Identifier: Apache-2.0
#include "postprocess/simplify.hpp"

#include "core/error.hpp"
#include "postprocess/detail/contacts.hpp"
#include "postprocess/detail/fit_options.hpp"
#include "postprocess/detail/line_fit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace plat {
namespace {

using detail::WallLine;

// A ring on its way: lines for its walls, some of which give way to the outline itself.
class SimplifiedRing {
 public:
  SimplifiedRing(const Ring& ring, double largest_tolerance) : original_(&ring) {
    const double tolerance = detail::simplifying_tolerance(largest_tolerance, std::abs(signed_area(ring)));
    reach_ = detail::kSimplifiedReach * tolerance;
    lines_ = detail::fit_ring(ring, detail::outline_options(tolerance)).lines;
    kept_.assign(lines_.size(), false);
    draw();
  }
  const Ring& ring() const { return ring_; }
  // Puts the original outline in place of the line behind an edge; false when it was there before.
  bool keep_outline(std::size_t edge) {
    const std::size_t line = owner_[edge];
    if (kept_[line]) return false;
    kept_[line] = true;
    return true;
  }
  void keep_all() { kept_.assign(lines_.size(), true); }
  // Whether so little is left that the ring says nothing, or runs the other way round.
  bool collapsed() const {
    const double before = signed_area(*original_);
    const double after = signed_area(ring_);
    return ring_.size() < 3 || after * before <= 0 || std::abs(after) < std::abs(before) / 2;
  }
  void draw() {
    ring_.clear();
    owner_.clear();
    if (std::ranges::find(kept_, false) == kept_.end()) {
      ring_ = *original_;
      owner_.assign(ring_.size(), 0);
      return;
    }
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const std::size_t next = i + 1 < lines_.size() ? i + 1 : 0;
      const std::size_t last = lines_[i].end;
      if (kept_[i]) {
        for (std::size_t k = lines_[i].begin + 1; k < last; ++k) put((*original_)[k % original_->size()], i);
      }
      const Point& vertex = (*original_)[last % original_->size()];
      if (kept_[i] || kept_[next] || lines_.size() < 3) {
        put(vertex, next);
      } else {
        for (const Point& p : detail::join_lines(lines_[i], lines_[next], vertex, reach_)) put(p, next);
      }
    }
    if (ring_.size() > 1 && ring_.front() == ring_.back()) {
      ring_.pop_back();
      owner_.pop_back();
    }
  }

 private:
  void put(const Point& p, std::size_t owner) {
    if (!ring_.empty() && ring_.back() == p) {
      owner_.back() = owner;
      return;
    }
    ring_.push_back(p);
    owner_.push_back(owner);
  }

  const Ring* original_;
  double reach_ = 0;
  std::vector<WallLine> lines_;
  std::vector<bool> kept_;
  Ring ring_;
  std::vector<std::size_t> owner_;  // the line that the edge from each vertex belongs to
};

}  // namespace

Polygon simplify(const Polygon& polygon, double tolerance) {
  if (!(tolerance >= 0)) throw UsageError("simplification tolerance must be 0 or more");
  if (tolerance == 0 || polygon.exterior.size() < 4) return polygon;
  std::vector<SimplifiedRing> rings;
  rings.emplace_back(polygon.exterior, tolerance);
  if (rings[0].collapsed()) {
    rings[0].keep_all();
    rings[0].draw();
  }
  for (const Ring& hole : polygon.holes) {
    if (hole.size() < 3 || std::abs(signed_area(hole)) < tolerance * tolerance) continue;
    SimplifiedRing simplified(hole, tolerance);
    if (!simplified.collapsed()) rings.push_back(std::move(simplified));
  }
  for (;;) {
    std::vector<detail::Chain> drawn;
    for (const SimplifiedRing& ring : rings) drawn.push_back({ring.ring()});
    const detail::Contacts contacts = detail::find_contacts(drawn);
    bool changed = false;
    for (const auto& [a, b] : contacts.conflicts) {
      changed |= rings[a.chain].keep_outline(a.index);
      changed |= rings[b.chain].keep_outline(b.index);
    }
    if (!changed) break;
    for (SimplifiedRing& ring : rings) ring.draw();
  }
  Polygon out;
  out.exterior = rings.front().ring();
  for (std::size_t i = 1; i < rings.size(); ++i) out.holes.push_back(rings[i].ring());
  return is_valid(out) ? out : polygon;
}

}  // namespace plat
