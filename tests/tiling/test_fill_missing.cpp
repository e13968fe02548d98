// SPDX-License-Identifier: Apache-2.0
#include "tiling/fill_missing.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>

using plat::Image;

namespace {

Image<float> random_picture(int64_t width, int64_t height, int64_t bands, unsigned seed) {
  std::mt19937 random(seed);
  Image<float> picture(width, height, bands);
  for (float& value : std::span(picture.data(), picture.size())) value = static_cast<float>(random() % 1000);
  return picture;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fill_missing)

BOOST_AUTO_TEST_CASE(straight_edges_become_mirrors) {
  const Image<float> picture = random_picture(20, 9, 3, 1);
  Image<uint8_t> known(20, 9);
  for (int64_t r = 0; r < 9; ++r) {
    for (int64_t c = 0; c < 12; ++c) known.at(c, r) = 1;
  }
  Image<float> filled = picture;
  plat::fill_missing(filled, known);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t r = 0; r < 9; ++r) {
      for (int64_t c = 0; c < 20; ++c) {
        BOOST_TEST_REQUIRE(filled.at(c, r, b) == picture.at(c < 12 ? c : 22 - c, r, b));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(each_gap_takes_a_known_pixel_at_the_nearest_distance_or_twice_that) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    Image<uint8_t> known(23, 17);
    // Each known pixel has a value of its own, which tells where a filled one came from.
    Image<float> picture(23, 17);
    for (std::size_t i = 0; i < known.size(); ++i) {
      known.data()[i] = random() % 6 == 0 ? 1 : 0;
      picture.data()[i] = known.data()[i] != 0 ? static_cast<float>(i) : -1.0F;
    }
    plat::fill_missing(picture, known);
    for (int64_t row = 0; row < 17; ++row) {
      for (int64_t col = 0; col < 23; ++col) {
        const auto from = static_cast<int64_t>(picture.at(col, row));
        BOOST_TEST_REQUIRE((from >= 0 && known.data()[from] != 0));
        int64_t nearest = std::numeric_limits<int64_t>::max();
        for (int64_t r = 0; r < 17; ++r) {
          for (int64_t c = 0; c < 23; ++c) {
            if (known.at(c, r) != 0) nearest = std::min(nearest, (c - col) * (c - col) + (r - row) * (r - row));
          }
        }
        const int64_t dc = from % 23 - col, dr = from / 23 - row;
        const int64_t squared = dc * dc + dr * dr;
        // The propagation may miss the nearest one by a fraction of a pixel.
        const double off = std::sqrt(squared) - std::sqrt(nearest);
        BOOST_TEST_REQUIRE((std::abs(off) < 0.3 || std::abs(off - std::sqrt(nearest)) < 0.6));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_known_gives_zeros_and_all_known_changes_nothing) {
  const Image<float> picture = random_picture(5, 4, 2, 3);
  Image<float> filled = picture;
  plat::fill_missing(filled, Image<uint8_t>(5, 4, 1, uint8_t{1}));
  BOOST_TEST((filled == picture));
  plat::fill_missing(filled, Image<uint8_t>(5, 4));
  BOOST_TEST((filled == Image<float>(5, 4, 2)));
}

BOOST_AUTO_TEST_SUITE_END()
