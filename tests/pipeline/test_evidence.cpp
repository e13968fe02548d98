// SPDX-License-Identifier: Apache-2.0
#include "pipeline/change/evidence.hpp"

#include <boost/test/unit_test.hpp>

using plat::ChangeKind;
using plat::ChangeRules;
using plat::DatedObjects;
using plat::ObjectChanges;

namespace {

struct Box {
  double width;    ///< from x = 0; 10 high
  float score;     ///< of its own date's map
  float evidence;  ///< of the other's
};

DatedObjects date_of(const std::vector<Box>& boxes, bool later) {
  DatedObjects date;
  for (const Box& box : boxes) {
    date.store.add({{{{0, 0}, {box.width, 0}, {box.width, 10}, {0, 10}}, {}}}, {0, 0, box.score});
    (later ? date.evidence_earlier : date.evidence_later).push_back(box.evidence);
    date.area_m2.push_back(10 * box.width);
  }
  return date;
}

struct Weighed {
  ChangeKind kind;
  double score;
  int64_t unsure;
};

Weighed weighed(const std::vector<Box>& before, const std::vector<Box>& after,
                const std::optional<double>& least = std::nullopt, const std::vector<double>& least_scores = {0.6}) {
  const DatedObjects was = date_of(before, false), is = date_of(after, true);
  ObjectChanges found = plat::find_changes(was.store, is.store);
  BOOST_REQUIRE(found.changes.size() == 1U);
  const int64_t unsure = plat::weigh_evidence(found, was, is, least_scores, ChangeRules(), least);
  return {found.changes.front().kind, static_cast<double>(found.changes.front().score), unsure};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(evidence)

BOOST_AUTO_TEST_CASE(what_is_sure_on_one_date_and_not_there_on_the_other_has_changed) {
  const Weighed gone = weighed({{10, 0.9F, 0.1F}}, {});
  BOOST_TEST((gone.kind == ChangeKind::Vanished));
  BOOST_TEST(gone.score == 0.81, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(gone.unsure == 0);
  BOOST_TEST((weighed({}, {{10, 0.9F, 0.1F}}).kind == ChangeKind::Appeared));
}

BOOST_AUTO_TEST_CASE(what_is_faint_on_the_other_date_is_still_there) {
  for (const bool later : {false, true}) {
    const std::vector<Box> faint = {{10, 0.9F, 0.45F}};
    const Weighed held = later ? weighed({}, faint) : weighed(faint, {});
    BOOST_TEST((held.kind == ChangeKind::Unchanged));
    BOOST_TEST(held.unsure == 1);
  }
}

BOOST_AUTO_TEST_CASE(growth_is_as_probable_as_the_ground_that_was_gained) {
  // Both maps say 0.9 of the first 10 m. Of the 10 m that were gained the later says 0.9, the earlier 0.1.
  const Weighed sure = weighed({{10, 0.9F, 0.9F}}, {{20, 0.9F, 0.5F}});
  BOOST_TEST((sure.kind == ChangeKind::Grown));
  BOOST_TEST(sure.score == 0.81, boost::test_tools::tolerance(1e-6));
  // The later map says 0.4 only of what was gained, though the object as a whole is rather sure.
  BOOST_TEST((weighed({{10, 0.9F, 0.9F}}, {{20, 0.65F, 0.5F}}).kind == ChangeKind::Unchanged));
  // The earlier map says 0.7 of it: it was there.
  BOOST_TEST((weighed({{10, 0.9F, 0.9F}}, {{20, 0.9F, 0.8F}}).kind == ChangeKind::Unchanged));
  // The same of what was lost.
  BOOST_TEST((weighed({{20, 0.9F, 0.5F}}, {{10, 0.9F, 0.9F}}).kind == ChangeKind::Shrunk));
}

BOOST_AUTO_TEST_CASE(how_probable_a_change_must_be_is_the_callers_or_the_classs) {
  const std::vector<Box> likely = {{10, 0.8F, 0.2F}};  // 0.64
  BOOST_TEST((weighed(likely, {}).kind == ChangeKind::Vanished));
  BOOST_TEST((weighed(likely, {}, std::nullopt, {0.7}).kind == ChangeKind::Unchanged));
  BOOST_TEST((weighed(likely, {}, 0.65).kind == ChangeKind::Unchanged));
  BOOST_TEST((weighed(likely, {}, 0.6, {0.9}).kind == ChangeKind::Vanished));
  // A class of weak objects needs kLeastChangeScore nevertheless.
  BOOST_TEST((weighed({{10, 0.6F, 0.3F}}, {}, std::nullopt, {0.1}).kind == ChangeKind::Unchanged));
}

BOOST_AUTO_TEST_CASE(outlines_alone_decide_without_maps_or_where_that_is_wanted) {
  const std::vector<Box> faint = {{10, 0.9F, 0.9F}};
  BOOST_TEST((weighed(faint, {}, 0.0).kind == ChangeKind::Vanished));
  BOOST_TEST((weighed(faint, {}, std::nullopt, {}).kind == ChangeKind::Vanished));
}

BOOST_AUTO_TEST_SUITE_END()
