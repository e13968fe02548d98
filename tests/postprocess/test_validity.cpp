// SPDX-License-Identifier: Apache-2.0
#include "postprocess/detail/predicates.hpp"
#include "postprocess/validity.hpp"
#include "postprocess/vectorize.hpp"
#include "tests/postprocess/scenes.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

namespace {

using plat::Point;
using plat::Polygon;
using plat::Ring;

const Ring kSquare = {{0, 0}, {10, 0}, {10, 10}, {0, 10}};

Ring box(double x, double y, double width, double height) {
  return {{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(validity)

BOOST_AUTO_TEST_CASE(sides_are_exact_where_doubles_alone_are_not) {
  using plat::detail::side_of;
  BOOST_TEST(side_of({0, 0}, {1, 0}, {0, 1}) == 1);
  BOOST_TEST(side_of({0, 0}, {1, 0}, {0, -1}) == -1);
  const double step = std::ldexp(1.0, -53);
  for (int i = 0; i < 64; ++i) {
    for (int k = 0; k < 64; ++k) {
      // On the grid of the smallest steps above 0.5, the line through (12, 12) and (24, 24) is the diagonal.
      const Point p{0.5 + i * 2 * step, 0.5 + k * 2 * step};
      BOOST_TEST(side_of({12, 12}, {24, 24}, p) == (k > i) - (k < i));
    }
  }
}

BOOST_AUTO_TEST_CASE(plain_shapes) {
  BOOST_TEST(plat::is_valid({kSquare, {}}));
  BOOST_TEST(plat::is_valid({Ring(kSquare.rbegin(), kSquare.rend()), {}}));
  BOOST_TEST(plat::is_valid({{{0, 0}, {1, 0}, {0, 1}}, {}}));
  BOOST_TEST(plat::is_valid({kSquare, {box(2, 2, 3, 3), box(6, 6, 2, 2)}}));
}

BOOST_AUTO_TEST_CASE(broken_rings) {
  BOOST_TEST(!plat::is_valid({}));
  BOOST_TEST(!plat::is_valid({{{0, 0}, {1, 0}}, {}}));
  BOOST_TEST(!plat::is_valid({{{0, 0}, {1, 0}, {2, 0}}, {}}));                                  // no area
  BOOST_TEST(!plat::is_valid({{{0, 0}, {10, 10}, {10, 0}, {0, 10}}, {}}));                      // a bow tie
  BOOST_TEST(!plat::is_valid({{{0, 0}, {10, 0}, {10, 10}, {10, 10}, {0, 10}}, {}}));            // a corner twice
  BOOST_TEST(!plat::is_valid({{{0, 0}, {10, 0}, {10, 10}, {10, 15}, {10, 10}, {0, 10}}, {}}));  // a spike
  BOOST_TEST(!plat::is_valid({{{0, 0}, {10, 0}, {10, 10}, {5, 0}, {0, 10}}, {}}));          // a corner on another edge
  BOOST_TEST(!plat::is_valid({{{0, 0}, {5, 5}, {10, 0}, {10, 10}, {5, 5}, {0, 10}}, {}}));  // touches itself
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(!plat::is_valid({{{0, 0}, {10, nan}, {10, 10}}, {}}));
}

BOOST_AUTO_TEST_CASE(holes) {
  BOOST_TEST(!plat::is_valid({kSquare, {box(8, 8, 5, 5)}}));                   // crosses the exterior
  BOOST_TEST(!plat::is_valid({kSquare, {box(20, 20, 5, 5)}}));                 // outside
  BOOST_TEST(!plat::is_valid({kSquare, {box(0, 2, 3, 3)}}));                   // shares a stretch
  BOOST_TEST(!plat::is_valid({kSquare, {box(1, 1, 5, 5), box(4, 4, 3, 3)}}));  // cross each other
  BOOST_TEST(!plat::is_valid({kSquare, {box(1, 1, 8, 8), box(3, 3, 2, 2)}}));  // one in the other
  BOOST_TEST(!plat::is_valid({kSquare, {box(3, 3, 2, 2), box(1, 1, 8, 8)}}));
  BOOST_TEST(!plat::is_valid({kSquare, {kSquare}}));
  BOOST_TEST(plat::is_valid({kSquare, {{{0, 5}, {3, 3}, {3, 6}}}}));            // touches the exterior once
  BOOST_TEST(plat::is_valid({kSquare, {box(2, 2, 2, 2), box(4, 4, 2, 2)}}));    // touch each other once
  BOOST_TEST(!plat::is_valid({kSquare, {{{0, 5}, {5, 3}, {10, 5}, {5, 6}}}}));  // cuts the inside in two
  BOOST_TEST(!plat::is_valid({kSquare, {{{0, 5}, {4, 3}, {5, 5}}, {{5, 5}, {6, 3}, {10, 5}}}}));
  // Three holes around a piece of the inside, each of which touches the next.
  BOOST_TEST(!plat::is_valid(
      {box(0, 0, 20, 20), {{{5, 5}, {15, 5}, {10, 3}}, {{15, 5}, {17, 10}, {10, 12}}, {{10, 12}, {3, 10}, {5, 5}}}}));
}

BOOST_AUTO_TEST_CASE(outlines_of_pixels_are_valid) {
  for (unsigned seed = 1; seed < 30; ++seed) {
    const auto labels = plat::test::random_labels(40, 40, 2, 0.3 + 0.02 * seed, seed);
    for (const auto& [label, polygons] : plat::vectorize(labels)) {
      for (const Polygon& polygon : polygons) BOOST_TEST_REQUIRE(plat::is_valid(polygon));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
