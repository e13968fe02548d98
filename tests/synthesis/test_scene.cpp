// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/geometry.hpp"
#include "geo/rasterize.hpp"
#include "synthesis/scene.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace {

constexpr std::array kRegions{plat::Region::Suburb, plat::Region::EuropeanTown, plat::Region::DenseTown,
                              plat::Region::Village, plat::Region::DryTown};

/// How many outlines cover each pixel's centre; each is drawn in its own bounding box only.
plat::Image<int32_t> coverage(const std::vector<plat::Polygon>& polygons, int64_t width, int64_t height) {
  plat::Image<int32_t> count(width, height);
  for (const plat::Polygon& polygon : polygons) {
    const auto box = plat::bounds(polygon);
    const auto col = static_cast<int64_t>(std::floor(box.min_x));
    const auto row = static_cast<int64_t>(std::floor(box.min_y));
    plat::Polygon moved = polygon;
    for (plat::Point& p : moved.exterior) p = {p.x - static_cast<double>(col), p.y - static_cast<double>(row)};
    const std::array<plat::MultiPolygon, 1> one{plat::MultiPolygon{moved}};
    const auto mask =
        plat::rasterize_mask(one, static_cast<int64_t>(box.max_x) - col + 1, static_cast<int64_t>(box.max_y) - row + 1);
    for (int64_t r = std::max<int64_t>(0, -row); r < std::min(mask.height(), height - row); ++r) {
      for (int64_t c = std::max<int64_t>(0, -col); c < std::min(mask.width(), width - col); ++c) {
        count.at(col + c, row + r) += mask.at(c, r);
      }
    }
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scene)

BOOST_AUTO_TEST_CASE(the_same_seed_draws_the_same_scene_and_another_seed_another) {
  const auto a = plat::draw_random_scene(96, 64, 5);
  const auto b = plat::draw_random_scene(96, 64, 5);
  const auto c = plat::draw_random_scene(96, 64, 6);
  BOOST_TEST((a.pixels == b.pixels));
  BOOST_TEST((a.buildings == b.buildings));
  BOOST_TEST((a.pixels != c.pixels));
  BOOST_TEST(a.pixels.width() == 96);
  BOOST_TEST(a.pixels.height() == 64);
  BOOST_TEST(a.pixels.bands() == 3);
}

BOOST_AUTO_TEST_CASE(pixels_are_whole_grey_values) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const auto scene = plat::draw_random_scene(80, 80, seed);
    for (int64_t b = 0; b < 3; ++b) {
      for (const float value : scene.pixels.band(b)) {
        BOOST_REQUIRE(value >= 0);
        BOOST_REQUIRE(value <= 255);
        BOOST_REQUIRE(value == std::round(value));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(outlines_of_buildings_do_not_overlap) {
  for (const auto region : kRegions) {
    for (const double lean : {0.0, 0.15}) {
      plat::SceneStyle style;
      style.region = region;
      style.density = 0.8;
      style.lean = lean;
      const auto scene = plat::draw_scene(384, 384, 21, style);
      BOOST_TEST(scene.buildings.size() > 5);
      const auto count = coverage(scene.buildings, 384, 384);
      int64_t twice = 0;
      int64_t built = 0;
      for (const int32_t n : count.band(0)) {
        twice += n > 1 ? 1 : 0;
        built += n > 0 ? 1 : 0;
      }
      // Two outlines may cross between samples, by slivers that hold no more than a few pixel centres.
      BOOST_TEST(twice <= 3);
      BOOST_TEST(built > 384 * 384 / 20);
    }
  }
}

BOOST_AUTO_TEST_CASE(outlines_lie_on_roofs) {
  plat::SceneStyle style;
  style.region = plat::Region::DenseTown;
  style.density = 0.9;
  style.noise = 0;
  style.blur_px = 0;
  const auto scene = plat::draw_scene(300, 300, 3, style);
  const auto count = coverage(scene.buildings, 300, 300);
  // Edges of the image coincide with outlines: the mean step across one is well above that elsewhere. Outlines moved by
  // two pixels would lose it.
  double on = 0;
  double off = 0;
  int64_t on_count = 0;
  int64_t off_count = 0;
  for (int64_t r = 0; r < 300; ++r) {
    for (int64_t c = 0; c + 1 < 300; ++c) {
      const double step = std::abs(scene.pixels.at(c + 1, r, 1) - scene.pixels.at(c, r, 1));
      if ((count.at(c, r) > 0) != (count.at(c + 1, r) > 0)) {
        on += step;
        ++on_count;
      } else {
        off += step;
        ++off_count;
      }
    }
  }
  BOOST_REQUIRE(on_count > 100);
  BOOST_TEST(on / static_cast<double>(on_count) > 3 * off / static_cast<double>(off_count));
}

BOOST_AUTO_TEST_CASE(every_outline_is_a_simple_area_that_touches_the_image) {
  for (uint64_t seed = 30; seed < 40; ++seed) {
    const auto scene = plat::draw_random_scene(200, 150, seed);
    for (const plat::Polygon& building : scene.buildings) {
      BOOST_TEST(building.exterior.size() >= 4);
      BOOST_TEST(plat::area(building) > 0);
      const auto box = plat::bounds(building);
      BOOST_TEST(box.max_x > 0);
      BOOST_TEST(box.min_x < 200);
      BOOST_TEST(box.max_y > 0);
      BOOST_TEST(box.min_y < 150);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_part_of_the_ground_is_lit_and_a_part_in_shadow_by_strength_of_the_sun) {
  plat::SceneStyle style;
  style.density = 0.8;
  style.sun_elevation_deg = 30;
  const auto sunny = plat::draw_scene(200, 200, 9, style);
  style.sun_strength = 0;
  const auto overcast = plat::draw_scene(200, 200, 9, style);
  const auto dark = [](const plat::DrawnScene& scene) {
    int64_t count = 0;
    for (const float value : scene.pixels.band(1)) count += value < 60 ? 1 : 0;
    return count;
  };
  BOOST_TEST(dark(sunny) > 2 * dark(overcast) + 500);
}

BOOST_AUTO_TEST_CASE(wrong_styles_and_sizes_are_refused) {
  plat::SceneStyle style;
  style.density = 1.5;
  BOOST_CHECK_THROW(plat::draw_scene(10, 10, 1, style), plat::UsageError);
  BOOST_CHECK_THROW(plat::draw_scene(0, 10, 1, {}), plat::UsageError);
  for (uint64_t seed = 0; seed < 500; ++seed) BOOST_CHECK_NO_THROW(plat::random_style(seed).validate());
}

BOOST_AUTO_TEST_SUITE_END()
