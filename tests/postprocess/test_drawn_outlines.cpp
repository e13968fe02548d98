// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "postprocess/drawn_outlines.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

using plat::DrawnOutlines;
using plat::MultiPolygon;
using plat::Point;

namespace {

const plat::GdalSession gdal;

MultiPolygon house(double x, double y, double width, double height, double angle) {
  plat::Ring ring;
  for (const auto& [u, v] : {std::pair{0.0, 0.0}, {width, 0.0}, {width, height}, {0.0, height}}) {
    ring.push_back({x + u * std::cos(angle) - v * std::sin(angle), y + u * std::sin(angle) + v * std::cos(angle)});
  }
  return {{ring, {}}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(drawn_outlines)

BOOST_AUTO_TEST_CASE(no_ground_belongs_to_two_objects) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> unit(0, 1);
  DrawnOutlines drawn;
  DrawnOutlines forgetful;
  std::vector<MultiPolygon> all;
  int moved = 0;
  for (int row = 0; row < 40; ++row) {
    for (int col = 0; col < 20; ++col) {
      const MultiPolygon wished = house(col * 22 - 200 + 3 * unit(random), row * 22 + 3 * unit(random), 20, 20,
                                        unit(random) * std::numbers::pi / 8);
      const std::optional<MultiPolygon> apart = drawn.kept_apart(wished);
      const std::optional<MultiPolygon> again = forgetful.kept_apart(wished);
      BOOST_TEST((apart == again));
      moved += apart ? 1 : 0;
      const MultiPolygon& kept = apart ? *apart : wished;
      BOOST_TEST(kept.size() == 1U);
      BOOST_TEST(plat::area(kept) > 200);
      drawn.add(kept);
      forgetful.add(kept);
      all.push_back(kept);
    }
    // As if a region still open reached up on the left.
    const plat::Window open{-200, std::max(0, row - 20) * 22, 100, 440};
    forgetful.forget_above(row * 22 - 20, std::span(&open, 1), 40);
  }
  BOOST_TEST(moved > 100);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) BOOST_TEST(plat::intersection_area(all[i], all[j]) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(outlines_that_only_touch_are_left_as_they_are) {
  DrawnOutlines drawn;
  drawn.add(house(0, 0, 10, 10, 0));
  BOOST_TEST(!drawn.kept_apart(house(10, 0, 10, 10, 0)));
  BOOST_TEST(!drawn.kept_apart(house(10, 10, 10, 10, 0)));
  BOOST_TEST(!drawn.kept_apart(house(300, -500, 10, 10, 0)));
  BOOST_TEST(!drawn.kept_apart({}));
}

BOOST_AUTO_TEST_CASE(an_object_in_anothers_court_stays_and_one_on_its_roof_is_not_erased) {
  MultiPolygon court = house(0, 0, 100, 100, 0);
  court[0].holes.push_back({{40, 40}, {40, 60}, {60, 60}, {60, 40}});
  DrawnOutlines drawn;
  drawn.add(court);
  BOOST_TEST(!drawn.kept_apart(house(45, 45, 10, 10, 0)));
  const std::optional<MultiPolygon> leaning = drawn.kept_apart(house(35, 45, 20, 10, 0));
  BOOST_REQUIRE(leaning.has_value());
  BOOST_TEST(plat::area(*leaning) == 150, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(!drawn.kept_apart(house(5, 5, 10, 10, 0)));
}

BOOST_AUTO_TEST_CASE(of_what_is_cut_in_two_the_larger_part_stays) {
  DrawnOutlines drawn;
  drawn.add(house(60, -10, 10, 120, 0));
  const std::optional<MultiPolygon> cut = drawn.kept_apart(house(0, 0, 100, 100, 0));
  BOOST_REQUIRE(cut.has_value());
  BOOST_TEST(cut->size() == 1U);
  BOOST_TEST(plat::area(*cut) == 6000, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_SUITE_END()
