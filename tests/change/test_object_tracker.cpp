// SPDX-License-Identifier: Apache-2.0
#include "change/object_tracker.hpp"

#include "core/error.hpp"
#include "tests/change/towns.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using plat::MultiPolygon;
using plat::ObjectStore;
using plat::ObjectTrack;
using plat::ObjectTracker;
using plat::test::box;
using plat::test::store_of;

using Tracks = std::vector<int64_t>;

/// All steps of a series in which everything is seen.
ObjectTracker track(const std::vector<ObjectStore>& dates) {
  ObjectTracker tracker;
  for (std::size_t i = 0; i + 1 < dates.size(); ++i) {
    tracker.add_step(dates[i], dates[i + 1], plat::find_changes(dates[i], dates[i + 1]));
  }
  return tracker;
}

ObjectStore unseen(const MultiPolygon& outline) {
  ObjectStore store;
  store.add(outline, {0, 0, 1, 1});
  return store;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(object_tracker)

BOOST_AUTO_TEST_CASE(objects_keep_their_track_while_they_last) {
  const ObjectTracker tracker = track({store_of({box(0, 0, 10, 10), box(50, 0, 10, 10)}),
                                       store_of({box(50, 0, 10, 10), box(0, 0, 14, 10), box(90, 0, 10, 10)}),
                                       store_of({box(90, 0, 10, 10), box(0, 0, 15, 10)})});
  BOOST_TEST(tracker.track_of_object()[0] == (Tracks{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(tracker.track_of_object()[1] == (Tracks{1, 0, 2}), boost::test_tools::per_element());
  BOOST_TEST(tracker.track_of_object()[2] == (Tracks{2, 0}), boost::test_tools::per_element());
  BOOST_TEST(tracker.tracks().size() == 3U);
  BOOST_TEST(tracker.tracks()[0].last_seen == 2);
  BOOST_TEST(tracker.tracks()[1].last_seen == 1);
  BOOST_TEST(!tracker.tracks()[1].is_missing);
  BOOST_TEST(tracker.tracks()[2].first_seen == 1);
  BOOST_TEST(tracker.tracks()[2].last_seen == 2);
}

BOOST_AUTO_TEST_CASE(the_largest_part_keeps_the_track) {
  const ObjectTracker tracker = track({store_of({box(0, 0, 30, 10)}),                      //
                                       store_of({box(0, 0, 12, 10), box(12, 0, 18, 10)}),  // split
                                       store_of({box(0, 0, 30, 10)})});                    // merged
  BOOST_TEST(tracker.track_of_object()[1] == (Tracks{1, 0}), boost::test_tools::per_element());
  BOOST_TEST(tracker.track_of_object()[2] == (Tracks{0}), boost::test_tools::per_element());
  BOOST_TEST(tracker.tracks()[1].first_seen == 1);
  BOOST_TEST(tracker.tracks()[1].last_seen == 1);
}

BOOST_AUTO_TEST_CASE(what_was_not_seen_is_found_again) {
  ObjectTracker tracker;
  const ObjectStore clouded = unseen(box(0, 0, 10, 10));
  const ObjectStore none;
  tracker.add_step(clouded, none, plat::find_changes(clouded, none));
  BOOST_TEST(tracker.tracks()[0].is_missing);
  BOOST_TEST(tracker.tracks()[0].last_seen == 0);
  tracker.add_step(none, none, plat::find_changes(none, none));
  ObjectStore back;
  back.add(box(40, 0, 10, 10));
  back.add(box(1, 0, 10, 10), {0, 0, 1, 0, 1});
  tracker.add_step(none, back, plat::find_changes(none, back));
  BOOST_TEST(tracker.track_of_object()[3] == (Tracks{1, 0}), boost::test_tools::per_element());
  BOOST_TEST(!tracker.tracks()[0].is_missing);
  BOOST_TEST(tracker.tracks()[0].first_seen == 0);
  BOOST_TEST(tracker.tracks()[0].last_seen == 3);
  BOOST_TEST(tracker.tracks()[1].first_seen == 3);
}

BOOST_AUTO_TEST_CASE(what_is_said_to_be_unchanged_is_found_again) {
  ObjectTracker tracker;
  const ObjectStore house = store_of({box(0, 0, 10, 10)}), none;
  plat::ObjectChanges unsure = plat::find_changes(house, none);
  unsure.changes.front().kind = plat::ChangeKind::Unchanged;
  tracker.add_step(house, none, unsure);
  BOOST_TEST(tracker.tracks()[0].is_missing);
  plat::ObjectChanges back = plat::find_changes(none, house);
  back.changes.front().kind = plat::ChangeKind::Unchanged;
  tracker.add_step(none, house, back);
  BOOST_TEST(tracker.track_of_object()[2] == (Tracks{0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_has_surely_appeared_is_another_object) {
  const ObjectStore clouded = unseen(box(0, 0, 10, 10)), none, house = store_of({box(0, 0, 10, 10)});
  ObjectTracker tracker;
  tracker.add_step(clouded, none, plat::find_changes(clouded, none));
  tracker.add_step(none, house, plat::find_changes(none, house));
  BOOST_TEST(tracker.track_of_object()[2] == (Tracks{1}), boost::test_tools::per_element());
  BOOST_TEST(tracker.tracks()[0].is_missing);
}

BOOST_AUTO_TEST_CASE(what_is_much_larger_is_another_object) {
  const ObjectStore clouded = unseen(box(0, 0, 10, 10)), none;
  ObjectStore large;
  large.add(box(0, 0, 50, 20), {0, 0, 1, 0, 1});
  ObjectTracker tracker;
  tracker.add_step(clouded, none, plat::find_changes(clouded, none));
  tracker.add_step(none, large, plat::find_changes(none, large));
  BOOST_TEST(tracker.track_of_object()[2] == (Tracks{1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_seen_to_go_is_not_taken_up_again) {
  const ObjectTracker tracker = track({store_of({box(0, 0, 10, 10)}), {}, store_of({box(0, 0, 10, 10)})});
  BOOST_TEST(tracker.tracks().size() == 2U);
  BOOST_TEST(!tracker.tracks()[0].is_missing);
  BOOST_TEST(tracker.track_of_object()[2] == (Tracks{1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(no_two_objects_of_a_date_have_one_track) {
  std::vector<ObjectStore> dates = {plat::test::random_town(120, 120, 1)};
  for (unsigned date = 1; date < 6; ++date) dates.push_back(plat::test::later_town(dates.back(), 120, 50 + date));
  const ObjectTracker tracker = track(dates);
  std::vector<std::vector<bool>> seen(tracker.tracks().size(), std::vector<bool>(dates.size()));
  for (std::size_t date = 0; date < dates.size(); ++date) {
    BOOST_TEST(static_cast<int64_t>(tracker.track_of_object()[date].size()) == dates[date].size());
    for (const int64_t id : tracker.track_of_object()[date]) {
      BOOST_TEST(!seen[static_cast<std::size_t>(id)][date]);
      seen[static_cast<std::size_t>(id)][date] = true;
    }
  }
  for (std::size_t id = 0; id < seen.size(); ++id) {
    const ObjectTrack& held = tracker.tracks()[id];
    BOOST_TEST(seen[id][static_cast<std::size_t>(held.first_seen)]);
    BOOST_TEST(seen[id][static_cast<std::size_t>(held.last_seen)]);
    for (std::size_t date = 0; date < dates.size(); ++date) {
      const auto at = static_cast<int64_t>(date);
      BOOST_TEST((!seen[id][date] || (at >= held.first_seen && at <= held.last_seen)));
    }
  }
}

BOOST_AUTO_TEST_CASE(refuses_a_step_that_does_not_go_on_from_the_last) {
  const ObjectStore one = store_of({box(0, 0, 10, 10)});
  const ObjectStore two = store_of({box(0, 0, 10, 10), box(20, 0, 10, 10)});
  ObjectTracker tracker;
  tracker.add_step(one, two, plat::find_changes(one, two));
  BOOST_CHECK_THROW(tracker.add_step(one, two, plat::find_changes(one, two)), plat::UsageError);
  BOOST_CHECK_THROW(tracker.add_step(two, one, plat::find_changes(one, two)), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
