// SPDX-License-Identifier: Apache-2.0
#include "change/object_store.hpp"

#include "core/error.hpp"
#include "tests/change/towns.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

BOOST_AUTO_TEST_SUITE(object_store)

BOOST_AUTO_TEST_CASE(gives_back_what_was_added) {
  std::mt19937 random(7);
  plat::ObjectStore store;
  std::vector<plat::MultiPolygon> added;
  for (int i = 0; i < 50; ++i) {
    plat::MultiPolygon house = plat::test::random_house(random, 4e5 + 20 * i, 5e6);
    for (plat::Polygon& part : house) part = plat::oriented(part);
    BOOST_TEST(store.add(house, {100 + i, i % 4, 0.5F, 0.25F, 0.75F}) == i);
    added.push_back(house);
  }
  BOOST_TEST(store.size() == 50);
  for (int64_t i = 0; i < store.size(); ++i) {
    const plat::MultiPolygon& house = added[static_cast<std::size_t>(i)];
    BOOST_TEST((store.outline(i) == house));
    BOOST_TEST(store.area(i) == plat::area(house), boost::test_tools::tolerance(1e-9));
    double length = 0;
    for (const plat::Polygon& part : house) length += plat::perimeter(part);
    BOOST_TEST(store.perimeter(i) == length, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(store.bounds(i).min_x == plat::bounds(house).min_x);
    BOOST_TEST(store.bounds(i).max_y == plat::bounds(house).max_y);
    BOOST_TEST(store.facts(i).id == 100 + i);
    BOOST_TEST(store.facts(i).class_index == i % 4);
    BOOST_TEST(store.facts(i).unseen_later == 0.25F);
    BOOST_TEST(store.facts(i).unseen_earlier == 0.75F);
  }
}

BOOST_AUTO_TEST_CASE(orients_rings) {
  plat::Polygon court{{{0, 0}, {0, 9}, {9, 9}, {9, 0}}, {{{1, 1}, {3, 1}, {3, 3}, {1, 3}}}};
  const plat::ObjectStore store = plat::test::store_of({{court}});
  BOOST_TEST(store.area(0) == 77);
  BOOST_TEST((store.outline(0) == plat::MultiPolygon{plat::oriented(court)}));
}

BOOST_AUTO_TEST_CASE(objects_without_area_stay_objects) {
  const plat::ObjectStore store = plat::test::store_of({{}, {{{{0, 0}, {1, 1}}, {}}}, {{{}, {}}}});
  BOOST_TEST(store.size() == 3);
  for (int64_t i = 0; i < 3; ++i) {
    BOOST_TEST(store.area(i) == 0);
    BOOST_TEST(store.bounds(i).empty());
    BOOST_TEST(store.outline(i).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_house_of_six_vertices_costs_about_150_bytes) {
  plat::ObjectStore store;
  store.reserve(1000, 6000);
  const plat::MultiPolygon house = {{{{0, 0}, {9, 0}, {9, 4}, {5, 4}, {5, 9}, {0, 9}}, {}}};
  for (int i = 0; i < 1000; ++i) store.add(house);
  BOOST_TEST(store.bytes() < 150 * 1000);
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_object) {
  plat::ObjectStore store;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_THROW(store.add({{{{0, 0}, {1, nan}, {1, 1}}, {}}}), plat::DataError);
  BOOST_CHECK_THROW(store.add(plat::test::box(0, 0, 1, 1), {0, 0, 1.5F, 0}), plat::DataError);
  BOOST_CHECK_THROW(store.add(plat::test::box(0, 0, 1, 1), {0, 0, 1, -0.1F}), plat::DataError);
  BOOST_CHECK_THROW(store.add(plat::test::box(0, 0, 1, 1), {0, 0, 1, 0, 1.1F}), plat::DataError);
  BOOST_TEST(store.size() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
