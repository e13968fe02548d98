// SPDX-License-Identifier: Apache-2.0
#include "geo/rasterize.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

plat::Polygon square(double col, double row, double side) {
  return {{{col, row}, {col + side, row}, {col + side, row + side}, {col, row + side}}, {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rasterize)

BOOST_AUTO_TEST_CASE(outlines_along_pixel_edges_give_their_pixels_back) {
  const plat::Polygon frame{{{1, 1}, {6, 1}, {6, 5}, {1, 5}}, {{{2, 2}, {2, 4}, {5, 4}, {5, 2}}}};
  const std::vector<plat::MultiPolygon> polygons{{frame}, {square(3, 3, 1), square(0, 0, 1)}};
  const auto expected = plat::test::ascii_scene(R"(
2......
.11111.
.1...1.
.1.2.1.
.11111.
.......)");
  BOOST_TEST((plat::rasterize_labels(polygons, 7, 6) == expected));
}

BOOST_AUTO_TEST_CASE(later_polygons_win_and_masks_are_one) {
  const std::vector<plat::MultiPolygon> polygons{{square(0, 0, 3)}, {square(1, 1, 3)}};
  const auto labels = plat::rasterize_labels(polygons, 4, 4);
  BOOST_TEST(labels.at(1, 1) == 2);
  BOOST_TEST(labels.at(0, 0) == 1);
  const auto mask = plat::rasterize_mask(polygons, 4, 4);
  BOOST_TEST(mask.at(3, 3) == 1);
  BOOST_TEST(mask.at(3, 0) == 0);
}

BOOST_AUTO_TEST_CASE(neighbours_share_no_pixel_and_leave_none_out) {
  const unsigned seed = 11;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> position(0, 40);
  for (int round = 0; round < 200; ++round) {
    // A quadrilateral round the image cut in four triangles at a random point: each pixel belongs to exactly one.
    const plat::Point middle{round % 4 == 0 ? std::floor(position(random)) + 0.5 : position(random),
                             round % 4 == 1 ? std::floor(position(random)) + 0.5 : position(random)};
    const std::vector<plat::Point> corners{{-5, -3}, {44, -7}, {47, 45}, {-2, 49}};
    plat::Image<int> hits(40, 40);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::vector<plat::MultiPolygon> part{{{{corners[i], corners[(i + 1) % 4], middle}, {}}}};
      const auto mask = plat::rasterize_mask(part, 40, 40);
      for (std::size_t k = 0; k < mask.size(); ++k) hits.data()[k] += mask.data()[k];
    }
    for (std::size_t k = 0; k < hits.size(); ++k) BOOST_REQUIRE(hits.data()[k] == 1);
  }
}

BOOST_AUTO_TEST_CASE(pixels_are_those_whose_centre_is_inside) {
  const unsigned seed = 5;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> position(-5, 35);
  for (int round = 0; round < 100; ++round) {
    plat::Polygon star;
    for (int i = 0; i < 9; ++i) star.exterior.push_back({position(random), position(random)});
    const auto mask = plat::rasterize_mask(std::vector<plat::MultiPolygon>{{star}}, 30, 30);
    for (int row = 0; row < 30; ++row) {
      for (int col = 0; col < 30; ++col) {
        BOOST_REQUIRE((mask.at(col, row) == 1) == plat::contains(star, {col + 0.5, row + 0.5}));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_lies_outside_or_is_no_polygon_burns_nothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<plat::MultiPolygon> polygons{{},
                                                 {{}},
                                                 {{{{1, 1}, {2, 2}}, {}}},
                                                 {square(100, 100, 50)},
                                                 {square(-90, -90, 50)},
                                                 {{{{nan, 0}, {5, 0}, {5, 5}}, {}}}};
  const auto mask = plat::rasterize_mask(polygons, 10, 10);
  for (std::size_t k = 0; k < mask.size(); ++k) BOOST_TEST(mask.data()[k] == 0);
  const std::vector<plat::MultiPolygon> huge{{square(-1e15, -1e15, 2e15)}};
  BOOST_TEST(plat::rasterize_mask(huge, 3, 3).at(2, 2) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
