// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "change/object_store.hpp"

#include <cstdint>
#include <vector>

namespace plat {

/// One object through a series of dates.
struct ObjectTrack {
  int64_t first_seen = 0;  ///< date, from 0
  int64_t last_seen = 0;   ///< date
  /// Whether it may still be there: on the date after `last_seen` its ground was not seen or is said to be unchanged, and
  /// it has not been found since.
  bool is_missing = false;
};

/// Gives the objects of a series of dates A, B, C … identities that last. An object hands its track to its successor:
/// one to one always, of a split to the part with the largest common area, of a merger from the object with the
/// largest. Others begin and end there. An object without successor whose change is unknown, or none, is missing, not
/// gone: an object of a later date without predecessor takes the track on where its own change is unknown, or none,
/// `find_changes` calls it the successor of the outline last seen, and neither is more than twice as large. How long a track may be missing is the caller's to judge. Not thread-safe.
class ObjectTracker {
 public:
  /// The rules by which missing objects are found again.
  explicit ObjectTracker(ChangeRules rules = {});
  /// Adds the step from one date to the next; the objects before are those that were after in the last step, in the
  /// same order. Throws UsageError when their numbers do not fit.
  void add_step(const ObjectStore& before, const ObjectStore& after, const ObjectChanges& changes);

  const std::vector<ObjectTrack>& tracks() const { return tracks_; }
  /// For each date and each of its objects the position of its track.
  const std::vector<std::vector<int64_t>>& track_of_object() const { return track_of_object_; }

 private:
  int64_t begin_track(int64_t date);
  void find_missing(const ObjectStore& after, const ObjectChanges& changes, std::vector<int64_t>& track_of_after);

  ChangeRules rules_;
  std::vector<ObjectTrack> tracks_;
  std::vector<std::vector<int64_t>> track_of_object_;
  ObjectStore missing_;  ///< last outlines; their ids are tracks
};

}  // namespace plat
