// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "model/segmenter.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>

namespace plat {
namespace {

Image<float> bright_where(const Image<int32_t>& labels) {
  Image<float> pixels(labels.width(), labels.height(), 3);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t r = 0; r < labels.height(); ++r) {
      for (int64_t c = 0; c < labels.width(); ++c) pixels.at(c, r, b) = labels.at(c, r) > 0 ? 220.0F : 30.0F;
    }
  }
  return pixels;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(threshold)

BOOST_AUTO_TEST_CASE(bright_pixels_are_objects_with_a_boundary_and_a_distance) {
  const auto segmenter = open_segmenter("threshold");
  const auto labels = test::ascii_scene(R"(
........
.#####..
.#####..
.#####..
........
)");
  const Image<float> maps = segmenter->segment(bright_where(labels));
  BOOST_TEST(maps.bands() == kMapsPerClass);
  for (int64_t r = 0; r < labels.height(); ++r) {
    for (int64_t c = 0; c < labels.width(); ++c) BOOST_TEST(maps.at(c, r, 0) == static_cast<float>(labels.at(c, r)));
  }
  BOOST_TEST(maps.at(1, 1, 1) == 1.0F);  // the outermost pixels of the object, and those that touch it
  BOOST_TEST(maps.at(0, 1, 1) == 1.0F);
  BOOST_TEST(maps.at(3, 2, 1) == 0.0F);
  BOOST_TEST(maps.at(7, 2, 1) == 0.0F);
  BOOST_TEST(maps.at(1, 2, 2) == 0.1F);  // one pixel from the background, of ten
  BOOST_TEST(maps.at(3, 2, 2) == 0.2F);
  BOOST_TEST(maps.at(0, 0, 2) == 0.0F);
}

BOOST_AUTO_TEST_CASE(maps_are_probabilities_whatever_the_pixels) {
  const auto segmenter = open_segmenter("threshold");
  Image<float> all_bright(16, 8, 1, 255.0F);
  const Image<float> maps = segmenter->segment(all_bright);
  for (int64_t r = 0; r < 8; ++r) {
    for (int64_t c = 0; c < 16; ++c) {
      BOOST_TEST(maps.at(c, r, 0) == 1.0F);
      BOOST_TEST(maps.at(c, r, 1) == 0.0F);
      BOOST_TEST(maps.at(c, r, 2) == 1.0F);
    }
  }
  BOOST_CHECK_THROW(segmenter->segment(Image<float>(4, 4, 0)), ModelError);
  BOOST_TEST(segmenter->description().classes.size() == 1U);
  BOOST_TEST(segmenter->memory_per_tile() > 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
