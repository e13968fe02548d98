// SPDX-License-Identifier: Apache-2.0
#include "postprocess/coverage.hpp"
#include "postprocess/detail/overlap.hpp"
#include "postprocess/validity.hpp"
#include "postprocess/vectorize.hpp"
#include "tests/postprocess/scenes.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <map>
#include <random>
#include <set>

namespace {

using plat::Image;
using plat::Point;
using plat::Polygon;
using plat::Ring;

std::vector<Polygon> polygons_of(const Image<int32_t>& labels) {
  std::vector<Polygon> out;
  for (const auto& [label, polygons] : plat::vectorize(labels)) out.insert(out.end(), polygons.begin(), polygons.end());
  return out;
}

std::vector<Polygon> polygons_of(const std::vector<plat::Outline>& outlines) {
  std::vector<Polygon> out;
  for (const plat::Outline& outline : outlines) out.push_back(outline.polygon);
  return out;
}

// Edges that belong to one polygon only, as often as they do: the outline of all of them together.
std::set<std::array<double, 4>> common_outline(const std::vector<Polygon>& polygons) {
  std::map<std::array<double, 4>, int> edges;
  for (const Polygon& polygon : polygons) {
    std::vector<Ring> rings = polygon.holes;
    rings.push_back(polygon.exterior);
    for (const Ring& ring : rings) {
      for (std::size_t i = 0; i < ring.size(); ++i) {
        const Point& a = ring[i];
        const Point& b = ring[(i + 1) % ring.size()];
        const auto reversed = edges.find({b.x, b.y, a.x, a.y});
        if (reversed != edges.end() && reversed->second > 0) {
          --reversed->second;
        } else {
          ++edges[{a.x, a.y, b.x, b.y}];
        }
      }
    }
  }
  std::set<std::array<double, 4>> out;
  for (const auto& [edge, count] : edges) {
    if (count > 0) out.insert(edge);
  }
  return out;
}

// How much of the plane several polygons cover, and how much of it more than once, by points on a fine grid.
struct Cover {
  int once = 0;
  int more = 0;
};

Cover cover(const std::vector<Polygon>& polygons, int64_t size) {
  Cover out;
  constexpr double kStep = 0.25;
  for (double y = 0.1; y < static_cast<double>(size); y += kStep) {
    for (double x = 0.1; x < static_cast<double>(size); x += kStep) {
      int count = 0;
      for (const Polygon& polygon : polygons) {
        bool inside = plat::test::ring_contains(polygon.exterior, x, y);
        for (const Ring& hole : polygon.holes) inside = inside && !plat::test::ring_contains(hole, x, y);
        count += inside;
      }
      out.once += count == 1;
      out.more += count > 1;
    }
  }
  return out;
}

void check(const std::vector<Polygon>& before, const std::vector<Polygon>& after) {
  BOOST_TEST_REQUIRE(after.size() == before.size());
  double sum_before = 0;
  double sum_after = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (!plat::is_valid(after[i])) BOOST_FAIL("polygon " << i << " is not valid");
    sum_before += plat::area(before[i]);
    sum_after += plat::area(after[i]);
  }
  BOOST_TEST(std::abs(sum_after - sum_before) < 0.15 * sum_before);
}

// A row of houses, turned; each gets a label of its own.
Image<int32_t> row_of_houses(double degrees, const std::vector<std::array<double, 4>>& houses, int64_t size) {
  Image<int32_t> image(size, size);
  const double c = std::cos(degrees * std::acos(-1.0) / 180);
  const double s = std::sin(degrees * std::acos(-1.0) / 180);
  const double middle = static_cast<double>(size) / 2;
  int32_t label = 0;
  for (const auto& [left, top, right, bottom] : houses) {
    Polygon polygon;
    for (const auto& [x, y] : {std::pair{left, top}, {right, top}, {right, bottom}, {left, bottom}}) {
      polygon.exterior.push_back(
          {middle + c * (x - middle) - s * (y - middle), middle + s * (x - middle) + c * (y - middle)});
    }
    plat::test::draw(image, {polygon}, ++label);
  }
  return image;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coverage)

BOOST_AUTO_TEST_CASE(row_houses_keep_their_common_walls) {
  for (int degrees = 0; degrees < 90; degrees += 9) {
    const auto labels =
        row_of_houses(degrees, {{20, 40, 50, 70}, {50, 40, 75, 70}, {75, 46, 100, 70}, {50, 70, 75, 90}}, 120);
    const auto before = polygons_of(labels);
    const auto after = polygons_of(plat::regularize_together(before));
    BOOST_TEST_CONTEXT("turned by " << degrees) {
      check(before, after);
      BOOST_TEST(cover(after, 120).more == 0);
      // 4 corners each, and a vertex wherever another house's corner lies on a wall.
      for (const Polygon& polygon : after) BOOST_TEST(polygon.exterior.size() <= 7);
      for (std::size_t i = 0; i < after.size(); ++i) BOOST_TEST(plat::detail::overlap(before[i], after[i]) > 0.93);
      // The first two share a straight facade: the corners along it lie on one line.
      const auto outline = common_outline(after);
      BOOST_TEST(outline.size() <= 16);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_house_in_a_courtyard_fills_it) {
  const auto labels = plat::test::ascii_scene(R"(
....................
..1111111111111111..
..1111111111111111..
..1111111111111111..
..1111222222221111..
..1111222222221111..
..1111222222221111..
..1111222222221111..
..1111222222221111..
..1111111111111111..
..1111111111111111..
..1111111111111111..
....................)");
  const auto after = polygons_of(plat::regularize_together(polygons_of(labels)));
  BOOST_TEST_REQUIRE(after.size() == 2);
  BOOST_TEST(after[0].holes.size() == 1);
  BOOST_TEST(std::abs(plat::area(after[0]) - (16 * 11 - 40)) < 1e-6);
  BOOST_TEST(std::abs(plat::area(after[1]) - 40) < 1e-6);
}

BOOST_AUTO_TEST_CASE(nothing_overlaps_and_no_gap_opens) {
  for (unsigned seed = 1; seed < 25; ++seed) {
    // Smooth regions, each split among the nearest of some points: cells that touch in every way.
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(0, 70);
    std::vector<Point> centres;
    for (int i = 0; i < 9; ++i) centres.push_back({uniform(random), uniform(random)});
    const auto bumps = plat::test::random_bumps(70, 70, 8, 20, seed);
    Image<int32_t> labels(70, 70);
    for (int64_t r = 0; r < 70; ++r) {
      for (int64_t c = 0; c < 70; ++c) {
        if (bumps[static_cast<std::size_t>(r * 70 + c)] < 0.3F) continue;
        double least = 1e9;
        for (std::size_t i = 0; i < centres.size(); ++i) {
          const double distance =
              std::hypot(centres[i].x - static_cast<double>(c), centres[i].y - static_cast<double>(r));
          if (distance >= least) continue;
          least = distance;
          labels.at(c, r) = static_cast<int32_t>(i) + 1;
        }
      }
    }
    const auto before = polygons_of(labels);
    for (const bool square : {false, true}) {
      const auto after = polygons_of(square ? plat::regularize_together(before) : plat::simplify_together(before, 1.3));
      BOOST_TEST_CONTEXT("seed " << seed << (square ? " squared" : " simplified")) {
        check(before, after);
        BOOST_TEST(cover(after, 70).more == 0);
        // What lies between touching polygons is no gap: the areas add up to that inside the common outline.
        double enclosed = 0;
        for (const auto& [ax, ay, bx, by] : common_outline(after)) enclosed += (ax * by - bx * ay) / 2;
        double sum = 0;
        for (const Polygon& polygon : after) sum += plat::area(polygon);
        BOOST_TEST(std::abs(enclosed - sum) < 1e-6);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(noise_of_pixels_survives) {
  for (unsigned seed = 1; seed < 12; ++seed) {
    const auto before = polygons_of(plat::test::random_labels(25, 25, 3, 0.3 + 0.05 * seed, seed));
    for (const Polygon& polygon : polygons_of(plat::regularize_together(before)))
      BOOST_TEST_REQUIRE(plat::is_valid(polygon));
    for (const Polygon& polygon : polygons_of(plat::simplify_together(before, 2)))
      BOOST_TEST_REQUIRE(plat::is_valid(polygon));
  }
}

BOOST_AUTO_TEST_CASE(small_holes_go_unless_something_is_in_them) {
  const auto labels = plat::test::ascii_scene(R"(
1111111111111111
1111111111111111
11.1111111111111
1111111111121111
1111111111111111
1111111111111111
1111111111111111)");
  const auto after = polygons_of(plat::simplify_together(polygons_of(labels), 1.5));
  BOOST_TEST_REQUIRE(after.size() == 2);
  BOOST_TEST(after[0].holes.size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
