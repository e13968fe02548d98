// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/evidence.hpp"

#include <algorithm>

namespace plat {
namespace {

/// Ground that only one date's outlines cover.
struct LoneGround {
  double area = 0;
  double doubt = 0;  ///< mean there of the other date's map, 0..1
};

/// `evidence`: what the other date's map says of each object of this one.
LoneGround lone_ground(const std::vector<int64_t>& own, const ObjectStore& of, const std::vector<float>& evidence,
                       double own_area, double common, const std::vector<int64_t>& other, const ObjectStore& of_other) {
  LoneGround lone{own_area - common, 0};
  if (!(lone.area > 1e-9)) return {};
  double mass = 0;
  for (const int64_t i : own) mass += static_cast<double>(evidence[static_cast<std::size_t>(i)]) * of.area(i);
  // On the common ground the other date's map is as sure as its objects are.
  double score = 0;
  double area = 0;
  for (const int64_t i : other) {
    score += static_cast<double>(of_other.facts(i).score) * of_other.area(i);
    area += of_other.area(i);
  }
  if (area > 0) mass -= score / area * common;
  lone.doubt = std::clamp(mass / lone.area, 0.0, 1.0);
  return lone;
}

/// The probability of a change by the maps: that of the ground that makes it; the objects' own score where that is none.
double score_of(const ObjectChange& change, const DatedObjects& before, const DatedObjects& after,
                const ChangeRules& rules) {
  const double common = change.iou * (change.area_before + change.area_after) / (1 + change.iou);
  const LoneGround gained = lone_ground(change.after, after.store, after.evidence_earlier, change.area_after, common,
                                        change.before, before.store);
  const LoneGround lost = lone_ground(change.before, before.store, before.evidence_later, change.area_before, common,
                                      change.after, after.store);
  switch (change.kind) {
    case ChangeKind::Appeared:
    case ChangeKind::Grown: return change.score * (1 - gained.doubt);
    case ChangeKind::Vanished:
    case ChangeKind::Shrunk: return change.score * (1 - lost.doubt);
    case ChangeKind::Split:
    case ChangeKind::Merged:
    case ChangeKind::Redrawn: {
      if (!rules.split_needs_ground) return change.score;
      // Where it is the ground that counts, one date must surely have some, as much as makes an object grow, that the other lacks.
      const double enough = rules.least_change * std::min(change.area_before, change.area_after);
      double sure = 0;
      for (const LoneGround& lone : {gained, lost}) {
        if (lone.area >= enough) sure = std::max(sure, 1 - lone.doubt);
      }
      return change.score * sure;
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
    if (change.kind == ChangeKind::Unchanged || change.kind == ChangeKind::Unknown) continue;
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
