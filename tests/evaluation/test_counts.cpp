// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "evaluation/counts.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string_view>

namespace {

plat::Image<uint8_t> mask(std::string_view text) {
  const auto labels = plat::test::ascii_scene(text);
  plat::Image<uint8_t> out(labels.width(), labels.height());
  for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = labels.data()[i] != 0 ? 1 : 0;
  return out;
}

plat::Image<uint8_t> random_mask(uint32_t seed, double share) {
  plat::Image<uint8_t> out(37, 23);
  std::mt19937 random(seed);
  for (uint8_t& pixel : out.band(0)) pixel = static_cast<double>(random()) < share * 4294967296.0 ? 255 : 0;
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(counts)

BOOST_AUTO_TEST_CASE(rates_are_those_computed_by_hand) {
  plat::PixelCounts counts;
  counts.add(mask("##..\n##..\n...."), mask(".##.\n.##.\n.##."));
  BOOST_TEST(counts.true_positives == 2);
  BOOST_TEST(counts.false_positives == 2);
  BOOST_TEST(counts.false_negatives == 4);
  BOOST_TEST(counts.true_negatives == 4);
  BOOST_TEST(counts.precision() == 0.5);
  BOOST_TEST(counts.recall() == 2.0 / 6);
  BOOST_TEST(counts.f1() == 0.4);
  BOOST_TEST(counts.iou() == 0.25);
}

BOOST_AUTO_TEST_CASE(a_perfect_prediction_scores_one) {
  const auto truth = random_mask(1, 0.3);
  plat::PixelCounts counts;
  counts.add(truth, truth);
  BOOST_TEST(counts.precision() == 1);
  BOOST_TEST(counts.recall() == 1);
  BOOST_TEST(counts.f1() == 1);
  BOOST_TEST(counts.iou() == 1);
}

BOOST_AUTO_TEST_CASE(exchanging_prediction_and_truth_exchanges_precision_and_recall_only) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const auto a = random_mask(seed, 0.4);
    const auto b = random_mask(seed + 100, 0.2);
    plat::PixelCounts ab;
    plat::PixelCounts ba;
    ab.add(a, b);
    ba.add(b, a);
    BOOST_TEST(ab.precision() == ba.recall());
    BOOST_TEST(ab.recall() == ba.precision());
    BOOST_TEST(ab.f1() == ba.f1());
    BOOST_TEST(ab.iou() == ba.iou());
    // The identity that holds between the two for counts of any kind.
    BOOST_TEST(ab.f1() == 2 * ab.iou() / (1 + ab.iou()), boost::test_tools::tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(counts_of_parts_add_up_to_those_of_the_whole) {
  const auto a = random_mask(3, 0.4);
  const auto b = random_mask(4, 0.4);
  plat::PixelCounts whole;
  whole.add(a, b);
  plat::PixelCounts parts;
  for (const plat::Window window :
       {plat::Window{0, 0, 37, 10}, plat::Window{0, 10, 20, 13}, plat::Window{20, 10, 17, 13}}) {
    plat::PixelCounts part;
    part.add(plat::crop(a, window), plat::crop(b, window));
    parts += part;
  }
  BOOST_TEST((parts == whole));
  BOOST_TEST(whole.total() == 37 * 23);
}

BOOST_AUTO_TEST_CASE(invalid_pixels_do_not_count) {
  plat::PixelCounts counts;
  counts.add(mask("###."), mask("#.#."), mask("##.."));
  BOOST_TEST(counts.true_positives == 1);
  BOOST_TEST(counts.false_positives == 1);
  BOOST_TEST(counts.total() == 2);
}

BOOST_AUTO_TEST_CASE(nothing_predicted_and_nothing_true_is_zero_and_undefined) {
  plat::PixelCounts counts;
  counts.add(mask("...."), mask("...."));
  BOOST_TEST(!counts.defined());
  BOOST_TEST(counts.iou() == 0);
  BOOST_TEST(counts.f1() == 0);
  BOOST_TEST(!plat::ObjectCounts{}.defined());
  BOOST_TEST(plat::ObjectCounts{}.f1() == 0);
}

BOOST_AUTO_TEST_CASE(images_of_different_sizes_are_refused) {
  plat::PixelCounts counts;
  BOOST_CHECK_THROW(counts.add(mask("##"), mask("###")), plat::DataError);
}

BOOST_AUTO_TEST_SUITE_END()
