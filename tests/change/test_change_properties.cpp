// SPDX-License-Identifier: Apache-2.0
#include "change/object_changes.hpp"
#include "tests/change/naive_changes.hpp"
#include "tests/change/towns.hpp"

#include <tbb/global_control.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>

namespace {

using plat::ChangeKind;
using plat::ChangeRules;
using plat::find_changes;
using plat::ObjectChange;
using plat::ObjectChanges;
using plat::ObjectStore;
using plat::test::later_town;
using plat::test::NaiveChange;
using plat::test::random_town;

constexpr double kSide = 120;

struct Dates {
  ObjectStore before;
  ObjectStore after;
};

/// Sparse, dense and crowded towns.
std::vector<Dates> towns() {
  std::vector<Dates> all;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    const ObjectStore before = random_town(seed % 3 == 0 ? 250 : seed % 3 == 1 ? 90 : 30, kSide, seed);
    all.push_back({before, later_town(before, kSide, 100 + seed)});
  }
  return all;
}

std::vector<ChangeRules> all_rules() {
  ChangeRules strict;
  strict.tolerance = 0.3;
  strict.split_needs_ground = true;
  ChangeRules loose;
  loose.least_overlap = 0.1;
  loose.least_part = 0.3;
  loose.same_object = 0.3;
  return {ChangeRules{}, strict, loose};
}

std::set<NaiveChange> plain(const ObjectChanges& result) {
  std::set<NaiveChange> out;
  for (const ObjectChange& change : result.changes) {
    out.insert(
        {{{change.before.begin(), change.before.end()}, {change.after.begin(), change.after.end()}}, change.kind});
  }
  return out;
}

ChangeKind mirrored(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::Appeared: return ChangeKind::Vanished;
    case ChangeKind::Vanished: return ChangeKind::Appeared;
    case ChangeKind::Grown: return ChangeKind::Shrunk;
    case ChangeKind::Shrunk: return ChangeKind::Grown;
    case ChangeKind::Split: return ChangeKind::Merged;
    case ChangeKind::Merged: return ChangeKind::Split;
    default: return kind;
  }
}

std::vector<int64_t> shuffled(int64_t count, unsigned seed) {
  std::vector<int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  return order;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(change_properties)

BOOST_AUTO_TEST_CASE(agrees_with_the_rules_written_down_without_care_for_time) {
  std::array<int64_t, plat::kChangeKinds> seen{};
  for (const Dates& dates : towns()) {
    for (const ChangeRules& rules : all_rules()) {
      const ObjectChanges result = find_changes(dates.before, dates.after, rules);
      BOOST_TEST((plain(result) == plat::test::NaiveChanges(dates.before, dates.after, rules).run()));
      for (std::size_t kind = 0; kind < plat::kChangeKinds; ++kind) seen[kind] += result.totals[kind].count;
    }
  }
  for (std::size_t kind = 0; kind < plat::kChangeKinds; ++kind) {
    BOOST_TEST_MESSAGE(plat::name_of(static_cast<ChangeKind>(kind)) << " " << seen[kind]);
    BOOST_TEST(seen[kind] > 0);
  }
}

BOOST_AUTO_TEST_CASE(every_object_is_in_exactly_one_change) {
  for (const Dates& dates : towns()) {
    const ObjectChanges result = find_changes(dates.before, dates.after);
    std::vector<int> before(static_cast<std::size_t>(dates.before.size()));
    std::vector<int> after(static_cast<std::size_t>(dates.after.size()));
    int64_t count = 0;
    double area_before = 0;
    for (const ObjectChange& change : result.changes) {
      BOOST_TEST(std::is_sorted(change.before.begin(), change.before.end()));
      BOOST_TEST(std::is_sorted(change.after.begin(), change.after.end()));
      for (const int64_t i : change.before) ++before[static_cast<std::size_t>(i)];
      for (const int64_t k : change.after) ++after[static_cast<std::size_t>(k)];
      BOOST_TEST((change.iou >= 0 && change.iou <= 1));
      BOOST_TEST((change.score >= 0 && change.score <= 1));
    }
    BOOST_TEST(std::count(before.begin(), before.end(), 1) == dates.before.size());
    BOOST_TEST(std::count(after.begin(), after.end(), 1) == dates.after.size());
    for (const plat::ChangeTotal& total : result.totals) {
      count += total.count;
      area_before += total.area_before;
    }
    double area = 0;
    for (int64_t i = 0; i < dates.before.size(); ++i) area += dates.before.area(i);
    BOOST_TEST(count == static_cast<int64_t>(result.changes.size()));
    BOOST_TEST(area_before == area, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(changes_stand_by_first_object_before_then_after) {
  for (const Dates& dates : towns()) {
    const ObjectChanges result = find_changes(dates.before, dates.after);
    const auto place = [&](const ObjectChange& change) {
      return change.before.empty() ? dates.before.size() + change.after.front() : change.before.front();
    };
    BOOST_TEST(std::is_sorted(result.changes.begin(), result.changes.end(),
                              [&](const auto& a, const auto& b) { return place(a) < place(b); }));
  }
}

BOOST_AUTO_TEST_CASE(exchanged_dates_mirror_the_kinds) {
  for (const Dates& dates : towns()) {
    for (const ChangeRules& rules : all_rules()) {
      const ObjectChanges there = find_changes(dates.before, dates.after, rules);
      const ObjectChanges back = find_changes(dates.after, dates.before, rules);
      std::set<NaiveChange> expected;
      for (const auto& [objects, kind] : plain(there))
        expected.insert({{objects.second, objects.first}, mirrored(kind)});
      BOOST_TEST((plain(back) == expected));
      BOOST_TEST(back.successor == there.predecessor);
      BOOST_TEST(back.predecessor == there.successor);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_map_is_unchanged_against_itself) {
  // Scattered houses that do not overlap: those that do are no map of objects.
  std::mt19937 random(5);
  ObjectStore town;
  for (int i = 0; i < 100; ++i)
    town.add(plat::test::random_house(random, 30 * (i % 10), 30 * (i / 10)), {i, i % 2, 1, 1});
  const ObjectChanges result = find_changes(town, town);
  BOOST_TEST(result.total(ChangeKind::Unchanged).count == town.size());
  for (const ObjectChange& change : result.changes) {
    BOOST_TEST(change.before == change.after);
    BOOST_TEST(change.iou == 1, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(result.successor[static_cast<std::size_t>(change.before[0])] == change.before[0]);
  }
}

BOOST_AUTO_TEST_CASE(the_order_of_objects_is_of_no_account) {
  unsigned seed = 0;
  for (const Dates& dates : towns()) {
    const std::vector<int64_t> order_before = shuffled(dates.before.size(), ++seed);
    const std::vector<int64_t> order_after = shuffled(dates.after.size(), ++seed);
    const ObjectChanges result = find_changes(plat::test::reordered(dates.before, order_before),
                                              plat::test::reordered(dates.after, order_after));
    std::set<NaiveChange> renamed;
    for (const auto& [objects, kind] : plain(result)) {
      NaiveChange change{{}, kind};
      for (const int64_t i : objects.first) change.first.first.insert(order_before[static_cast<std::size_t>(i)]);
      for (const int64_t k : objects.second) change.first.second.insert(order_after[static_cast<std::size_t>(k)]);
      renamed.insert(change);
    }
    BOOST_TEST((renamed == plain(find_changes(dates.before, dates.after))));
  }
}

BOOST_AUTO_TEST_CASE(where_the_scene_lies_is_of_no_account) {
  const auto shift = [](const ObjectStore& store) {
    ObjectStore out;
    for (int64_t i = 0; i < store.size(); ++i) {
      out.add(plat::test::moved(store.outline(i), 448000, 5411000), store.facts(i));
    }
    return out;
  };
  for (const Dates& dates : towns()) {
    BOOST_TEST((plain(find_changes(shift(dates.before), shift(dates.after))) ==
                plain(find_changes(dates.before, dates.after))));
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_is_of_no_account) {
  const ObjectStore before = random_town(20000, 2500, 3);
  const ObjectStore after = later_town(before, 2500, 4);
  std::vector<ObjectChanges> results;
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism, threads);
    results.push_back(find_changes(before, after));
  }
  for (const ObjectChanges& result : results) {
    BOOST_TEST(result.changes.size() == results[0].changes.size());
    BOOST_TEST((plain(result) == plain(results[0])));
    BOOST_TEST(result.successor == results[0].successor);
    for (std::size_t i = 0; i < result.changes.size(); ++i) {
      BOOST_TEST_REQUIRE(result.changes[i].iou == results[0].changes[i].iou);
      BOOST_TEST_REQUIRE(result.changes[i].score == results[0].changes[i].score);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
