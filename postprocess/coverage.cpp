// SPDX-License-Identifier: Apache-2.0
#include "postprocess/coverage.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "postprocess/detail/arc_fit.hpp"
#include "postprocess/detail/arcs.hpp"
#include "postprocess/detail/contacts.hpp"
#include "postprocess/detail/fit_options.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/detail/prepare.hpp"
#include "postprocess/detail/squaring.hpp"
#include "postprocess/simplify.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <optional>
#include <tuple>
#include <utility>

namespace plat {
namespace {

using detail::Arc;
using detail::ArcWalls;
using detail::kNobody;

// How an arc is drawn; where a drawing does not do, the next one takes its place. A finer simplification moves an outline so
// little that it seldom meets another, and still makes a line of a staircase of pixels.
enum class Drawing : uint8_t { Squared, Simplified, Finely, Original };

// Of the tolerance of simplification.
constexpr double kFineShare = 0.6;

// What the arcs are fitted with.
struct Plan {
  double simplify_tolerance = 0;
  std::optional<RegularizeOptions> squaring;
};

// Polygons on their way: their arcs, how each is drawn, and where that leads.
class Coverage {
 public:
  Coverage(std::span<const Polygon> polygons, const Plan& plan)
      : originals_(polygons), plan_(plan), arcs_(detail::divide_into_arcs(polygons)) {
    const std::size_t count = arcs_.arcs.size();
    for (const Polygon& polygon : polygons) size_.push_back(area(polygon));
    drawing_.assign(count, plan.squaring ? Drawing::Squared : Drawing::Simplified);
    simplified_.resize(count);
    finely_.resize(count);
    moves_.assign(count, 0);
    reasons_.assign(count, OutlineReason::None);
    for (const Arc& arc : arcs_.arcs) points_.push_back(arc.points);
    orders_ = detail::orders_at_nodes(arcs_, points_);
    pieces_ = detail::connected_arcs(arcs_);
    if (plan.squaring) fit_squared();
  }

  std::vector<Outline> draw() {
    for (;;) {
      throw_if_cancelled();
      draw_arcs();
      if (settle_conflicts() || degrade(arcs_out_of_place(), OutlineReason::Neighbour) ||
          degrade(arcs_of_unlike_polygons(), OutlineReason::Shape))
        continue;
      break;
    }
    std::vector<Outline> out;
    for (std::size_t i = 0; i < arcs_.polygons.size(); ++i) {
      Outline outline{detail::assemble(arcs_.polygons[i], points_, arcs_.arcs), OutlineKind::Squared, {}};
      Drawing least = Drawing::Squared;
      for (const std::size_t arc : arcs_of(i)) {
        // An edge between two nodes is the same however it is drawn.
        if (arcs_.arcs[arc].points.size() <= 2 || drawing_[arc] < least) continue;
        if (drawing_[arc] > least || outline.reason == OutlineReason::None) outline.reason = reasons_[arc];
        least = drawing_[arc];
      }
      if (least != Drawing::Squared)
        outline.kind = least == Drawing::Original ? OutlineKind::Pixels : OutlineKind::Simplified;
      out.push_back(std::move(outline));
    }
    return out;
  }

 private:
  double smaller_owner(const Arc& arc) const {
    return arc.other == kNobody ? size_[arc.owner] : std::min(size_[arc.owner], size_[arc.other]);
  }

  detail::LineFit fit(const Arc& arc, const detail::LineFitOptions& options) const {
    return arc.closed ? detail::fit_ring(arc.points, options) : detail::fit_path(arc.points, options);
  }

  // The main direction of each polygon; where touching ones nearly agree, that of the larger one for both.
  std::vector<double> directions() const {
    constexpr double kAgree = 6 * std::numbers::pi / 180;
    std::vector<double> angles;
    for (const Polygon& polygon : originals_) {
      const double tolerance = detail::squaring_tolerance(plan_.squaring->tolerance, size_[angles.size()]);
      angles.push_back(polygon.exterior.size() < 4 ? 0 : detail::best_direction(polygon.exterior, tolerance));
    }
    std::vector<std::size_t> by_size(angles.size());
    for (std::size_t i = 0; i < by_size.size(); ++i) by_size[i] = i;
    std::ranges::stable_sort(by_size, [&](std::size_t a, std::size_t b) { return size_[a] > size_[b]; });
    std::vector<std::vector<std::size_t>> neighbours(angles.size());
    for (const Arc& arc : arcs_.arcs) {
      if (arc.other == kNobody || arc.other == arc.owner) continue;
      neighbours[arc.owner].push_back(arc.other);
      neighbours[arc.other].push_back(arc.owner);
    }
    // A direction is handed on once only: a row along a bend must not all turn to its first house.
    std::vector<double> out = angles;
    std::vector<bool> settled(angles.size(), false);
    for (const std::size_t polygon : by_size) {
      if (settled[polygon]) continue;
      settled[polygon] = true;
      for (const std::size_t other : neighbours[polygon]) {
        if (settled[other] || std::abs(std::remainder(angles[other] - angles[polygon], std::numbers::pi / 2)) > kAgree)
          continue;
        out[other] = angles[polygon];
        settled[other] = true;
      }
    }
    return out;
  }

  void fit_squared() {
    const std::vector<double> angles = directions();
    for (const Arc& arc : arcs_.arcs) {
      const double tolerance = detail::squaring_tolerance(plan_.squaring->tolerance, smaller_owner(arc));
      detail::LineFit best = fit(arc, detail::wall_options(tolerance, angles[arc.owner], true));
      if (arc.other != kNobody && angles[arc.other] != angles[arc.owner]) {
        detail::LineFit second = fit(arc, detail::wall_options(tolerance, angles[arc.other], true));
        if (second.cost < best.cost) best = std::move(second);
      }
      squared_.push_back({std::move(best.lines), tolerance});
    }
    detail::merge_walls_at_nodes(arcs_, squared_);
  }

  const ArcWalls& simplified(std::size_t arc) {
    const bool fine = drawing_[arc] == Drawing::Finely;
    ArcWalls& walls = fine ? finely_[arc] : simplified_[arc];
    if (walls.lines.empty()) {
      walls.tolerance = detail::simplifying_tolerance((fine ? kFineShare : 1) * plan_.simplify_tolerance,
                                                      smaller_owner(arcs_.arcs[arc]));
      walls.lines = fit(arcs_.arcs[arc], detail::outline_options(walls.tolerance)).lines;
    }
    return walls;
  }

  void draw_arcs() {
    std::vector<Point> places = arcs_.nodes;
    if (plan_.squaring) {
      std::vector<bool> usable;
      for (const Drawing drawing : drawing_) usable.push_back(drawing == Drawing::Squared);
      places = detail::place_nodes(arcs_, squared_, usable);
    }
    for (std::size_t i = 0; i < drawing_.size(); ++i) {
      const Arc& arc = arcs_.arcs[i];
      points_[i] = arc.points;
      double idle = 0;
      if (drawing_[i] == Drawing::Squared) {
        points_[i] = detail::draw_arc(arc, squared_[i], detail::kSquaredReach * squared_[i].tolerance, places);
        idle = 0.05 * squared_[i].tolerance;
      } else if (drawing_[i] != Drawing::Original) {
        const ArcWalls& walls = simplified(i);
        points_[i] = detail::draw_arc(arc, walls, detail::kSimplifiedReach * walls.tolerance, arcs_.nodes);
        idle = 0.05 * walls.tolerance;
      }
      if (drawing_[i] != Drawing::Original) points_[i] = detail::without_idle_corners(points_[i], arc.closed, idle);
    }
  }

  // Whether too little of an arc is left to be one.
  bool collapsed(std::size_t i) const {
    const std::vector<Point>& points = points_[i];
    if (points.size() < (arcs_.arcs[i].closed ? 3U : 2U)) return true;
    for (std::size_t k = 0; k + 1 < points.size(); ++k) {
      if (points[k] == points[k + 1]) return true;
    }
    return arcs_.arcs[i].closed && points.front() == points.back();
  }

  // Settles where arcs meet others, or themselves, elsewhere than at their nodes; false when they do not, or nothing helps.
  bool settle_conflicts() {
    bool changed = false;
    std::vector<detail::Chain> chains;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const bool gone = collapsed(i);
      if (gone) changed |= degrade(i);
      chains.push_back({gone ? std::span<const Point>() : std::span<const Point>(points_[i]), arcs_.arcs[i].closed});
    }
    const detail::Contacts contacts = detail::find_contacts(chains);
    for (const auto& [a, b] : contacts.conflicts) changed |= settle(a, b);
    const auto ends_at = [&](std::size_t i, const Point& p) {
      return !arcs_.arcs[i].closed && (points_[i].front() == p || points_[i].back() == p);
    };
    for (const detail::Touch& touch : contacts.touches) {
      if (ends_at(touch.chain_a, touch.point) && ends_at(touch.chain_b, touch.point)) continue;
      changed |= degrade_one(touch.chain_a, touch.chain_b);
    }
    return changed;
  }

  // Two edges that meet: walls side by side move apart; else one of the arcs is drawn in the next way.
  bool settle(const detail::EdgeRef& a, const detail::EdgeRef& b) {
    if (a.chain == b.chain) return degrade(a.chain);
    const bool squared = drawing_[a.chain] == Drawing::Squared && drawing_[b.chain] == Drawing::Squared;
    constexpr int kTries = 3;
    if (squared && moves_[a.chain] < kTries && moves_[b.chain] < kTries) {
      const auto wall = [&](const detail::EdgeRef& edge) {
        const std::vector<Point>& points = points_[edge.chain];
        return detail::wall_of_edge(squared_[edge.chain], points[edge.index], points[(edge.index + 1) % points.size()]);
      };
      ++moves_[a.chain];
      ++moves_[b.chain];
      if (detail::move_apart(arcs_, squared_, a.chain, wall(a), b.chain, wall(b))) return true;
    }
    return degrade_one(a.chain, b.chain);
  }

  // Arcs that changed places without meeting: they end at a node in another order, or passed over a piece of the drawing
  // that hangs together with them in no way, and lies in another polygon now.
  std::vector<bool> arcs_out_of_place() const {
    std::vector<bool> bad(drawing_.size(), false);
    const auto orders = detail::orders_at_nodes(arcs_, points_);
    for (std::size_t node = 0; node < orders.size(); ++node) {
      if (orders[node] == orders_[node]) continue;
      std::vector<std::size_t> ends;
      for (const std::size_t end : orders_[node]) ends.push_back(end / 2);
      mark_boldest(ends, bad);
    }
    std::vector<std::size_t> first_of_piece;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i] == first_of_piece.size()) first_of_piece.push_back(i);
    }
    if (first_of_piece.size() < 2) return bad;
    for (std::size_t i = 0; i < arcs_.polygons.size(); ++i) {
      const Polygon polygon = detail::assemble(arcs_.polygons[i], points_, arcs_.arcs);
      Bounds box = bounds(polygon);
      box.add(bounds(originals_[i]));
      for (const std::size_t arc : first_of_piece) {
        const Point& now = points_[arc].front();
        const Point& then = arcs_.arcs[arc].points.front();
        if (!box.intersects({now.x, now.y, now.x, now.y}) && !box.intersects({then.x, then.y, then.x, then.y}))
          continue;
        bool own = false;
        for_each_arc(i, [&](std::size_t other) { own = own || pieces_[other] == pieces_[arc]; });
        if (own || contains(polygon, now) == contains(originals_[i], then)) continue;
        std::vector<std::size_t> involved = arcs_of(i);
        for (std::size_t other = 0; other < bad.size(); ++other) {
          if (pieces_[other] == pieces_[arc]) involved.push_back(other);
        }
        mark_boldest(involved, bad);
      }
    }
    return bad;
  }

  // All arcs of polygons that are not valid, or are not like their originals although some arc of theirs is squared.
  std::vector<bool> arcs_of_unlike_polygons() const {
    std::vector<bool> bad(drawing_.size(), false);
    for (std::size_t i = 0; i < arcs_.polygons.size(); ++i) {
      const Polygon polygon = detail::assemble(arcs_.polygons[i], points_, arcs_.arcs);
      bool squared = false;
      bool changed = false;
      for_each_arc(i, [&](std::size_t arc) {
        squared = squared || drawing_[arc] == Drawing::Squared;
        changed = changed || drawing_[arc] != Drawing::Original;
      });
      if (!changed) continue;
      const bool good = squared ? detail::accepted(polygon, originals_[i], *plan_.squaring)
                                : is_valid(polygon) && detail::overlap(polygon, originals_[i]) > 0.5;
      if (!good) mark_boldest(arcs_of(i), bad);
    }
    return bad;
  }

  template <typename Visit>
  void for_each_arc(std::size_t polygon, const Visit& visit) const {
    for (const auto& ring : arcs_.polygons[polygon]) {
      for (const detail::ArcUse& use : ring) visit(use.arc);
    }
  }

  std::vector<std::size_t> arcs_of(std::size_t polygon) const {
    std::vector<std::size_t> out;
    for_each_arc(polygon, [&](std::size_t arc) { out.push_back(arc); });
    return out;
  }

  // Of arcs that do not do together, only those that are drawn most boldly give way.
  void mark_boldest(const std::vector<std::size_t>& arcs, std::vector<bool>& bad) const {
    Drawing boldest = Drawing::Original;
    for (const std::size_t arc : arcs) boldest = std::min(boldest, drawing_[arc]);
    for (const std::size_t arc : arcs) bad[arc] = bad[arc] || drawing_[arc] == boldest;
  }

  // Draws an arc in the next way; false when there is none.
  bool degrade(std::size_t i, OutlineReason reason = OutlineReason::Neighbour) {
    if (drawing_[i] == Drawing::Original) return false;
    reasons_[i] = reason;
    drawing_[i] = static_cast<Drawing>(static_cast<uint8_t>(drawing_[i]) + 1);
    return true;
  }

  bool degrade(const std::vector<bool>& bad, OutlineReason reason) {
    bool changed = false;
    for (std::size_t i = 0; i < bad.size(); ++i) changed |= bad[i] && degrade(i, reason);
    return changed;
  }

  // Of two arcs, the one that was drawn more boldly gives way, else the one with fewer vertices at first.
  bool degrade_one(std::size_t a, std::size_t b) {
    const auto order = [&](std::size_t i) { return std::tuple(drawing_[i], arcs_.arcs[i].points.size(), i); };
    return degrade(order(a) < order(b) ? a : b);
  }

  std::span<const Polygon> originals_;
  std::vector<double> size_;
  Plan plan_;
  detail::Arcs arcs_;
  std::vector<std::vector<std::size_t>> orders_;  // of the original arcs at the nodes
  std::vector<std::size_t> pieces_;               // arcs that hang together
  std::vector<Drawing> drawing_;
  std::vector<OutlineReason> reasons_;  // why it is no longer drawn as at first
  std::vector<ArcWalls> squared_;
  std::vector<ArcWalls> simplified_;
  std::vector<ArcWalls> finely_;
  std::vector<int> moves_;  // how often walls of an arc gave way to another's
  std::vector<std::vector<Point>> points_;
};

}  // namespace

std::vector<Outline> simplify_together(std::span<const Polygon> polygons, double tolerance) {
  if (!(tolerance >= 0)) throw UsageError("simplification tolerance must be 0 or more");
  if (tolerance == 0) {
    std::vector<Outline> out;
    for (const Polygon& polygon : polygons) out.push_back({polygon, OutlineKind::Pixels, OutlineReason::None});
    return out;
  }
  if (polygons.size() == 1) return {{simplify(polygons[0], tolerance), OutlineKind::Simplified, OutlineReason::None}};
  const std::vector<Polygon> cleaned = detail::without_small_holes(polygons, tolerance);
  return Coverage(cleaned, {tolerance, std::nullopt}).draw();
}

std::vector<Outline> regularize_together(std::span<const Polygon> polygons, const RegularizeOptions& options) {
  options.validate();
  if (polygons.size() == 1) return {regularized_outline(polygons[0], options)};
  std::vector<Polygon> cleaned = detail::without_small_holes(polygons, options.tolerance);
  cleaned = detail::without_short_contacts(cleaned, options.tolerance);
  return Coverage(cleaned, {detail::kSimplifyShare * options.tolerance, options}).draw();
}

}  // namespace plat
