// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "change/object_tracker.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace plat {

/// What became of the objects of a series.
struct SeriesChanges {
  std::vector<ObjectChanges> steps;  ///< areas are those on the ground
  ObjectTracker tracker;
};

/// One object through a series, from the first date that it was found on to the last.
struct TrackStory {
  int64_t first_object = -1;             ///< position among the objects of its first date
  int64_t last_object = -1;              ///< of its last
  int64_t scenes = 0;                    ///< on how many dates it was found
  std::optional<ChangeKind> begun = {};  ///< the kind of the change that it began in; unset: there on the first date
  std::optional<ChangeKind> ended = {};  ///< the kind of the change that it ended in; unset: there on the last

  /// Whether it was seen to begin, or to end: neither unseen ground nor maps that do not say so clearly.
  bool begins_clearly() const;
  bool ends_clearly() const;
};

/// The stories of the tracks, in their order.
std::vector<TrackStory> track_stories(const SeriesChanges& found);

}  // namespace plat
