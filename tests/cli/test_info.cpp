// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "synthesis/pair.hpp"
#include "tests/support/test_data.hpp"

#include <CLI/CLI.hpp>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Session {
  plat::GdalSession gdal;
};

/// What `plat info` with these arguments prints on stdout.
std::string info(std::vector<std::string> arguments) {
  CLI::App program("plat");
  plat::cli::Context context;
  plat::cli::add_info(program, context);
  arguments.insert(arguments.begin(), "info");
  // CLI11 takes arguments last first.
  std::reverse(arguments.begin(), arguments.end());
  program.parse(arguments);
  std::ostringstream out;
  std::streambuf* before = std::cout.rdbuf(out.rdbuf());
  try {
    context.action();
  } catch (...) {
    std::cout.rdbuf(before);
    throw;
  }
  std::cout.rdbuf(before);
  return out.str();
}

nlohmann::json info_json(const std::string& path) { return nlohmann::json::parse(info({path, "--json"})); }

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(info_command)

BOOST_AUTO_TEST_CASE(a_raster_is_described) {
  const plat::test::TemporaryFolder folder;
  plat::RasterWriteOptions options;
  options.nodata = 0;
  options.band_names = {"red", "green", "blue"};
  const plat::Grid grid{40, 30, {500'000, 0.5, 0, 3'000'000, 0, -0.5}, plat::Crs::from_text("EPSG:32645")};
  plat::write_raster(folder.file("scene.tif"), plat::Image<uint16_t>(40, 30, 3), grid, options);
  const std::string expected = folder.file("scene.tif") +
                               "\n"
                               "  format        GTiff, DEFLATE, blocks of 256 x 256, 0 overviews\n"
                               "  size          40 x 30 pixels, UInt16\n"
                               "  band 1        red \"red\", nodata 0\n"
                               "  band 2        green \"green\", nodata 0\n"
                               "  band 3        blue \"blue\", nodata 0\n"
                               "  mask          none\n"
                               "  CRS           EPSG:32645\n"
                               "  pixel         0.5002 m on the ground\n"
                               "  extent        500000, 2999985, 500020, 3000000\n"
                               "  in WGS 84     87, 27.1223342, 87.0002018, 27.1224696\n";
  BOOST_TEST(info({folder.file("scene.tif")}) == expected);
  const auto json = info_json(folder.file("scene.tif"));
  BOOST_TEST(json["kind"] == "raster");
  BOOST_TEST(json["width"] == 40);
  BOOST_TEST(json["bands"][1]["role"] == "green");
  BOOST_TEST(json["bands"][1]["nodata"] == 0);
  BOOST_TEST(json["crs"] == "EPSG:32645");
  BOOST_TEST(json["extent"][2] == 500'020);
  BOOST_TEST(json["ground_sample_distance_m"].get<double>() == 0.5002, boost::test_tools::tolerance(1e-4));
  BOOST_TEST(json["warnings"].empty());
}

BOOST_AUTO_TEST_CASE(what_a_user_must_know_is_said) {
  const plat::test::TemporaryFolder folder;
  plat::write_raster(folder.file("plain.tif"), plat::Image<uint8_t>(4, 4), {4, 4, {0, 1, 0, 0, 0, -1}, {}});
  BOOST_TEST(info({folder.file("plain.tif")}).find("note          no georeferencing") != std::string::npos);
  plat::write_raster(folder.file("nocrs.tif"), plat::Image<uint8_t>(4, 4), {4, 4, {7, 1, 0, 0, 0, -1}, {}});
  BOOST_TEST(info({folder.file("nocrs.tif")}).find("note          no CRS: pass --assign-crs EPSG:xxxx") !=
             std::string::npos);
  BOOST_TEST(info_json(folder.file("nocrs.tif"))["crs"].is_null());
}

BOOST_AUTO_TEST_CASE(two_scenes_are_laid_on_one_another) {
  const plat::test::TemporaryFolder folder;
  plat::PairOptions options;
  options.shift_px = {3, -2};
  const plat::DrawnPair pair = plat::draw_pair(320, 320, 4, plat::SceneStyle{}, options);
  const plat::Grid grid{320, 320, {500000, 0.3, 0, 100000, 0, -0.3}, plat::Crs::from_text("EPSG:32631")};
  plat::RasterWriteOptions writing;
  writing.taken = "2021:07:03 10:15:00";
  plat::write_raster(folder.file("before.tif"), pair.before, grid, writing);
  writing.taken = "2024:02:11 15:05:00";
  plat::write_raster(folder.file("after.tif"), pair.after, grid, writing);
  const auto json = nlohmann::json::parse(info({folder.file("before.tif"), folder.file("after.tif"), "--json"}));
  BOOST_TEST(json["kind"] == "pair");
  BOOST_TEST(json["width"] == 320);
  BOOST_TEST(json["before_taken"] == "2021-07-03T10:15:00");
  BOOST_TEST(json["shift"]["kind"] == "translation");
  BOOST_TEST(std::abs(json["shift"]["dx_px"].get<double>() - 3) < 0.15);
  BOOST_TEST(std::abs(json["shift"]["dy_px"].get<double>() + 2) < 0.15);
  const std::string text = info({folder.file("before.tif"), folder.file("after.tif")});
  BOOST_TEST(text.find("shift of ") != std::string::npos);
  BOOST_TEST(text.find("2021-07-03T10:15:00 and 2024-02-11T15:05:00") != std::string::npos);
  BOOST_CHECK_THROW(info({folder.file("before.tif"), folder.file("before.tif")}), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(a_vector_file_is_described) {
  const plat::test::TemporaryFolder folder;
  {
    plat::FeatureWriter writer(folder.file("roofs.gpkg"), plat::Crs::from_text("EPSG:32645"),
                               {{"id", plat::FieldType::Integer}, {"class", plat::FieldType::Text}});
    writer.write({{{{{500'000, 3'000'000}, {500'010, 3'000'000}, {500'010, 3'000'010}}, {}}}, {}});
    writer.close();
  }
  const std::string text = info({folder.file("roofs.gpkg")});
  BOOST_TEST(
      text.find("  layer         roofs: 1 feature, Multi Polygon\n  CRS           EPSG:32645\n") != std::string::npos,
      text);
  BOOST_TEST(text.find("  fields        id, class\n") != std::string::npos, text);
  const auto json = info_json(folder.file("roofs.gpkg"));
  BOOST_TEST(json["kind"] == "vector");
  BOOST_TEST(json["layers"][0]["extent"][0] == 500'000);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_an_error) {
  BOOST_CHECK_EXCEPTION(info({"roads.tif"}), plat::IoError, [](const auto& error) {
    return std::string(error.what()) == "roads.tif: no such file. Check the path";
  });
  BOOST_CHECK_THROW(info({}), CLI::ParseError);
}

BOOST_AUTO_TEST_CASE(every_odd_file_is_described_or_refused, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*data / "odd")) {
    if (!entry.is_regular_file()) continue;
    BOOST_TEST_CONTEXT(entry.path().filename().string()) {
      try {
        const auto json = info_json(entry.path().string());
        BOOST_TEST(json.contains("kind"));
      } catch (const plat::IoError& error) {
        BOOST_TEST_MESSAGE(error.what());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_fill_value_that_is_not_declared_is_noted) {
  const plat::test::TemporaryFolder folder;
  plat::Image<float> pixels(60, 40);
  for (int64_t row = 0; row < 40; ++row) {
    for (int64_t col = 0; col < 60; ++col) {
      pixels.at(col, row) = row < 10 ? -9999.0F : static_cast<float>(200 + col * 17 + row);
    }
  }
  plat::RasterWriteOptions options;
  const plat::Grid grid{60, 40, {500'000, 1, 0, 3'000'000, 0, -1}, plat::Crs::from_text("EPSG:32645")};
  plat::write_raster(folder.file("fill.tif"), pixels, grid, options);
  const auto warnings = info_json(folder.file("fill.tif"))["warnings"];
  BOOST_TEST_REQUIRE(warnings.size() == 1U);
  BOOST_TEST(warnings[0].get<std::string>().find("holds -9999 in 25 %") != std::string::npos);
  options.nodata = -9999;
  plat::write_raster(folder.file("declared.tif"), pixels, grid, options);
  BOOST_TEST(info_json(folder.file("declared.tif"))["warnings"].empty());
}

BOOST_AUTO_TEST_SUITE_END()
