// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "evaluation/matching.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

using plat::test::ascii_scene;

BOOST_AUTO_TEST_SUITE(matching)

BOOST_AUTO_TEST_CASE(objects_are_counted_as_by_hand) {
  // 1 matches a (4 of 5 pixels), 2 has half of b (IoU 1/2: not above the threshold), 3 is invented, c is missed.
  const auto predicted = ascii_scene(R"(
11..2...
11..2...
......3.
........)");
  const auto truth = ascii_scene(R"(
aa..bb..
aa..bb..
a.......
....cc..)");
  const auto counts = plat::match_labels(predicted, truth);
  BOOST_TEST(counts.true_positives == 1);
  BOOST_TEST(counts.false_positives == 2);
  BOOST_TEST(counts.false_negatives == 2);
  BOOST_TEST(counts.f1() == 1.0 / 3);
  BOOST_TEST(plat::match_labels(predicted, truth, 0.49).true_positives == 2);
}

BOOST_AUTO_TEST_CASE(small_objects_are_left_out_on_both_sides) {
  const auto predicted = ascii_scene("1.222.3.");
  const auto truth = ascii_scene("1.222..4");
  BOOST_TEST((plat::match_labels(predicted, truth, 0.5, 1) == plat::ObjectCounts{2, 1, 1}));
  BOOST_TEST((plat::match_labels(predicted, truth, 0.5, 3) == plat::ObjectCounts{1, 0, 0}));
}

BOOST_AUTO_TEST_CASE(one_prediction_over_two_objects_finds_at_most_one) {
  BOOST_TEST((plat::match_labels(ascii_scene("11111"), ascii_scene("aaab.")) == plat::ObjectCounts{1, 0, 1}));
  BOOST_TEST((plat::match_labels(ascii_scene("1111"), ascii_scene("aabb")) == plat::ObjectCounts{0, 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_true_object_is_taken_once) {
  const std::vector<plat::Overlap> overlaps{{0, 0, 0.6}, {1, 0, 0.9}, {1, 1, 0.55}};
  const auto by_position = plat::match_greedily(2, 2, overlaps, 0.5);
  BOOST_TEST(by_position.truth_of_predicted == (std::vector<int64_t>{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(by_position.iou_of_predicted[1] == 0.55);
  BOOST_TEST(by_position.iou_of_truth[0] == 0.9);
  const std::vector<int64_t> by_score{1, 0};
  const auto other = plat::match_greedily(2, 2, overlaps, 0.5, by_score);
  BOOST_TEST(other.truth_of_predicted == (std::vector<int64_t>{-1, 0}), boost::test_tools::per_element());
  BOOST_TEST((other.counts() == plat::ObjectCounts{1, 1, 1}));
}

BOOST_AUTO_TEST_CASE(label_images_match_symmetrically_above_one_half) {
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    plat::Image<int32_t> a(40, 30);
    plat::Image<int32_t> b(40, 30);
    for (int32_t object = 1; object <= 25; ++object) {
      const auto col = static_cast<int64_t>(random() % 34);
      const auto row = static_cast<int64_t>(random() % 24);
      const auto size = static_cast<int64_t>(2 + random() % 5);
      const auto shift = static_cast<int64_t>(random() % 2);
      for (int64_t r = row; r < row + size; ++r) {
        for (int64_t c = col; c < col + size; ++c) {
          a.at(c, r) = object;
          b.at(c + shift, r) = 100 - object;
        }
      }
    }
    const auto ab = plat::match_labels(a, b);
    const auto ba = plat::match_labels(b, a);
    BOOST_TEST(ab.true_positives == ba.true_positives);
    BOOST_TEST(ab.false_positives == ba.false_negatives);
    BOOST_TEST(ab.f1() == ba.f1());
    BOOST_TEST((plat::match_labels(a, a).f1() == 1));
  }
}

BOOST_AUTO_TEST_CASE(empty_sides_give_zeros) {
  const auto empty = ascii_scene("....");
  const auto full = ascii_scene("11.2");
  BOOST_TEST((plat::match_labels(empty, empty) == plat::ObjectCounts{}));
  BOOST_TEST((plat::match_labels(empty, full) == plat::ObjectCounts{0, 0, 2}));
  BOOST_TEST((plat::match_labels(full, empty) == plat::ObjectCounts{0, 2, 0}));
  BOOST_CHECK_THROW(plat::match_labels(empty, ascii_scene("...")), plat::DataError);
}

BOOST_AUTO_TEST_SUITE_END()
