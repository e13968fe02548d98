// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/geometry.hpp"
#include "geo/grid.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <random>

namespace {

const plat::Polygon kFrame{{{0, 0}, {10, 0}, {10, 10}, {0, 10}}, {{{2, 2}, {2, 8}, {8, 8}, {8, 2}}}};

}  // namespace

BOOST_AUTO_TEST_SUITE(geometry)

BOOST_AUTO_TEST_CASE(areas_leave_holes_out) {
  BOOST_TEST(plat::area(kFrame) == 64);
  BOOST_TEST(plat::perimeter(kFrame) == 64);
  BOOST_TEST(plat::signed_area(kFrame.exterior) == 100);
  BOOST_TEST(plat::signed_area(kFrame.holes[0]) == -36);
  BOOST_TEST(plat::signed_area({}) == 0);
}

BOOST_AUTO_TEST_CASE(small_areas_far_from_the_origin_keep_their_digits) {
  const double x = 9'527'000.125;
  const double y = 3'200'000.5;
  const plat::Ring ring{{x, y}, {x + 0.25, y}, {x + 0.25, y + 0.25}, {x, y + 0.25}};
  BOOST_TEST(plat::signed_area(ring) == 0.0625);
}

BOOST_AUTO_TEST_CASE(points_in_holes_are_outside) {
  BOOST_TEST(plat::contains(kFrame, {1, 1}));
  BOOST_TEST(!plat::contains(kFrame, {5, 5}));
  BOOST_TEST(!plat::contains(kFrame, {11, 5}));
}

BOOST_AUTO_TEST_CASE(orientation_follows_the_geojson_rule) {
  plat::Polygon turned = kFrame;
  std::reverse(turned.exterior.begin(), turned.exterior.end());
  std::reverse(turned.holes[0].begin(), turned.holes[0].end());
  for (const auto& polygon : {plat::oriented(turned), plat::oriented(kFrame)}) {
    BOOST_TEST(plat::signed_area(polygon.exterior) > 0);
    BOOST_TEST(plat::signed_area(polygon.holes[0]) < 0);
  }
}

BOOST_AUTO_TEST_CASE(bounds_are_empty_until_a_point_is_added) {
  plat::Bounds box;
  BOOST_TEST(box.empty());
  BOOST_TEST(!box.intersects({0, 0, 1, 1}));
  box.add(plat::Point{3, 4});
  BOOST_TEST(!box.empty());
  BOOST_TEST(box.intersects({0, 0, 3, 4}));
  box.add(plat::Bounds{});
  BOOST_TEST(box.max_x == 3);
  const plat::Bounds frame = plat::bounds(plat::MultiPolygon{kFrame, kFrame});
  BOOST_TEST(frame.max_y == 10);
}

BOOST_AUTO_TEST_CASE(an_inverse_transform_brings_points_back) {
  const unsigned seed = 7;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> number(-1, 1);
  for (int i = 0; i < 100; ++i) {
    const plat::Affine affine{5e5 * number(random), number(random), number(random),
                              4e6 * number(random), number(random), number(random)};
    if (std::abs(affine.col_dx * affine.row_dy - affine.row_dx * affine.col_dy) < 0.01) continue;
    const plat::Point pixel{1000 * number(random), 1000 * number(random)};
    plat::Grid grid{10, 10, affine, {}};
    const plat::Polygon back = grid.to_pixel(grid.to_world({{pixel}, {}}));
    // World coordinates of 4e6 carry 1e-9; a transform near singular multiplies it by 100.
    BOOST_TEST(std::abs(back.exterior[0].x - pixel.x) < 1e-6);
    BOOST_TEST(std::abs(back.exterior[0].y - pixel.y) < 1e-6);
  }
  BOOST_CHECK_THROW((plat::Affine{0, 1, 1, 0, 1, 1}.inverse()), plat::DataError);
}

BOOST_AUTO_TEST_CASE(a_part_of_a_grid_lies_where_its_pixels_lie) {
  const plat::Grid grid{100, 50, {500, 2, 0, 900, 0, -2}, {}};
  const plat::Grid part = grid.sub({-3, 10, 7, 8});
  BOOST_TEST(part.width == 7);
  BOOST_TEST(part.world_from_pixel({3, 0}).x == grid.world_from_pixel({0, 10}).x);
  BOOST_TEST(part.world_from_pixel({3, 0}).y == grid.world_from_pixel({0, 10}).y);
  BOOST_TEST(grid.world_bounds().min_y == 800);
  BOOST_TEST(grid.world_bounds().max_x == 700);
  BOOST_TEST(grid.ground_sample_distance_m() == 2, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(the_middle_of_places_on_both_sides_of_the_antimeridian_lies_between_them) {
  const auto east = plat::middle_in_degrees({{179.8, -17}, {-179.6, -16}});
  BOOST_TEST(east.x == -179.9, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(east.y == -16.5);
  BOOST_TEST((plat::middle_in_degrees({{-10, 0}, {30, 2}}) == plat::Point{10, 1}));
}

BOOST_AUTO_TEST_SUITE_END()
