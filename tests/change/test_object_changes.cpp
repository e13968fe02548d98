// SPDX-License-Identifier: Apache-2.0
#include "change/object_changes.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "tests/change/towns.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using plat::ChangeKind;
using plat::ChangeRules;
using plat::find_changes;
using plat::MultiPolygon;
using plat::ObjectChanges;
using plat::ObjectStore;
using plat::test::box;
using plat::test::store_of;

/// The kinds in order, as one text.
std::string kinds(const ObjectChanges& result) {
  std::string text;
  for (const plat::ObjectChange& change : result.changes) {
    text += (text.empty() ? "" : " ") + std::string(plat::name_of(change.kind));
  }
  return text;
}

std::string kinds(const std::vector<MultiPolygon>& before, const std::vector<MultiPolygon>& after,
                  const ChangeRules& rules = {}) {
  return kinds(find_changes(store_of(before), store_of(after), rules));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(object_changes)

BOOST_AUTO_TEST_CASE(empty_stores) {
  BOOST_TEST(find_changes({}, {}).changes.empty());
  BOOST_TEST(kinds({}, {box(0, 0, 9, 9)}) == "appeared");
  BOOST_TEST(kinds({box(0, 0, 9, 9)}, {}) == "vanished");
  BOOST_TEST(kinds({MultiPolygon{}}, {MultiPolygon{}}) == "vanished appeared");
}

BOOST_AUTO_TEST_CASE(one_to_one) {
  BOOST_TEST(kinds({box(0, 0, 10, 10)}, {box(1, 0, 10, 10)}) == "unchanged");
  BOOST_TEST(kinds({box(0, 0, 10, 10)}, {box(0, 0, 12, 10)}) == "unchanged");
  BOOST_TEST(kinds({box(0, 0, 10, 10)}, {box(0, 0, 13, 10)}) == "grown");
  BOOST_TEST(kinds({box(0, 0, 13, 10)}, {box(0, 0, 10, 10)}) == "shrunk");
  BOOST_TEST(kinds({box(0, 0, 10, 10)}, {box(6, 0, 10, 10)}) == "vanished appeared");
  BOOST_TEST(kinds({box(0, 0, 10, 10)}, {box(0, 0, 2, 2)}) == "shrunk");  // less than a part, and the only one
}

BOOST_AUTO_TEST_CASE(a_change_has_areas_iou_and_score) {
  ObjectStore before;
  before.add(box(0, 0, 10, 10), {5, 3, 0.5F, 0});
  before.add(box(50, 0, 10, 10), {6, 3, 0.75F, 0});
  ObjectStore after;
  after.add(box(0, 0, 20, 10), {7, 3, 1.0F, 0});
  const ObjectChanges result = find_changes(before, after);
  BOOST_TEST(kinds(result) == "grown vanished");
  BOOST_TEST(result.changes[0].class_index == 3);
  BOOST_TEST(result.changes[0].area_before == 100);
  BOOST_TEST(result.changes[0].area_after == 200);
  BOOST_TEST(result.changes[0].iou == 0.5);
  BOOST_TEST(result.changes[0].score == 0.75F);
  BOOST_TEST(result.changes[1].score == 0.75F);
  BOOST_TEST(result.changes[1].iou == 0);
  BOOST_TEST(result.total(ChangeKind::Grown).count == 1);
  BOOST_TEST(result.total(ChangeKind::Grown).area_after == 200);
  BOOST_TEST(result.total(ChangeKind::Vanished).area_before == 100);
  BOOST_TEST(result.successor == (std::vector<int64_t>{0, -1}), boost::test_tools::per_element());
  BOOST_TEST(result.predecessor == (std::vector<int64_t>{0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_the_outline_may_err_is_no_growth) {
  ChangeRules rules;
  rules.tolerance =
      0.5;  // a shed of 4 by 4 that is drawn half a metre too large all round gains 9 of its 16 square metres
  // A shed of 4 by 4 that is drawn half a metre too large all round gains 9 square metres.
  const std::vector<MultiPolygon> shed = {box(0, 0, 4, 4)};
  const std::vector<MultiPolygon> wide = {box(-0.5, -0.5, 5, 5)};
  BOOST_TEST(kinds(shed, wide) == "grown");
  rules.tolerance = 0.6;
  BOOST_TEST(kinds(shed, wide, rules) == "unchanged");
  BOOST_TEST(kinds(wide, shed, rules) == "unchanged");
  BOOST_TEST(kinds({box(0, 0, 40, 40)}, {box(0, 0, 52, 40)}, rules) == "grown");
}

BOOST_AUTO_TEST_CASE(split_and_merged) {
  const std::vector<MultiPolygon> one = {box(0, 0, 20, 10)};
  const std::vector<MultiPolygon> two = {box(0, 0, 9, 10), box(11, 0, 9, 10)};
  BOOST_TEST(kinds(one, two) == "split");
  BOOST_TEST(kinds(two, one) == "merged");
  ChangeRules rules;
  rules.split_needs_ground = true;
  BOOST_TEST(kinds(one, two, rules) == "unchanged");
  BOOST_TEST(kinds(one, {box(0, 0, 6, 10), box(14, 0, 6, 10)}, rules) == "split");
}

BOOST_AUTO_TEST_CASE(small_parts_make_no_split) {
  BOOST_TEST(kinds({box(0, 0, 20, 10)}, {box(0, 0, 18, 10), box(19, 0, 1, 10)}) == "unchanged");
  BOOST_TEST(kinds({box(0, 0, 18, 10), box(19, 0, 1, 10)}, {box(0, 0, 20, 10)}) == "unchanged");
  BOOST_TEST(kinds({box(0, 0, 20, 10)}, {box(0, 0, 16, 10), box(17, 0, 3, 10)}) == "split");
  const ObjectChanges crumbs =
      find_changes(store_of({box(0, 0, 20, 10)}), store_of({box(0, 0, 2, 2), box(9, 0, 2, 2)}));
  BOOST_TEST(kinds(crumbs) == "shrunk");
  BOOST_TEST(crumbs.changes[0].area_after == 8);
}

BOOST_AUTO_TEST_CASE(shifted_row_houses_stay_themselves) {
  std::vector<MultiPolygon> row;
  std::vector<MultiPolygon> shifted;
  for (int i = 0; i < 20; ++i) {
    row.push_back(box(6 * i, 0, 6, 10));
    shifted.push_back(box(6 * i + 0.15 * 6, 1, 6, 10));
  }
  const ObjectChanges result = find_changes(store_of(row), store_of(shifted));
  BOOST_TEST(result.changes.size() == 20U);
  BOOST_TEST(result.total(ChangeKind::Unchanged).count == 20);
}

BOOST_AUTO_TEST_CASE(pairs_leave_a_chain_of_links_and_take_along_who_has_no_other) {
  // The annexe in the middle is drawn with the right house afterwards, which reaches into the left one's ground.
  const std::vector<MultiPolygon> before = {box(0, 0, 16, 10), box(16, 0, 4, 10), box(20, 0, 10, 10)};
  const std::vector<MultiPolygon> after = {box(0, 0, 13, 10), box(13, 0, 17, 10)};
  ChangeRules rules;
  rules.least_overlap = 0.15;
  const ObjectChanges result = find_changes(store_of(before), store_of(after), rules);
  BOOST_TEST(kinds(result) == "unchanged merged");
  BOOST_TEST(result.changes[1].before == (std::vector<int64_t>{1, 2}), boost::test_tools::per_element());
  rules.same_object = 0.9;
  BOOST_TEST(kinds(before, after, rules) == "redrawn");
}

BOOST_AUTO_TEST_CASE(land_consolidation_is_redrawn) {
  // Three strips from west to east become three from south to north.
  std::vector<MultiPolygon> before;
  std::vector<MultiPolygon> after;
  for (int i = 0; i < 3; ++i) {
    before.push_back(box(0, 10 * i, 30, 10));
    after.push_back(box(10 * i, 0, 10, 30));
  }
  ChangeRules rules;
  rules.least_overlap = 0.3;
  BOOST_TEST(kinds(before, after, rules) == "redrawn");
  rules.split_needs_ground = true;
  BOOST_TEST(kinds(before, after, rules) == "unchanged");
}

BOOST_AUTO_TEST_CASE(unseen_ground_tells_nothing) {
  const auto one = [](float unseen_later, double width, float unseen_earlier = 0) {
    ObjectStore store;
    store.add(box(0, 0, width, 10), {0, 0, 1, unseen_later, unseen_earlier});
    return store;
  };
  BOOST_TEST(kinds(find_changes(one(0.2F, 10), {})) == "unknown");
  BOOST_TEST(kinds(find_changes({}, one(0, 10, 0.2F))) == "unknown");
  BOOST_TEST(kinds(find_changes(one(0, 10, 0.2F), {})) == "vanished");
  BOOST_TEST(kinds(find_changes({}, one(0.2F, 10))) == "appeared");
  BOOST_TEST(kinds(find_changes(one(0.05F, 10), {})) == "vanished");
  BOOST_TEST(kinds(find_changes(one(0.2F, 10), one(0, 5))) == "unknown");
  BOOST_TEST(kinds(find_changes(one(0, 10), one(0, 5, 0.2F))) == "unknown");
  BOOST_TEST(kinds(find_changes(one(1, 10), one(1, 10, 1))) == "unchanged");
}

BOOST_AUTO_TEST_CASE(courts_and_parts) {
  const MultiPolygon court = {{plat::test::box_ring(0, 0, 30, 30), {plat::test::box_ring(5, 5, 20, 20)}}};
  BOOST_TEST(kinds({court}, {court, box(8, 8, 10, 10)}) == "unchanged appeared");
  BOOST_TEST(kinds({court}, {box(0, 0, 30, 30)}) == "grown");
  const MultiPolygon farm = {{plat::test::box_ring(0, 0, 10, 10), {}}, {plat::test::box_ring(20, 0, 10, 10), {}}};
  BOOST_TEST(kinds({farm}, {box(0, 0, 10, 10), box(20, 0, 10, 10)}) == "split");
  BOOST_TEST(kinds({farm}, {farm, box(11, 0, 8, 10)}) == "unchanged appeared");
}

BOOST_AUTO_TEST_CASE(classes_never_meet) {
  ObjectStore before;
  before.add(box(0, 0, 10, 10), {0, 1, 1, 0});
  ObjectStore after;
  after.add(box(0, 0, 10, 10), {0, 2, 1, 0});
  BOOST_TEST(kinds(find_changes(before, after)) == "vanished appeared");
}

BOOST_AUTO_TEST_CASE(rules_have_limits) {
  const auto refused = [](double ChangeRules::*field, double value) {
    ChangeRules rules;
    rules.*field = value;
    BOOST_CHECK_THROW(find_changes({}, {}, rules), plat::UsageError);
  };
  refused(&ChangeRules::least_overlap, 0);
  refused(&ChangeRules::least_part, 1);
  refused(&ChangeRules::same_object, 1.1);
  refused(&ChangeRules::least_change, -1);
  refused(&ChangeRules::tolerance, -1);
  refused(&ChangeRules::most_unseen, 2);
  refused(&ChangeRules::same_ground, 0);
}

BOOST_AUTO_TEST_CASE(progress_rises_to_one_and_a_stop_is_heard) {
  const ObjectStore town = plat::test::random_town(10000, 2000, 1);
  double last = 0;
  bool rises = true;
  find_changes(town, town, {}, [&](double fraction) {
    rises &= fraction >= last;
    last = fraction;
  });
  BOOST_TEST(rises);
  BOOST_TEST(last == 1);
  plat::request_cancel();
  BOOST_CHECK_THROW(find_changes(town, town), plat::Cancelled);
  plat::reset_cancel();
}

BOOST_AUTO_TEST_SUITE_END()
