// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "change/object_changes.hpp"
#include "geo/overlay.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace plat::test {

/// A group of objects of both dates and its kind.
using NaiveChange = std::pair<std::pair<std::set<int64_t>, std::set<int64_t>>, ChangeKind>;

/// The rules of ChangeRules written down once more, without care for time: every pair of objects is overlaid with GEOS,
/// and groups are spread from neighbour to neighbour. Objects are (date, position).
class NaiveChanges {
 public:
  using Object = std::pair<int, int64_t>;
  using Links = std::map<Object, std::map<Object, double>>;  // common area by object and partner

  NaiveChanges(const ObjectStore& before, const ObjectStore& after, const ChangeRules& rules)
      : stores_{&before, &after}, rules_(rules) {
    for (int64_t i = 0; i < before.size(); ++i) {
      for (int64_t k = 0; k < after.size(); ++k) {
        if (before.facts(i).class_index != after.facts(k).class_index) continue;
        const double common = intersection_area(before.outline(i), after.outline(k));
        if (common > 0) ground_[{0, i}][{1, k}] = ground_[{1, k}][{0, i}] = common;
      }
    }
  }

  std::set<NaiveChange> run() {
    Links links;
    for (const auto& [a, partners] : ground_) {
      for (const auto& [b, common] : partners) {
        if (common >= rules_.least_overlap * std::min(area(a), area(b))) links[a][b] = common;
      }
    }
    std::map<Object, Object> whole;  // of each fragment
    for (const auto& [a, partners] : links) {
      const Object best = most_common(partners);
      if (area(a) < rules_.least_part * area(best)) whole[a] = best;
    }
    Links core;
    for (const auto& [a, partners] : links) {
      for (const auto& [b, common] : partners) {
        if (!whole.contains(a) && !whole.contains(b)) core[a][b] = common;
      }
    }
    std::map<Object, Object> pair;
    for (const auto& [a, partners] : core) {
      const std::set<Object> group = spread(core, a);
      if (count(group, 0) < 2 || count(group, 1) < 2) continue;
      for (const auto& [b, common] : partners) {
        if (iou(a, b) >= rules_.same_object && best_iou(core, a) == b && best_iou(core, b) == a) pair[a] = b;
      }
    }
    Links last;
    const auto join = [&](const Object& a, const Object& b) { last[a][b] = last[b][a] = 1; };
    for (const auto& [a, partners] : core) {
      if (pair.contains(a)) {
        join(a, pair[a]);
        continue;
      }
      bool single = true;
      for (const auto& [b, common] : partners) {
        if (pair.contains(b)) continue;
        join(a, b);
        single = false;
      }
      if (single) join(a, most_common(partners));
    }
    for (const auto& [a, b] : whole) join(a, b);

    std::set<NaiveChange> changes;
    for (int date = 0; date < 2; ++date) {
      for (int64_t i = 0; i < stores_[date]->size(); ++i) {
        const std::set<Object> group = spread(last, {date, i});
        NaiveChange change;
        for (const Object& object : group) {
          (object.first == 0 ? change.first.first : change.first.second).insert(object.second);
        }
        change.second = kind(group, whole);
        changes.insert(change);
      }
    }
    return changes;
  }

 private:
  double area(const Object& object) const { return plat::area(stores_[object.first]->outline(object.second)); }
  double iou(const Object& a, const Object& b) const {
    const double common = ground_.at(a).at(b);
    return common / (area(a) + area(b) - common);
  }
  /// Of partners that share the same ground but for rounding the smallest.
  Object most_common(const std::map<Object, double>& partners) const {
    double most = 0;
    for (const auto& [partner, common] : partners) most = std::max(most, common);
    const Object* best = nullptr;
    for (const auto& [partner, common] : partners) {
      if (common > most * (1 - 1e-8) && (best == nullptr || area(partner) < area(*best))) best = &partner;
    }
    return *best;
  }
  Object best_iou(const Links& links, const Object& a) const {
    const auto& partners = links.at(a);
    return std::max_element(partners.begin(), partners.end(),
                            [&](const auto& x, const auto& y) { return iou(a, x.first) < iou(a, y.first); })
        ->first;
  }
  static std::set<Object> spread(const Links& links, const Object& from) {
    std::set<Object> group = {from};
    std::vector<Object> open = {from};
    while (!open.empty()) {
      const Object object = open.back();
      open.pop_back();
      if (!links.contains(object)) continue;
      for (const auto& [partner, common] : links.at(object)) {
        if (group.insert(partner).second) open.push_back(partner);
      }
    }
    return group;
  }
  static int64_t count(const std::set<Object>& group, int date) {
    return std::count_if(group.begin(), group.end(), [&](const Object& object) { return object.first == date; });
  }
  ChangeKind kind(const std::set<Object>& group, const std::map<Object, Object>& whole) const {
    double areas[2] = {0, 0};
    double lengths[2] = {0, 0};
    double common = 0;
    int wholes[2] = {0, 0};
    bool unseen = false;
    for (const Object& object : group) {
      areas[object.first] += area(object);
      lengths[object.first] += stores_[object.first]->perimeter(object.second);
      wholes[object.first] += whole.contains(object) ? 0 : 1;
      const plat::ObjectFacts& facts = stores_[object.first]->facts(object.second);
      const float hidden = object.first == 0 ? facts.unseen_later : facts.unseen_earlier;
      unseen |= static_cast<double>(hidden) > rules_.most_unseen;
      for (const Object& other : group) {
        if (object.first == 0 && ground_.contains(object) && ground_.at(object).contains(other)) {
          common += ground_.at(object).at(other);
        }
      }
    }
    const auto larger = [&](int of, int than) {
      return areas[of] >= areas[than] * (1 + rules_.least_change) &&
             areas[of] - areas[than] > rules_.tolerance * lengths[than];
    };
    ChangeKind kind = ChangeKind::Unchanged;
    if (count(group, 0) == 0) {
      kind = ChangeKind::Appeared;
    } else if (count(group, 1) == 0) {
      kind = ChangeKind::Vanished;
    } else if (wholes[0] < 2 && wholes[1] < 2) {
      if (larger(1, 0)) kind = ChangeKind::Grown;
      if (larger(0, 1)) kind = ChangeKind::Shrunk;
    } else if (!rules_.split_needs_ground || common / (areas[0] + areas[1] - common) < rules_.same_ground) {
      kind = wholes[0] < 2 ? ChangeKind::Split : wholes[1] < 2 ? ChangeKind::Merged : ChangeKind::Redrawn;
    }
    return kind != ChangeKind::Unchanged && unseen ? ChangeKind::Unknown : kind;
  }

  const ObjectStore* stores_[2];
  const ChangeRules& rules_;
  Links ground_;
};

}  // namespace plat::test
