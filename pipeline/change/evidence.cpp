// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/evidence.hpp"

#include <algorithm>

namespace plat {
namespace {

/// Ground that only one date's outlines cover.
struct LoneGround {
  double area = 0;
  double sure = 0;  ///< probability that it is the objects' on that date and not on the other, 0..1
};

/// Objects of one date that belong together, and what is known of their ground.
struct Side {
  const std::vector<int64_t>& objects;
  const ObjectStore& of;
  const std::vector<float>& evidence;  ///< what the other date's map says of each
  double area;

  /// Mean of their own date's map over them; 0 where there are none.
  double own() const {
    return mean([&](int64_t i) { return of.facts(i).score; });
  }
  /// Mean of the other date's.
  double other() const {
    return mean([&](int64_t i) { return evidence[static_cast<std::size_t>(i)]; });
  }

 private:
  template <typename Says>
  double mean(const Says& says) const {
    double mass = 0;
    for (const int64_t i : objects) mass += static_cast<double>(says(i)) * of.area(i);
    return area > 0 ? mass / area : 0;
  }
};

/// What of `one` side `other` has not. Each map's mean is known over either side's objects; what it says of the ground that they
/// share is taken to be what it says of the other side's, and the rest lies on the lone ground.
LoneGround lone_ground(const Side& one, const Side& other, double common) {
  LoneGround lone{one.area - common, 0};
  if (!(lone.area > 1e-9)) return {};
  const double there = (one.own() * one.area - other.other() * common) / lone.area;
  const double still = (one.other() * one.area - other.own() * common) / lone.area;
  lone.sure = std::clamp(there, 0.0, 1.0) * (1 - std::clamp(still, 0.0, 1.0));
  return lone;
}

/// The probability of a change by the maps: that of the ground that makes it; the objects' own score where that is none.
double score_of(const ObjectChange& change, const DatedObjects& before, const DatedObjects& after,
                const ChangeRules& rules) {
  const double common = change.iou * (change.area_before + change.area_after) / (1 + change.iou);
  const Side was{change.before, before.store, before.evidence_later, change.area_before};
  const Side is{change.after, after.store, after.evidence_earlier, change.area_after};
  const LoneGround gained = lone_ground(is, was, common);
  const LoneGround lost = lone_ground(was, is, common);
  switch (change.kind) {
    case ChangeKind::Appeared:
    case ChangeKind::Grown: return gained.sure;
    case ChangeKind::Vanished:
    case ChangeKind::Shrunk: return lost.sure;
    case ChangeKind::Split:
    case ChangeKind::Merged:
    case ChangeKind::Redrawn: {
      if (!rules.split_needs_ground) return change.score;
      // Where it is the ground that counts, one date must surely have some, as much as makes an object grow, that the other lacks.
      const double enough = rules.least_change * std::min(change.area_before, change.area_after);
      double sure = 0;
      for (const LoneGround& lone : {gained, lost}) {
        if (lone.area >= enough) sure = std::max(sure, lone.sure);
      }
      return sure;
    }
    case ChangeKind::Unchanged:
    case ChangeKind::Unknown: break;
  }
  return change.score;
}

}  // namespace

int64_t weigh_evidence(ObjectChanges& found, const DatedObjects& before, const DatedObjects& after,
                       const std::vector<double>& least_scores, const ChangeRules& rules,
                       const std::optional<double>& least) {
  if (least_scores.empty() || least == 0.0) return 0;
  int64_t unsure = 0;
  for (ObjectChange& change : found.changes) {
    if (!is_change(change.kind)) continue;
    const double usual = std::max(kLeastChangeScore, least_scores[static_cast<std::size_t>(change.class_index)]);
    const double score = score_of(change, before, after, rules);
    if (score >= least.value_or(usual)) {
      change.score = static_cast<float>(score);
    } else {
      change.kind = ChangeKind::Unchanged;
      ++unsure;
    }
  }
  return unsure;
}

}  // namespace plat
