// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "pipeline/object_builder.hpp"
#include "postprocess/simplify.hpp"
#include "tests/support/ascii_scene.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <span>

namespace {

const plat::GdalSession gdal;

plat::InstancePatch patch_of(const plat::Image<int32_t>& labels, int64_t col = 0, int64_t row = 0) {
  plat::InstancePatch patch;
  patch.window = {col, row, labels.width(), labels.height()};
  patch.labels = labels;
  patch.count = *std::max_element(labels.data(), labels.data() + labels.size());
  for (int32_t i = 0; i < patch.count; ++i) patch.score.push_back(0.5 + 0.01 * i);
  return patch;
}

plat::Grid utm_grid(double pixel) {
  return {1000, 1000, {500000, pixel, 0, 3000000, 0, -pixel}, plat::Crs::from_text("EPSG:32645")};
}

plat::ObjectBuilderOptions exact() {
  plat::ObjectBuilderOptions options;
  options.simplify_m = 0;
  options.regularize = false;
  return options;
}

/// A filled rectangle turned by an angle, in pixels.
plat::Image<int32_t> turned_rectangle(int64_t size, double half_width, double half_height, double angle_deg) {
  plat::Image<int32_t> image(size, size);
  const double angle = angle_deg * std::numbers::pi / 180;
  for (int64_t r = 0; r < size; ++r) {
    for (int64_t c = 0; c < size; ++c) {
      const double x = static_cast<double>(c) + 0.5 - static_cast<double>(size) / 2;
      const double y = static_cast<double>(r) + 0.5 - static_cast<double>(size) / 2;
      const double along = x * std::cos(angle) + y * std::sin(angle);
      const double across = y * std::cos(angle) - x * std::sin(angle);
      image.at(c, r) = std::abs(along) < half_width && std::abs(across) < half_height ? 1 : 0;
    }
  }
  return image;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(object_builder)

BOOST_AUTO_TEST_CASE(each_object_says_how_it_is_drawn_and_why) {
  const auto text = [](const plat::Image<int32_t>& labels, const plat::ObjectBuilderOptions& options) {
    const std::vector<plat::InstancePatch> patches = {patch_of(labels, 300, 300)};
    return plat::ObjectBuilder(utm_grid(0.3), options).build(patches).at(0).outline_text();
  };
  const plat::Image<int32_t> house = turned_rectangle(60, 20, 12, 30);
  BOOST_TEST(text(house, {}) == "squared");
  BOOST_TEST(text(house, exact()) == "pixels");
  plat::ObjectBuilderOptions simple;
  simple.regularize = false;
  BOOST_TEST(text(house, simple) == "simplified");
}

BOOST_AUTO_TEST_CASE(texture_keeps_its_pixels) {
  // Holes by the ten thousand, which lines cannot follow: drawn at once, and no pixel is lost.
  std::mt19937 random(3);
  plat::Image<int32_t> labels(600, 600, 1, 1);
  for (int32_t& label : std::span(labels.data(), labels.size())) label = random() % 8 == 0 ? 0 : 1;
  const std::vector<plat::InstancePatch> patches = {patch_of(labels, 100, 100)};
  const auto objects = plat::ObjectBuilder(utm_grid(0.3), {}).build(patches);
  BOOST_REQUIRE(objects.size() == 1U);
  BOOST_TEST(objects[0].outline_text() == "pixels (shape)");
  const auto pixels = std::ranges::count(std::span(labels.data(), labels.size()), 1);
  BOOST_TEST(plat::area(objects[0].pixel) == static_cast<double>(pixels));
  BOOST_TEST(objects[0].area_m2 == 0.09 * static_cast<double>(pixels), boost::test_tools::tolerance(2e-3));
}

BOOST_AUTO_TEST_CASE(exact_outlines_keep_area_place_and_score) {
  const auto labels = plat::test::ascii_scene(R"(
.111..222
.1.1..222
.111.....
)");
  const plat::ObjectBuilder builder(utm_grid(2), exact());
  const std::vector<plat::InstancePatch> patches = {patch_of(labels, 10, 20)};
  const auto objects = builder.build(patches);
  BOOST_REQUIRE(objects.size() == 2U);
  BOOST_TEST(objects[0].area_m2 == 8 * 4.0, boost::test_tools::tolerance(2e-3));
  BOOST_TEST(objects[1].area_m2 == 6 * 4.0, boost::test_tools::tolerance(2e-3));
  BOOST_TEST(objects[0].score == 0.5);
  BOOST_TEST(objects[1].score == 0.51);
  BOOST_TEST(objects[0].pixel[0].holes.size() == 1U);
  const plat::Bounds box = plat::bounds(objects[0].world);
  BOOST_TEST(box.min_x == 500000 + 11 * 2);
  BOOST_TEST(box.max_y == 3000000 - 20 * 2);
}

BOOST_AUTO_TEST_CASE(objects_keep_their_order_and_small_ones_go) {
  std::vector<plat::InstancePatch> patches;
  for (int i = 0; i < 200; ++i)
    patches.push_back(patch_of(plat::Image<int32_t>(1 + i % 7, 3, 1, 1), i * 4 % 900, i / 7));
  auto options = exact();
  options.min_area_m2 = 9.5;
  const auto objects = plat::ObjectBuilder(utm_grid(1), options).build(patches);
  std::size_t next = 0;
  for (const auto& patch : patches) {
    if (patch.window.width * 3 < 10) continue;
    BOOST_REQUIRE(next < objects.size());
    BOOST_TEST(plat::bounds(objects[next].pixel).min_x == static_cast<double>(patch.window.col));
    ++next;
  }
  BOOST_TEST(next == objects.size());
}

BOOST_AUTO_TEST_CASE(squared_outlines_have_right_angles_on_the_ground_even_in_degrees) {
  // Pixels of equal degrees at 60 degrees north are half as wide as high on the ground.
  plat::Grid degrees = {4000, 4000, {10, 4e-6, 0, 60, 0, -2e-6}, plat::Crs::wgs84()};
  for (const auto& grid : {utm_grid(0.25), degrees}) {
    const auto labels = turned_rectangle(160, 50, 30, 25);
    plat::ObjectBuilderOptions options;
    const std::vector<plat::InstancePatch> patches = {patch_of(labels, 300, 300)};
    const auto objects = plat::ObjectBuilder(grid, options).build(patches);
    BOOST_REQUIRE(objects.size() == 1U);
    BOOST_REQUIRE(objects[0].world.size() == 1U);
    BOOST_TEST(plat::is_valid(objects[0].world[0]));
    const plat::Ring& ring = objects[0].world[0].exterior;
    BOOST_TEST(ring.size() == 4U);
    const plat::CrsTransform to_utm(grid.crs,
                                    plat::Crs::from_text(grid.crs.is_geographic() ? "EPSG:32632" : "EPSG:32645"));
    for (std::size_t i = 0; i < ring.size(); ++i) {
      const plat::Point a = to_utm(ring[i]);
      const plat::Point b = to_utm(ring[(i + 1) % ring.size()]);
      const plat::Point c = to_utm(ring[(i + 2) % ring.size()]);
      const double dot = (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y);
      const double cosine = dot / std::hypot(b.x - a.x, b.y - a.y) / std::hypot(c.x - b.x, c.y - b.y);
      BOOST_TEST(std::abs(cosine) < 0.02);
    }
  }
}

BOOST_AUTO_TEST_CASE(outlines_stay_valid_in_the_world_and_in_rounded_degrees) {
  // Noise has every way in which rings can touch.
  std::mt19937 random(7);
  std::vector<plat::InstancePatch> patches;
  for (int i = 0; i < 300; ++i) {
    plat::Image<int32_t> labels(12, 12);
    for (std::size_t p = 0; p < labels.size(); ++p) labels.data()[p] = random() % 3 > 0 ? 1 : 0;
    patches.push_back(patch_of(labels, i % 30 * 30, i / 30 * 30));
  }
  plat::Grid mercator = {
      1000, 1000, {9519926.1248, 0.3385, 0, 3202940.7962, 0, -0.3401}, plat::Crs::from_text("EPSG:3857")};
  for (const bool squared : {true, false}) {
    plat::ObjectBuilderOptions options;
    options.regularize = squared;
    const auto objects = plat::ObjectBuilder(mercator, options).build(patches);
    BOOST_TEST(objects.size() == patches.size());
    const plat::CrsTransform to_wgs84(mercator.crs, plat::Crs::wgs84());
    int64_t wrong = 0;
    for (const auto& object : objects) {
      for (plat::Polygon part : object.world) {
        if (!plat::is_valid(part)) ++wrong;
        part = to_wgs84(part);
        const auto round = [](plat::Ring& ring) {
          for (plat::Point& p : ring) p = {std::round(p.x * 1e7), std::round(p.y * 1e7)};
        };
        round(part.exterior);
        for (plat::Ring& hole : part.holes) round(hole);
        if (!plat::is_valid(part)) ++wrong;
      }
    }
    BOOST_TEST(wrong == 0);
  }
}

BOOST_AUTO_TEST_CASE(without_georeferencing_the_assumed_pixel_size_counts) {
  plat::Grid grid = {100, 100, {0, 1, 0, 0, 0, -1}, {}};
  auto options = exact();
  options.assumed_gsd_m = 0.5;
  const std::vector<plat::InstancePatch> patches = {patch_of(plat::Image<int32_t>(10, 8, 1, 1))};
  const auto objects = plat::ObjectBuilder(grid, options).build(patches);
  BOOST_REQUIRE(objects.size() == 1U);
  BOOST_TEST(objects[0].area_m2 == 20.0);
}

BOOST_AUTO_TEST_SUITE_END()
