// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/series_changes.hpp"

namespace plat {
bool TrackStory::begins_clearly() const { return begun && is_change(*begun); }
bool TrackStory::ends_clearly() const { return ended && is_change(*ended); }

std::vector<TrackStory> track_stories(const SeriesChanges& found) {
  const std::vector<ObjectTrack>& tracks = found.tracker.tracks();
  const auto& track_of_object = found.tracker.track_of_object();
  std::vector<TrackStory> stories(tracks.size());
  for (const std::vector<int64_t>& date : track_of_object) {
    for (std::size_t i = 0; i < date.size(); ++i) {
      TrackStory& story = stories[static_cast<std::size_t>(date[i])];
      if (story.first_object < 0) story.first_object = static_cast<int64_t>(i);
      story.last_object = static_cast<int64_t>(i);
      ++story.scenes;
    }
  }
  for (std::size_t k = 0; k < found.steps.size(); ++k) {
    const auto date = static_cast<int64_t>(k);
    for (const ObjectChange& change : found.steps[k].changes) {
      for (const int64_t i : change.before) {
        const auto track = static_cast<std::size_t>(track_of_object[k][static_cast<std::size_t>(i)]);
        if (tracks[track].last_seen == date) stories[track].ended = change.kind;
      }
      for (const int64_t i : change.after) {
        const auto track = static_cast<std::size_t>(track_of_object[k + 1][static_cast<std::size_t>(i)]);
        if (tracks[track].first_seen == date + 1) stories[track].begun = change.kind;
      }
    }
  }
  return stories;
}

}  // namespace plat
