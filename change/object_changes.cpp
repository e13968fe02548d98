// SPDX-License-Identifier: Apache-2.0
#include "change/object_changes.hpp"

#include "change/detail/change_groups.hpp"
#include "change/detail/common_ground.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace plat {
namespace {

constexpr double kSearch = 0.9;  // share of the time that finding common ground takes

/// What the kind of a change hangs on, beside its areas.
struct Members {
  int64_t whole_before = 0;  ///< objects that are no fragments
  int64_t whole_after = 0;
  bool unseen = false;
  double common = 0;
  double score_before = 0;  ///< weighted by area
  double score_after = 0;
};

double total_perimeter(const ObjectStore& store, const std::vector<int64_t>& objects) {
  double sum = 0;
  for (const int64_t object : objects) sum += store.perimeter(object);
  return sum;
}

/// The mean score of one date's objects; without area, that of the first.
double mean_score(double weighted, double area, const ObjectStore& store, const std::vector<int64_t>& objects) {
  return area > 0 ? weighted / area : static_cast<double>(store.facts(objects.front()).score);
}

class Classifier {
 public:
  Classifier(const ObjectStore& before, const ObjectStore& after, const ChangeRules& rules)
      : before_(before), after_(after), rules_(rules) {}

  void finish(ObjectChange& change, const Members& members) const {
    const double covered = change.area_before + change.area_after - members.common;
    change.iou = covered > 0 ? std::min(1.0, members.common / covered) : 0;
    change.kind = kind(change, members);
    if (change.kind != ChangeKind::Unchanged && members.unseen) change.kind = ChangeKind::Unknown;
    double score = 0;
    if (!change.before.empty()) score += mean_score(members.score_before, change.area_before, before_, change.before);
    if (!change.after.empty()) score += mean_score(members.score_after, change.area_after, after_, change.after);
    change.score = static_cast<float>(change.before.empty() || change.after.empty() ? score : score / 2);
  }

 private:
  ChangeKind kind(const ObjectChange& change, const Members& members) const {
    if (change.before.empty()) return ChangeKind::Appeared;
    if (change.after.empty()) return ChangeKind::Vanished;
    if (members.whole_before <= 1 && members.whole_after <= 1) {
      if (is_larger(change.area_after, change.area_before, before_, change.before)) return ChangeKind::Grown;
      if (is_larger(change.area_before, change.area_after, after_, change.after)) return ChangeKind::Shrunk;
      return ChangeKind::Unchanged;
    }
    if (rules_.split_needs_ground && change.iou >= rules_.same_ground) return ChangeKind::Unchanged;
    if (members.whole_before <= 1) return ChangeKind::Split;
    return members.whole_after <= 1 ? ChangeKind::Merged : ChangeKind::Redrawn;
  }

  /// Whether the one area exceeds the other, that of these objects, by more than the rules let pass.
  bool is_larger(double large, double small, const ObjectStore& store, const std::vector<int64_t>& objects) const {
    if (!(large > small && large >= small * (1 + rules_.least_change))) return false;
    return !(rules_.tolerance > 0) || large - small > rules_.tolerance * total_perimeter(store, objects);
  }

  const ObjectStore& before_;
  const ObjectStore& after_;
  const ChangeRules& rules_;
};

void require(bool holds, const char* what) {
  if (!holds) throw UsageError(what);
}

}  // namespace

std::string_view name_of(ChangeKind kind) {
  constexpr std::array<std::string_view, kChangeKinds> names = {"unchanged", "appeared", "vanished", "grown",  "shrunk",
                                                                "split",     "merged",   "redrawn",  "unknown"};
  return names[static_cast<std::size_t>(kind)];
}

void ChangeRules::validate() const {
  require(least_overlap > 0 && least_overlap <= 1, "least_overlap must be more than 0 and at most 1");
  require(least_part >= 0 && least_part < 1, "least_part must be at least 0 and less than 1");
  require(same_object > 0 && same_object <= 1, "same_object must be more than 0 and at most 1");
  require(least_change >= 0, "least_change must not be negative");
  require(tolerance >= 0, "tolerance must not be negative");
  require(most_unseen >= 0 && most_unseen <= 1, "most_unseen must lie between 0 and 1");
  require(same_ground > 0 && same_ground <= 1, "same_ground must be more than 0 and at most 1");
}

ObjectChanges find_changes(const ObjectStore& before, const ObjectStore& after, const ChangeRules& rules,
                           const Progress& progress) {
  rules.validate();
  report(progress, 0);
  const std::vector<detail::CommonGround> ground =
      detail::find_common_ground(before, after, [&](double fraction) { report(progress, kSearch * fraction); });
  detail::ChangeGroups groups = detail::group_objects(before, after, ground, rules);

  ObjectChanges result;
  result.changes.resize(static_cast<std::size_t>(groups.count));
  std::vector<Members> members(result.changes.size());
  const auto place = [&](int64_t node) {
    return static_cast<std::size_t>(groups.group[static_cast<std::size_t>(node)]);
  };
  for (int64_t i = 0; i < before.size(); ++i) {
    ObjectChange& change = result.changes[place(i)];
    Members& own = members[place(i)];
    change.class_index = before.facts(i).class_index;
    change.before.push_back(i);
    change.area_before += before.area(i);
    own.score_before += static_cast<double>(before.facts(i).score) * before.area(i);
    own.whole_before += groups.is_fragment[static_cast<std::size_t>(i)] ? 0 : 1;
    own.unseen |= static_cast<double>(before.facts(i).unseen_later) > rules.most_unseen;
  }
  for (int64_t k = 0; k < after.size(); ++k) {
    const int64_t node = before.size() + k;
    ObjectChange& change = result.changes[place(node)];
    Members& own = members[place(node)];
    change.class_index = after.facts(k).class_index;
    change.after.push_back(k);
    change.area_after += after.area(k);
    own.score_after += static_cast<double>(after.facts(k).score) * after.area(k);
    own.whole_after += groups.is_fragment[static_cast<std::size_t>(node)] ? 0 : 1;
    own.unseen |= static_cast<double>(after.facts(k).unseen_earlier) > rules.most_unseen;
  }
  for (const detail::CommonGround& shared : ground) {
    const std::size_t at = place(shared.before);
    if (at == place(before.size() + shared.after)) members[at].common += shared.area;
  }
  const Classifier classifier(before, after, rules);
  for (std::size_t i = 0; i < result.changes.size(); ++i) {
    ObjectChange& change = result.changes[i];
    classifier.finish(change, members[i]);
    ChangeTotal& total = result.totals[static_cast<std::size_t>(change.kind)];
    ++total.count;
    total.area_before += change.area_before;
    total.area_after += change.area_after;
  }
  result.successor = std::move(groups.successor);
  result.predecessor = std::move(groups.predecessor);
  report(progress, 1);
  return result;
}

}  // namespace plat
