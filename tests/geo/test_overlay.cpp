// SPDX-License-Identifier: Apache-2.0
#include "geo/bounds_index.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <vector>

namespace {

const plat::GdalSession gdal;

plat::MultiPolygon box(double x0, double y0, double x1, double y1) {
  return {plat::to_polygon(plat::Bounds{x0, y0, x1, y1})};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(overlay)

BOOST_AUTO_TEST_CASE(common_areas_are_exact) {
  BOOST_TEST(plat::intersection_area(box(0, 0, 4, 4), box(1, 1, 3, 9)) == 6);
  BOOST_TEST(plat::intersection_area(box(0, 0, 4, 4), box(4, 0, 8, 4)) == 0);
  BOOST_TEST(plat::intersection_area(box(0, 0, 4, 4), {}) == 0);
  plat::MultiPolygon two = box(0, 0, 2, 2);
  two.push_back(box(6, 0, 8, 2).front());
  BOOST_TEST(plat::intersection_area(two, box(1, 0, 7, 2)) == 4);
  // Far from the origin the products of coordinates must not swallow the area.
  BOOST_TEST(plat::intersection_area(box(3e6, 5e6, 3e6 + 4, 5e6 + 4), box(3e6 + 1, 5e6, 3e6 + 2, 5e6 + 9)) == 4);
}

BOOST_AUTO_TEST_CASE(bow_ties_become_both_their_halves) {
  const plat::MultiPolygon bow_tie{{{{0, 0}, {2, 2}, {2, 0}, {0, 2}}, {}}};
  BOOST_TEST(!plat::is_valid(bow_tie));
  const auto repaired = plat::make_valid(bow_tie);
  BOOST_TEST(plat::is_valid(repaired));
  BOOST_TEST(plat::area(repaired) == 2);
  const auto fine = box(0, 0, 1, 1);
  BOOST_TEST((plat::make_valid(fine) == fine));
}

BOOST_AUTO_TEST_CASE(objects_are_cut_to_an_area) {
  plat::MultiPolygon ring = box(0, 0, 10, 10);
  ring[0].holes.push_back({{4, 4}, {6, 4}, {6, 6}, {4, 6}});
  const plat::AreaClipper clip(ring);
  BOOST_TEST((clip(box(1, 1, 2, 2)) == box(1, 1, 2, 2)));
  BOOST_TEST(clip(box(20, 1, 22, 2)).empty());
  BOOST_TEST(clip(box(4.5, 4.5, 5.5, 5.5)).empty());
  BOOST_TEST(plat::area(clip(box(3, 3, 5, 5))) == 3);
  BOOST_TEST(plat::area(clip(box(9, 9, 12, 12))) == 1);
}

BOOST_AUTO_TEST_CASE(the_index_finds_what_a_search_of_all_finds) {
  std::mt19937 random(3);
  for (const double spread : {1.0, 100.0, 1e6}) {
    std::uniform_real_distribution<double> place(-spread, spread);
    std::uniform_real_distribution<double> size(0, 5);
    std::vector<plat::Bounds> items(300);
    for (std::size_t i = 1; i < items.size(); ++i) {
      const double x = place(random);
      const double y = place(random);
      items[i] = {x, y, x + size(random), y + size(random)};
    }
    items[7] = {-spread, -spread, spread, spread};
    const plat::BoundsIndex index(items);
    for (int round = 0; round < 100; ++round) {
      const double x = place(random) * 1.2;
      const double y = place(random) * 1.2;
      const plat::Bounds query{x, y, x + size(random), y + size(random)};
      std::vector<int64_t> expected;
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].intersects(query)) expected.push_back(static_cast<int64_t>(i));
      }
      BOOST_TEST(index.find(query) == expected, boost::test_tools::per_element());
    }
  }
  BOOST_TEST(plat::BoundsIndex({}).find({0, 0, 1, 1}).empty());
  const std::vector<plat::Bounds> points(5, plat::Bounds{2, 3, 2, 3});
  BOOST_TEST(plat::BoundsIndex(points).find({2, 3, 4, 4}).size() == 5);
}

BOOST_AUTO_TEST_SUITE_END()
