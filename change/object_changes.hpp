// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_store.hpp"
#include "core/progress.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace plat {

/// What became of an object, or of some that belong together.
enum class ChangeKind : uint8_t {
  Unchanged,
  Appeared,
  Vanished,
  Grown,
  Shrunk,
  Split,    ///< one became several
  Merged,   ///< several became one
  Redrawn,  ///< several became several, and not pair by pair
  Unknown,  ///< it would be one of the above but Unchanged, were its ground seen on both dates
};
inline constexpr std::size_t kChangeKinds = 9;

/// "appeared", "grown", …
std::string_view name_of(ChangeKind kind);
/// Whether it says that something has changed: all but Unchanged and Unknown.
constexpr bool is_change(ChangeKind kind) { return kind != ChangeKind::Unchanged && kind != ChangeKind::Unknown; }

/// When objects of two dates belong together, and what their change is called. The rules treat both dates alike: with
/// the dates exchanged, what appeared has vanished, what grew has shrunk, what split has merged.
struct ChangeRules {
  /// Two objects of a class are linked when at least this share of the smaller lies in the larger, in (0, 1]. What
  /// neighbours share because they are drawn a little differently links nothing.
  double least_overlap = 0.5;
  /// A linked object smaller than this share of the other is a fragment of it, in [0, 1): it counts to the other's
  /// area, and makes neither a split nor a merger. Of several, that which shares most ground with it counts, of equals
  /// the smaller.
  double least_part = 0.1;
  /// Where links join several objects of both dates, a pair whose IoU is at least this, and for both larger than with
  /// any other, is one object, in (0, 1]. It leaves the rest, save objects that are linked to none but such pairs: each
  /// stays with the object of them that shares most ground with it.
  double same_object = 0.5;
  /// One object is grown or shrunk when the larger area exceeds the smaller by at least this share of the smaller
  /// (>= 0) and by more than what `tolerance` lets pass. What moved is not told from what stayed.
  double least_change = 0.25;
  /// How far an outline may be drawn too far out or in all round, in units of the coordinates, >= 0: a difference of
  /// areas up to this times the smaller's perimeter is none. About a pixel is right.
  double tolerance = 0;
  /// A change is unknown when more than this share of any object in it is unseen on the other date, in [0, 1].
  double most_unseen = 0.1;
  /// Whether splits, mergers and redrawings whose ground stays the same are unchanged. Fields are divided without a
  /// trace on the ground; of houses, such a split is most often a gap between neighbours found on one date only.
  bool split_needs_ground = false;
  /// The IoU of all objects before with all objects after from which the ground is the same for that, in (0, 1].
  double same_ground = 0.8;
  void validate() const;
};

/// One object, or some that belong together, on both dates. Objects of one date are taken not to overlap one another;
/// where they do, what they share counts for each of them.
struct ObjectChange {
  ChangeKind kind = ChangeKind::Unchanged;
  int32_t class_index = 0;
  float score = 0;  ///< mean score of the objects, by area; of those that are on both dates the mean of the dates
  double area_before = 0;       ///< squared units of the coordinates
  double area_after = 0;        ///< the same on the other date
  double iou = 0;               ///< of all objects before with all objects after, in [0, 1]
  std::vector<int64_t> before;  ///< positions, ascending; empty for what appeared
  std::vector<int64_t> after;   ///< positions, ascending; empty for what vanished
};

/// How many changes are of one kind, and their ground.
struct ChangeTotal {
  int64_t count = 0;
  double area_before = 0;
  double area_after = 0;
};

/// What became of the objects of two dates. Every object is in exactly one change.
struct ObjectChanges {
  std::vector<ObjectChange> changes;  ///< by first object before; then those without, by first object after
  /// The object that each became, or -1: within one change, the one with which it shares most ground, if that holds for
  /// both.
  std::vector<int64_t> successor;
  std::vector<int64_t> predecessor;  ///< the inverse of `successor`
  std::array<ChangeTotal, kChangeKinds> totals{};

  const ChangeTotal& total(ChangeKind kind) const { return totals[static_cast<std::size_t>(kind)]; }
};

/// Finds what became of each object. The result is the same for any number of threads, which the caller limits
/// with TBB's global control, and but for the order for any order of the objects. Throws Cancelled.
ObjectChanges find_changes(const ObjectStore& before, const ObjectStore& after, const ChangeRules& rules = {},
                           const Progress& progress = {});

}  // namespace plat
