// SPDX-License-Identifier: Apache-2.0
#include "postprocess/vectorize.hpp"

#include "tests/postprocess/scenes.hpp"
#include "tests/support/ascii_scene.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace {

using plat::Image;
using plat::Point;
using plat::Ring;
using plat::test::ascii_scene;

void check_ring(const Ring& ring, bool exterior) {
  BOOST_TEST_REQUIRE(ring.size() >= 4);
  BOOST_TEST((plat::test::twice_area(ring) > 0) == exterior);
  std::set<std::pair<double, double>> corners;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    if ((a.x == b.x) == (a.y == b.y)) BOOST_FAIL("not a pixel outline");
    if (!corners.emplace(a.x, a.y).second) BOOST_FAIL("a ring touches itself");
  }
}

bool is_turn(const Ring& ring, std::size_t i) {
  const Point& a = ring[(i + ring.size() - 1) % ring.size()];
  const Point& c = ring[(i + 1) % ring.size()];
  return a.x != c.x && a.y != c.y;
}

// How many different labels meet at a pixel corner.
std::size_t labels_around(const Image<int32_t>& labels, const Point& p) {
  std::set<int32_t> found;
  for (const double dr : {-0.5, 0.5}) {
    for (const double dc : {-0.5, 0.5}) {
      const auto c = static_cast<int64_t>(std::floor(p.x + dc));
      const auto r = static_cast<int64_t>(std::floor(p.y + dr));
      found.insert(c < 0 || r < 0 || c >= labels.width() || r >= labels.height() ? 0 : labels.at(c, r));
    }
  }
  return found.size();
}

void check_outlines(const Image<int32_t>& labels, int64_t col = 0, int64_t row = 0) {
  const auto outlines = plat::vectorize(labels, col, row);
  Image<int32_t> drawn(labels.width(), labels.height());
  std::map<int32_t, double> pixels;
  for (const int32_t label : std::span(labels.data(), labels.size())) {
    if (label != 0) ++pixels[label];
  }
  BOOST_TEST(outlines.size() == pixels.size());
  for (auto [label, polygons] : outlines) {
    double area = 0;
    for (plat::Polygon& polygon : polygons) {
      check_ring(polygon.exterior, true);
      for (const Ring& hole : polygon.holes) check_ring(hole, false);
      area += plat::test::polygon_area(polygon);
      for (Point& p : polygon.exterior) p = {p.x - static_cast<double>(col), p.y - static_cast<double>(row)};
      for (Ring& hole : polygon.holes) {
        for (Point& p : hole) p = {p.x - static_cast<double>(col), p.y - static_cast<double>(row)};
      }
    }
    BOOST_TEST(area == pixels[label]);
    plat::test::draw(drawn, polygons, label);
  }
  BOOST_TEST((drawn == labels));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(vectorize)

BOOST_AUTO_TEST_CASE(one_pixel_is_a_square_that_starts_at_its_upper_left_corner) {
  const auto outlines = plat::vectorize(ascii_scene("...\n.#.\n..."), 10, 20);
  BOOST_TEST_REQUIRE(outlines.size() == 1);
  BOOST_TEST_REQUIRE(outlines.at(1).size() == 1);
  BOOST_TEST((outlines.at(1)[0].exterior == Ring{{11, 21}, {12, 21}, {12, 22}, {11, 22}}));
}

BOOST_AUTO_TEST_CASE(holes_belong_to_the_part_around_them) {
  const auto scene = ascii_scene(R"(
#######
#.....#
#.###.#
#.#.#.#
#.###.#
#.....#
#######)");
  const auto outlines = plat::vectorize(scene);
  BOOST_TEST_REQUIRE(outlines.at(1).size() == 2);
  BOOST_TEST(outlines.at(1)[0].holes.size() == 1);
  BOOST_TEST(plat::test::polygon_area(outlines.at(1)[0]) == 24);
  BOOST_TEST(outlines.at(1)[1].holes.size() == 1);
  BOOST_TEST(plat::test::polygon_area(outlines.at(1)[1]) == 8);
}

BOOST_AUTO_TEST_CASE(parts_that_touch_at_a_corner_are_separate) {
  BOOST_TEST(plat::vectorize(ascii_scene("#.\n.#")).at(1).size() == 2);
  BOOST_TEST(plat::vectorize(ascii_scene("#.#\n.#.\n#.#")).at(1).size() == 5);
}

BOOST_AUTO_TEST_CASE(a_part_that_touches_itself_at_a_corner_gets_a_hole_there) {
  const auto outlines = plat::vectorize(ascii_scene("##.\n#.#\n###"));
  BOOST_TEST_REQUIRE(outlines.at(1).size() == 1);
  BOOST_TEST(outlines.at(1)[0].holes.size() == 1);
  BOOST_TEST(plat::test::polygon_area(outlines.at(1)[0]) == 7);
}

BOOST_AUTO_TEST_CASE(drawing_the_outlines_gives_the_labels_back) {
  check_outlines(Image<int32_t>(0, 0));
  check_outlines(Image<int32_t>(5, 3));
  check_outlines(Image<int32_t>(4, 4, 1, 9));
  unsigned seed = 0;
  for (const auto& [width, height] : {std::array<int64_t, 2>{1, 1}, {1, 17}, {17, 1}, {40, 30}, {33, 57}}) {
    for (const int32_t labels : {1, 2, 5}) {
      for (const double density : {0.2, 0.5, 0.8, 1.0}) {
        BOOST_TEST_CONTEXT(width << "x" << height << " labels " << labels << " density " << density << " seed "
                                 << seed) {
          check_outlines(plat::test::random_labels(width, height, labels, density, ++seed), 100, 2000);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(labels_that_touch_share_their_border) {
  // Every unit edge between two labels must lie on both outlines, every other one on exactly one; a vertex of one outline
  // that lies on another one must be a vertex there too, and every vertex is a turn or a meeting of three.
  const auto labels = plat::test::random_labels(30, 30, 3, 0.9, 77);
  std::map<std::array<double, 4>, int> edges;
  std::map<std::pair<double, double>, int> vertices, passages;
  const auto outlines = plat::vectorize(labels);
  for (const auto& [label, polygons] : outlines) {
    for (const plat::Polygon& polygon : polygons) {
      std::vector<Ring> rings = polygon.holes;
      rings.push_back(polygon.exterior);
      for (const Ring& ring : rings) {
        for (std::size_t i = 0; i < ring.size(); ++i) {
          Point p = ring[i];
          const Point& end = ring[(i + 1) % ring.size()];
          const double dx = static_cast<double>((end.x > p.x) - (end.x < p.x));
          const double dy = static_cast<double>((end.y > p.y) - (end.y < p.y));
          if (!is_turn(ring, i)) BOOST_TEST(labels_around(labels, p) >= 3);
          ++vertices[{p.x, p.y}];
          for (; p != end; p = {p.x + dx, p.y + dy}) {
            ++passages[{p.x, p.y}];
            ++edges[{std::min(p.x, p.x + dx), std::min(p.y, p.y + dy), std::max(p.x, p.x + dx),
                     std::max(p.y, p.y + dy)}];
          }
        }
      }
    }
  }
  for (const auto& [vertex, count] : vertices) BOOST_TEST(passages[vertex] == count);
  const auto at = [&](int64_t c, int64_t r) { return c < 0 || r < 0 || c >= 30 || r >= 30 ? 0 : labels.at(c, r); };
  for (const auto& [edge, count] : edges) {
    const auto c = static_cast<int64_t>(edge[0]);
    const auto r = static_cast<int64_t>(edge[1]);
    const bool vertical = edge[0] == edge[2];
    const int32_t a = at(c, r);
    const int32_t b = vertical ? at(c - 1, r) : at(c, r - 1);
    BOOST_TEST(count == (a != 0) + (b != 0));
    BOOST_TEST(a != b);
  }
}

BOOST_AUTO_TEST_SUITE_END()
