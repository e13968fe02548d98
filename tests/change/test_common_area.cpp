// SPDX-License-Identifier: Apache-2.0
#include "change/detail/common_area.hpp"

#include "geo/overlay.hpp"
#include "tests/change/towns.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>

namespace {

using plat::test::box;
using plat::test::moved;

double common(const plat::MultiPolygon& a, const plat::MultiPolygon& b) {
  const plat::ObjectStore one = plat::test::store_of({a});
  const plat::ObjectStore other = plat::test::store_of({b});
  plat::detail::CommonArea area;
  return area(one, 0, one.bounds(0), other, 0, other.bounds(0));
}

/// A closed curve with many vertices round the origin.
plat::MultiPolygon blob(int vertices, double radius, int lobes, double depth) {
  plat::Ring ring;
  for (int i = 0; i < vertices; ++i) {
    const double angle = 2 * 3.14159265358979 * i / vertices;
    const double r = radius * (1 + depth * std::sin(lobes * angle));
    ring.push_back({r * std::cos(angle), r * std::sin(angle)});
  }
  return {{ring, {}}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(common_area)

BOOST_AUTO_TEST_CASE(rectangles_are_exact) {
  BOOST_TEST(common(box(0, 0, 4, 4), box(2, 1, 10, 2)) == 4);
  BOOST_TEST(common(box(0, 0, 4, 4), box(0, 0, 4, 4)) == 16);
  BOOST_TEST(common(box(0, 0, 4, 4), box(4, 0, 4, 4)) == 0);
  BOOST_TEST(common(box(0, 0, 4, 4), box(4, 4, 4, 4)) == 0);
  BOOST_TEST(common(box(0, 0, 4, 4), box(1, 1, 2, 2)) == 4);
  BOOST_TEST(common(box(0, 0, 4, 4), {}) == 0);
}

BOOST_AUTO_TEST_CASE(holes_and_parts_count) {
  const plat::MultiPolygon court = {{plat::test::box_ring(0, 0, 10, 10), {plat::test::box_ring(2, 2, 6, 6)}}};
  BOOST_TEST(common(court, box(3, 3, 4, 4)) == 0);
  BOOST_TEST(common(court, box(0, 0, 5, 10)) == 50 - 18);
  BOOST_TEST(common(court, court) == 64);
  const plat::MultiPolygon two = {{plat::test::box_ring(0, 0, 2, 2), {}}, {plat::test::box_ring(8, 8, 4, 4), {}}};
  BOOST_TEST(common(two, box(1, 1, 9, 9)) == 1 + 4);
  BOOST_TEST(common(two, court) == 4 + 4);
}

BOOST_AUTO_TEST_CASE(agrees_with_the_overlay_wherever_the_scene_lies) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(-8, 8);
  for (const double far : {0.0, 5e6}) {
    for (int i = 0; i < 2000; ++i) {
      const plat::MultiPolygon a = plat::test::random_house(random, far, far);
      const plat::MultiPolygon b = plat::test::random_house(random, far + uniform(random), far + uniform(random));
      const double found = common(a, b);
      // Coordinates of millions have steps of 1e-9.
      BOOST_TEST(std::abs(found - plat::intersection_area(a, b)) < (far == 0 ? 1e-10 : 1e-6));
      BOOST_TEST(std::abs(found - common(b, a)) < 1e-9);
    }
  }
}

BOOST_AUTO_TEST_CASE(agrees_for_long_outlines) {
  for (const int vertices : {100, 5000, 50000}) {
    const plat::MultiPolygon a = blob(vertices, 100, 17, 0.3);
    const plat::MultiPolygon b = moved(blob(vertices, 80, 29, 0.4), 30, 10);
    BOOST_TEST(common(a, b) == plat::intersection_area(a, b), boost::test_tools::tolerance(1e-9));
    BOOST_TEST(common(a, a) == plat::area(a), boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(nearly_upright_edges_are_harmless) {
  plat::MultiPolygon slanted = box(0, 0, 4, 4);
  slanted.front().exterior[1].x = std::nextafter(4.0, 5.0);
  slanted.front().exterior[3].x = std::nextafter(0.0, 1.0);
  BOOST_TEST(common(slanted, box(0, 0, 4, 4)) == 16, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(common(slanted, slanted) == 16, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_SUITE_END()
