// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "synthesis/demo.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <variant>

namespace {

const plat::GdalSession gdal;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(demo)

BOOST_AUTO_TEST_CASE(the_same_options_write_the_same_bytes) {
  const plat::test::TemporaryFolder folder;
  plat::DemoOptions options;
  options.size = 256;
  const auto a = plat::write_demo(folder.file("a/b"), options);
  const auto b = plat::write_demo(folder.file("c"), options);
  BOOST_TEST(a.building_count > 5);
  BOOST_TEST((content(a.scene) == content(b.scene)));
  BOOST_TEST((content(a.buildings) == content(b.buildings)));
  BOOST_TEST(content(a.scene).size() > 10000);
}

BOOST_AUTO_TEST_CASE(footprints_lie_in_the_scene_and_name_their_class) {
  const plat::test::TemporaryFolder folder;
  plat::DemoOptions options;
  options.size = 256;
  const auto files = plat::write_demo(folder.file("demo"), options);
  const auto layer = plat::read_features(files.buildings);
  BOOST_TEST(static_cast<int64_t>(layer.features.size()) == files.building_count);
  const plat::CrsTransform to_utm(layer.crs, plat::Crs::from_text("EPSG:32631"));
  const double side = 256 * options.gsd_m;
  for (const plat::Feature& feature : layer.features) {
    const auto box = plat::bounds(to_utm(feature.geometry));
    // GeoJSON rounds to seven decimals, about a centimetre.
    BOOST_TEST(box.min_x > 500000 - 0.02);
    BOOST_TEST(box.max_x < 500000 + side + 0.02);
    BOOST_TEST(box.max_y < 110000 + 0.02);
    BOOST_TEST(box.min_y > 110000 - side - 0.02);
    const auto* name = feature.find("class");
    BOOST_REQUIRE(name != nullptr);
    BOOST_TEST((*name == plat::AttributeValue(std::string("building"))));
  }
}

BOOST_AUTO_TEST_CASE(a_pair_is_written_with_ids_kinds_and_dates) {
  const plat::test::TemporaryFolder folder;
  plat::DemoOptions options;
  options.size = 400;
  plat::PairOptions changes;
  changes.appear = changes.vanish = changes.grow = changes.shrink = 0.1;
  const auto a = plat::write_demo_pair(folder.file("a/b"), options, changes);
  const auto b = plat::write_demo_pair(folder.file("c"), options, changes);
  for (const auto& [x, y] : {std::pair{a.before, b.before},
                             {a.after, b.after},
                             {a.before_buildings, b.before_buildings},
                             {a.after_buildings, b.after_buildings},
                             {a.changes, b.changes}}) {
    BOOST_TEST((content(x) == content(y)), x);
  }
  BOOST_TEST((content(a.before) != content(a.after)));
  BOOST_TEST(content(a.before).find("2021:07:03 10:15:00") != std::string::npos);
  BOOST_TEST(content(a.after).find("2024:02:11 15:05:00") != std::string::npos);
  BOOST_CHECK_THROW(plat::write_demo_pair(folder.file("c"), options, changes), plat::IoError);

  const auto outlines = [](const std::string& path) {
    std::map<int64_t, plat::MultiPolygon> out;
    for (const plat::Feature& feature : plat::read_features(path).features)
      out[std::get<int64_t>(*feature.find("id"))] = feature.geometry;
    return out;
  };
  const auto before = outlines(a.before_buildings);
  const auto after = outlines(a.after_buildings);
  const auto all = plat::read_features(a.changes).features;
  std::map<std::string, int64_t> counts;
  for (const plat::Feature& change : all) {
    const auto kind = std::get<std::string>(*change.find("kind"));
    ++counts[kind];
    const auto* before_id = std::get_if<int64_t>(change.find("before_id"));
    const auto* after_id = std::get_if<int64_t>(change.find("after_id"));
    BOOST_TEST((before_id == nullptr) == (kind == "appeared"));
    BOOST_TEST((after_id == nullptr) == (kind == "vanished"));
    if (before_id != nullptr) BOOST_TEST(before.contains(*before_id));
    if (after_id != nullptr) BOOST_TEST((after.at(*after_id) == change.geometry));
    if (before_id != nullptr && after_id != nullptr) {
      BOOST_TEST(*before_id == *after_id);
      BOOST_TEST((before.at(*before_id) == after.at(*after_id)) == (kind == "unchanged"));
    }
  }
  for (std::size_t i = 0; i < a.counts.size(); ++i) {
    BOOST_TEST(a.counts[i] > 0);
    BOOST_TEST(counts[plat::name_of(static_cast<plat::DrawnChange>(i))] == a.counts[i]);
  }
  BOOST_TEST(before.size() == all.size() - static_cast<std::size_t>(counts["appeared"]));
  BOOST_TEST(after.size() == all.size() - static_cast<std::size_t>(counts["vanished"]));
}

BOOST_AUTO_TEST_CASE(existing_files_stay_unless_they_may_be_replaced) {
  const plat::test::TemporaryFolder folder;
  plat::DemoOptions options;
  options.size = 64;
  const auto files = plat::write_demo(folder.file("demo"), options);
  const std::string before = content(files.scene);
  options.seed = 2;
  BOOST_CHECK_THROW(plat::write_demo(folder.file("demo"), options), plat::IoError);
  BOOST_TEST((content(files.scene) == before));
  options.overwrite = true;
  plat::write_demo(folder.file("demo"), options);
  BOOST_TEST((content(files.scene) != before));
  options.size = 10;
  BOOST_CHECK_THROW(plat::write_demo(folder.file("demo"), options), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(the_scene_that_ships_is_what_the_program_draws) {
  const plat::test::TemporaryFolder folder;
  const auto drawn = plat::write_demo(folder.file("demo"), {});
  const std::string shipped = std::string(PLAT_SOURCE_DIR) + "/data/scenes/";
  plat::RasterReader a(drawn.scene);
  plat::RasterReader b(shipped + "demo.tif");
  BOOST_REQUIRE((a.grid().window() == b.grid().window()));
  BOOST_TEST((a.grid().world_from_pixel == b.grid().world_from_pixel));
  BOOST_TEST(a.grid().crs.same_as(b.grid().crs));
  const auto fresh = a.read(a.grid().window()).pixels;
  const auto kept = b.read(b.grid().window()).pixels;
  // Another C library rounds sines its own way, which moves an edge here and there by a sample; the picture stays.
  std::size_t different = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i) different += std::abs(fresh.data()[i] - kept.data()[i]) > 1 ? 1 : 0;
  BOOST_TEST(different < fresh.size() / 1000);
  const auto fresh_layer = plat::read_features(drawn.buildings);
  const auto kept_layer = plat::read_features(shipped + "demo_buildings.geojson");
  BOOST_REQUIRE(fresh_layer.features.size() == kept_layer.features.size());
  for (std::size_t i = 0; i < fresh_layer.features.size(); ++i) {
    const auto x = plat::bounds(fresh_layer.features[i].geometry);
    const auto y = plat::bounds(kept_layer.features[i].geometry);
    BOOST_TEST(std::max({std::abs(x.min_x - y.min_x), std::abs(x.min_y - y.min_y), std::abs(x.max_x - y.max_x),
                         std::abs(x.max_y - y.max_y)}) < 1e-6);
  }
}

BOOST_AUTO_TEST_SUITE_END()
