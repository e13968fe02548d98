// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/simplify.hpp"
#include "postprocess/vectorize.hpp"
#include "tests/postprocess/scenes.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>

namespace {

using plat::Image;
using plat::Point;
using plat::Polygon;
using plat::Ring;

Image<int32_t> drawn(const Polygon& polygon, int64_t size) {
  Image<int32_t> image(size, size);
  plat::test::draw(image, {polygon}, 1);
  return image;
}

Ring turned(const Ring& ring, double degrees, Point middle) {
  Ring out;
  const double c = std::cos(degrees * std::acos(-1.0) / 180);
  const double s = std::sin(degrees * std::acos(-1.0) / 180);
  for (const Point& p : ring) {
    out.push_back({middle.x + c * (p.x - middle.x) - s * (p.y - middle.y),
                   middle.y + s * (p.x - middle.x) + c * (p.y - middle.y)});
  }
  return out;
}

double distance_to_ring(const Point& p, const Ring& ring) {
  double least = 1e300;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    const double length2 = (b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y);
    const double t = std::clamp(((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length2, 0.0, 1.0);
    least = std::min(least, std::hypot(p.x - a.x - t * (b.x - a.x), p.y - a.y - t * (b.y - a.y)));
  }
  return least;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(simplify)

BOOST_AUTO_TEST_CASE(a_turned_rectangle_gets_its_four_corners_back) {
  for (int degrees = 0; degrees < 180; degrees += 7) {
    const Ring truth = turned({{20, 30}, {80, 30}, {80, 65}, {20, 65}}, degrees, {50.3, 50.8});
    const auto outlines = plat::vectorize(drawn({truth, {}}, 110));
    const Polygon simple = plat::simplify(outlines.at(1).at(0), 1.2);
    BOOST_TEST_CONTEXT("turned by " << degrees) {
      BOOST_TEST(simple.exterior.size() == 4);
      for (const Point& p : truth) BOOST_TEST(distance_to_ring(p, simple.exterior) < 0.6);
      for (const Point& p : simple.exterior) BOOST_TEST(distance_to_ring(p, truth) < 0.6);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_axis_parallel_outline_is_kept_exactly) {
  const Polygon polygon{{{0, 0}, {30, 0}, {30, 20}, {15, 20}, {15, 10}, {0, 10}},
                        {{{20, 5}, {25, 5}, {25, 10}, {20, 10}}}};
  const Polygon simple = plat::simplify(polygon, 1);
  BOOST_TEST(simple.exterior.size() == 6);
  BOOST_TEST(simple.holes.size() == 1);
  for (const Point& p : polygon.exterior) BOOST_TEST(distance_to_ring(p, simple.exterior) < 1e-9);
  BOOST_TEST(std::abs(plat::area(simple) - plat::area(polygon)) < 1e-9);
}

BOOST_AUTO_TEST_CASE(no_tolerance_changes_nothing) {
  const Polygon polygon{{{0, 0}, {5, 0}, {5, 1}, {10, 1}, {10, 5}, {0, 5}}, {}};
  BOOST_TEST((plat::simplify(polygon, 0) == polygon));
  BOOST_CHECK_THROW(plat::simplify(polygon, -1), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(small_holes_go_and_small_polygons_stay) {
  const Polygon dotted{{{0, 0}, {30, 0}, {30, 30}, {0, 30}}, {{{10, 10}, {10, 11}, {11, 11}, {11, 10}}}};
  BOOST_TEST(plat::simplify(dotted, 2).holes.empty());
  const Polygon pixel{{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, {}};
  BOOST_TEST(plat::area(plat::simplify(pixel, 5)) == 1);
}

BOOST_AUTO_TEST_CASE(outlines_stay_valid_and_alike) {
  for (unsigned seed = 1; seed < 60; ++seed) {
    const auto bumps = plat::test::random_bumps(90, 90, 14, 16, seed);
    const auto rough = plat::test::random_labels(90, 90, 1, 0.5, seed);
    Image<int32_t> labels(90, 90);
    for (std::size_t i = 0; i < bumps.size(); ++i) {
      labels.data()[i] = bumps[i] + 0.3F * static_cast<float>(rough.data()[i]) * static_cast<float>(seed % 3) > 0.4F;
    }
    for (const auto& [label, polygons] : plat::vectorize(labels)) {
      for (const Polygon& polygon : polygons) {
        for (const double tolerance : {0.7, 1.5, 2.5}) {
          const Polygon simple = plat::simplify(polygon, tolerance);
          if (!plat::is_valid(simple)) BOOST_FAIL("not valid: seed " << seed << " tolerance " << tolerance);
          BOOST_TEST(simple.exterior.size() <= polygon.exterior.size());
          const double before = plat::area(polygon);
          if (before < 100 || seed % 3 != 0) continue;  // the rough ones are mostly holes and spikes
          if (std::abs(plat::area(simple) - before) > 0.25 * before) BOOST_FAIL("area changed: seed " << seed);
          if (plat::detail::overlap(simple, polygon) < 0.8)
            BOOST_FAIL("moved: seed " << seed << " tolerance " << tolerance);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_long_wall_is_one_line_like_a_short_one) {
  for (const int64_t length : {50, 400, 3000}) {
    // A stripe three pixels wide at 45 degrees, and one that climbs a pixel in seven: stairs of pixels.
    for (const int64_t run : {1, 7}) {
      plat::Image<int32_t> labels(length, length / run + 4);
      for (int64_t i = 0; i < length; ++i) {
        for (int64_t k = 0; k < 3; ++k) labels.at(i, i / run + k) = 1;
      }
      const auto outline = plat::vectorize(labels).at(1);
      BOOST_TEST_REQUIRE(outline.size() == 1u);
      const plat::Polygon simple = plat::simplify(outline[0], 1.25);
      BOOST_TEST(simple.exterior.size() <= 8u, length << ", " << run << ": " << simple.exterior.size() << " vertices");
      BOOST_TEST(plat::is_valid(simple));
      BOOST_TEST(plat::area(simple) == static_cast<double>(3 * length), boost::test_tools::tolerance(0.06));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
