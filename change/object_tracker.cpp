// SPDX-License-Identifier: Apache-2.0
#include "change/object_tracker.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kNone = -1;

/// Whether two outlines may be of one object that was not seen for a while.
bool alike(double area, double other) { return 2 * std::min(area, other) >= std::max(area, other); }

/// Adds an object of one store to another under a new id.
void copy_object(const ObjectStore& from, int64_t object, int64_t id, ObjectStore& to) {
  ObjectFacts facts = from.facts(object);
  facts.id = id;
  to.add(from.outline(object), facts);
}

}  // namespace

ObjectTracker::ObjectTracker(ChangeRules rules) : rules_(rules) { rules_.validate(); }

int64_t ObjectTracker::begin_track(int64_t date) {
  tracks_.push_back({date, date, false});
  return static_cast<int64_t>(tracks_.size()) - 1;
}

void ObjectTracker::add_step(const ObjectStore& before, const ObjectStore& after, const ObjectChanges& changes) {
  const auto count = static_cast<std::size_t>(before.size());
  if (changes.successor.size() != count || changes.predecessor.size() != static_cast<std::size_t>(after.size()) ||
      (!track_of_object_.empty() && track_of_object_.back().size() != count)) {
    throw UsageError("a step of a series must go on from the objects of the last one");
  }
  if (track_of_object_.empty()) {
    track_of_object_.emplace_back(count);
    for (int64_t& track : track_of_object_.back()) track = begin_track(0);
  }
  const std::vector<int64_t>& track_of_before = track_of_object_.back();
  const auto date = static_cast<int64_t>(track_of_object_.size());
  std::vector<int64_t> track_of_after(changes.predecessor.size(), kNone);
  for (std::size_t k = 0; k < track_of_after.size(); ++k) {
    const int64_t from = changes.predecessor[k];
    if (from != kNone) track_of_after[k] = track_of_before[static_cast<std::size_t>(from)];
  }
  find_missing(after, changes, track_of_after);
  for (int64_t& track : track_of_after) {
    if (track == kNone) track = begin_track(date);
    tracks_[static_cast<std::size_t>(track)].last_seen = date;
  }
  for (const ObjectChange& change : changes.changes) {
    if (is_change(change.kind)) continue;
    for (const int64_t i : change.before) {
      if (changes.successor[static_cast<std::size_t>(i)] != kNone) continue;
      const int64_t track = track_of_before[static_cast<std::size_t>(i)];
      tracks_[static_cast<std::size_t>(track)].is_missing = true;
      copy_object(before, i, track, missing_);
    }
  }
  track_of_object_.push_back(std::move(track_of_after));
}

void ObjectTracker::find_missing(const ObjectStore& after, const ObjectChanges& changes,
                                 std::vector<int64_t>& track_of_after) {
  if (missing_.size() == 0) return;
  ObjectStore candidates;
  for (const ObjectChange& change : changes.changes) {
    // What has surely appeared was not there on the date before.
    if (is_change(change.kind)) continue;
    for (const int64_t k : change.after) {
      if (track_of_after[static_cast<std::size_t>(k)] == kNone) copy_object(after, k, k, candidates);
    }
  }
  const ObjectChanges found = find_changes(missing_, candidates, rules_);
  ObjectStore still_missing;
  for (int64_t i = 0; i < missing_.size(); ++i) {
    const int64_t track = missing_.facts(i).id;
    const int64_t candidate = found.successor[static_cast<std::size_t>(i)];
    if (candidate == kNone || !alike(missing_.area(i), candidates.area(candidate))) {
      copy_object(missing_, i, track, still_missing);
      continue;
    }
    tracks_[static_cast<std::size_t>(track)].is_missing = false;
    track_of_after[static_cast<std::size_t>(candidates.facts(candidate).id)] = track;
  }
  missing_ = std::move(still_missing);
}

}  // namespace plat
