// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/regularize.hpp"
#include "postprocess/validity.hpp"
#include "postprocess/vectorize.hpp"
#include "tests/postprocess/scenes.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <string>

namespace {

using plat::Image;
using plat::Point;
using plat::Polygon;
using plat::Ring;

Ring turned_ring(const Ring& ring, double degrees, Point middle) {
  Ring out;
  const double c = std::cos(degrees * std::acos(-1.0) / 180);
  const double s = std::sin(degrees * std::acos(-1.0) / 180);
  for (const Point& p : ring) {
    out.push_back({middle.x + c * (p.x - middle.x) - s * (p.y - middle.y),
                   middle.y + s * (p.x - middle.x) + c * (p.y - middle.y)});
  }
  return out;
}

Polygon turned(const Polygon& polygon, double degrees, Point middle) {
  Polygon out{turned_ring(polygon.exterior, degrees, middle), {}};
  for (const Ring& hole : polygon.holes) out.holes.push_back(turned_ring(hole, degrees, middle));
  return out;
}

// The polygon as a mask would show it.
Polygon outline(const Polygon& polygon, int64_t size) {
  Image<int32_t> image(size, size);
  plat::test::draw(image, {polygon}, 1);
  auto parts = plat::vectorize(image).at(1);
  BOOST_TEST_REQUIRE(parts.size() == 1);
  return parts[0];
}

// Largest deviation of a corner from a multiple of 90 degrees.
double worst_corner(const Polygon& polygon) {
  double worst = 0;
  std::vector<Ring> rings = polygon.holes;
  rings.push_back(polygon.exterior);
  for (const Ring& ring : rings) {
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const Point& a = ring[i];
      const Point& b = ring[(i + 1) % ring.size()];
      const Point& c = ring[(i + 2) % ring.size()];
      const double turn = std::atan2(c.y - b.y, c.x - b.x) - std::atan2(b.y - a.y, b.x - a.x);
      worst = std::max(worst, std::abs(std::remainder(turn, std::acos(0.0))));
    }
  }
  return worst * 180 / std::acos(-1.0);
}

struct Shape {
  std::string name;
  Polygon polygon;
};

const std::vector<Shape> kShapes = {
    {"rectangle", {{{30, 40}, {90, 40}, {90, 75}, {30, 75}}, {}}},
    {"L", {{{30, 30}, {90, 30}, {90, 55}, {60, 55}, {60, 90}, {30, 90}}, {}}},
    {"T", {{{25, 30}, {95, 30}, {95, 50}, {70, 50}, {70, 90}, {50, 90}, {50, 50}, {25, 50}}, {}}},
    {"U", {{{30, 30}, {90, 30}, {90, 90}, {70, 90}, {70, 55}, {50, 55}, {50, 90}, {30, 90}}, {}}},
    {"courtyard", {{{25, 25}, {95, 25}, {95, 95}, {25, 95}}, {{{45, 45}, {45, 70}, {75, 70}, {75, 45}}}}},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(regularize)

BOOST_AUTO_TEST_CASE(shapes_at_any_angle_get_their_right_angles_back) {
  for (const Shape& shape : kShapes) {
    for (int degrees = 0; degrees < 180; degrees += 11) {
      const Polygon truth = turned(shape.polygon, degrees, {60, 60});
      const Polygon squared = plat::regularize(outline(truth, 120));
      BOOST_TEST_CONTEXT(shape.name << " turned by " << degrees) {
        BOOST_TEST(plat::is_valid(squared));
        BOOST_TEST(squared.exterior.size() == truth.exterior.size());
        BOOST_TEST(squared.holes.size() == truth.holes.size());
        BOOST_TEST(worst_corner(squared) < 0.01);
        BOOST_TEST(plat::detail::overlap(squared, truth) > 0.95);
        BOOST_TEST(std::abs(plat::area(squared) / plat::area(truth) - 1) < 0.03);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_45_degree_wall_stays) {
  const Polygon truth = turned({{{30, 30}, {90, 30}, {90, 70}, {70, 90}, {30, 90}}, {}}, 20, {60, 60});
  const Polygon squared = plat::regularize(outline(truth, 120));
  BOOST_TEST(squared.exterior.size() == 5);
  BOOST_TEST(plat::detail::overlap(squared, truth) > 0.96);
}

BOOST_AUTO_TEST_CASE(a_round_building_stays_round) {
  for (const double radius : {15.0, 25.0, 45.0}) {
    Polygon circle;
    for (int i = 0; i < 90; ++i) {
      const double angle = i * std::acos(-1.0) / 45;
      circle.exterior.push_back({60 + radius * std::cos(angle), 60 + radius * std::sin(angle)});
    }
    const Polygon squared = plat::regularize(outline(circle, 120));
    BOOST_TEST_CONTEXT("radius " << radius) {
      BOOST_TEST(squared.exterior.size() >= 8);
      BOOST_TEST(plat::detail::overlap(squared, circle) > 0.95);
    }
  }
}

BOOST_AUTO_TEST_CASE(rough_outlines_stay_valid_and_alike) {
  for (unsigned seed = 1; seed < 60; ++seed) {
    const auto bumps = plat::test::random_bumps(90, 90, 14, 16, seed);
    const auto rough = plat::test::random_labels(90, 90, 1, 0.5, seed);
    Image<int32_t> labels(90, 90);
    for (std::size_t i = 0; i < bumps.size(); ++i) {
      labels.data()[i] = bumps[i] + 0.3F * static_cast<float>(rough.data()[i]) * static_cast<float>(seed % 3) > 0.4F;
    }
    for (const auto& [label, polygons] : plat::vectorize(labels)) {
      for (const Polygon& polygon : polygons) {
        for (const double tolerance : {1.0, 2.0, 5.0}) {
          plat::RegularizeOptions options;
          options.tolerance = tolerance;
          const Polygon squared = plat::regularize(polygon, options);
          if (!plat::is_valid(squared)) BOOST_FAIL("not valid: seed " << seed << " tolerance " << tolerance);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(turning_the_input_turns_the_result) {
  for (unsigned seed = 1; seed < 12; ++seed) {
    const auto bumps = plat::test::random_bumps(90, 90, 6, 22, seed);
    Image<int32_t> labels(90, 90);
    for (std::size_t i = 0; i < bumps.size(); ++i) labels.data()[i] = bumps[i] > 0.4F;
    const auto outlines = plat::vectorize(labels);
    for (const Polygon& polygon : outlines.at(1)) {
      const Polygon before = plat::regularize(polygon);
      const Polygon after = plat::regularize(turned(polygon, 33, {40, 50}));
      BOOST_TEST(before.exterior.size() == after.exterior.size());
      BOOST_TEST(plat::detail::overlap(turned(before, 33, {40, 50}), after) > 0.97);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_squared_outline_is_kept) {
  for (const Shape& shape : kShapes) {
    const Polygon once = plat::regularize(outline(turned(shape.polygon, 27, {60, 60}), 120));
    const Polygon twice = plat::regularize(once);
    BOOST_TEST(twice.exterior.size() == once.exterior.size());
    BOOST_TEST(plat::detail::overlap(once, twice) > 0.998);
  }
}

BOOST_AUTO_TEST_CASE(the_world_frame_gives_the_same_shape) {
  const Polygon pixels = outline(turned(kShapes[1].polygon, 40, {60, 60}), 120);
  Polygon world;
  for (const Point& p : pixels.exterior)
    world.exterior.push_back({4'512'345.5 + 0.25 * p.x, 3'210'987.25 - 0.25 * p.y});
  plat::RegularizeOptions options;
  options.tolerance = 0.5;
  const Polygon squared = plat::regularize(world, options);
  BOOST_TEST(squared.exterior.size() == 6);
  BOOST_TEST(worst_corner(squared) < 0.01);
}

BOOST_AUTO_TEST_CASE(options_must_make_sense) {
  BOOST_CHECK_THROW(plat::regularize({}, {0, 0.2, 0.75}), plat::UsageError);
  BOOST_CHECK_THROW(plat::regularize({}, {2, 0, 0.75}), plat::UsageError);
  BOOST_CHECK_THROW(plat::regularize({}, {2, 0.2, 1}), plat::UsageError);
  BOOST_TEST((plat::regularize({}, {}) == Polygon{}));
}

BOOST_AUTO_TEST_SUITE_END()
