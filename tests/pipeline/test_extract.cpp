// SPDX-License-Identifier: Apache-2.0
#include "core/cancel.hpp"
#include "core/memory.hpp"
#include "geo/gdal_session.hpp"
#include "tests/pipeline/bright_segmenter.hpp"
#include "tests/pipeline/extract_world.hpp"
#include "tests/support/quiet.hpp"
#include "tiling/tile_grid.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using plat::ExtractSummary;
using plat::Image;
using plat::test::BrightSegmenter;
using plat::test::dark_scene;
using plat::test::exact_options;
using plat::test::file_bytes;
using plat::test::metre_grid;
using plat::test::number;
using plat::test::paint;
using plat::test::write_scene;

namespace {

const plat::GdalSession gdal;

std::set<std::string> files_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

/// The pixel window of an axis-parallel rectangle in the frame of metre_grid.
plat::Window window_of(const plat::Feature& feature) {
  const plat::Bounds box = plat::bounds(feature.geometry);
  return {std::llround(box.min_x - 500000), std::llround(3000000 - box.max_y), std::llround(box.max_x - box.min_x),
          std::llround(box.max_y - box.min_y)};
}

bool mentions(const std::vector<std::string>& texts, const std::string& word) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& t) { return t.find(word) != std::string::npos; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(extract)

BOOST_AUTO_TEST_CASE(every_drawn_rectangle_comes_out_where_it_was_drawn) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(210, 170);
  const auto drawn = plat::test::many_windows(210, 170);
  for (const auto& window : drawn) paint(scene, window);
  write_scene(folder.file("scene.tif"), scene, metre_grid(210, 170));
  const BrightSegmenter model;
  const ExtractSummary summary =
      plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), exact_options(), model);
  const plat::FeatureLayer layer = plat::read_features(folder.file("out.gpkg"));
  BOOST_TEST(layer.crs.same_as(plat::test::utm()));
  BOOST_TEST(summary.objects == static_cast<int64_t>(drawn.size()));
  BOOST_REQUIRE(layer.features.size() == drawn.size());
  double total = 0;
  for (std::size_t i = 0; i < layer.features.size(); ++i) {
    const plat::Feature& feature = layer.features[i];
    const plat::Window window = window_of(feature);
    BOOST_TEST((std::find(drawn.begin(), drawn.end(), window) != drawn.end()));
    BOOST_TEST(number(feature, "id") == static_cast<double>(i + 1));
    BOOST_TEST(number(feature, "score") == 240.0 / 255.0, boost::test_tools::tolerance(1e-3));
    // On the ground, which UTM shows reduced by 0.9996 on its central meridian.
    BOOST_TEST(number(feature, "area_m2") == static_cast<double>(window.pixel_count()),
               boost::test_tools::tolerance(2e-3));
    BOOST_TEST(std::get<std::string>(*feature.find("class")) == "thing");
    BOOST_TEST(std::get<std::string>(*feature.find("model")) == "bright");
    total += number(feature, "area_m2");
  }
  BOOST_TEST(summary.area_m2 == total, boost::test_tools::tolerance(1e-4));
  BOOST_TEST(summary.failed_tiles == 0);
  BOOST_TEST(summary.estimated_bytes > 0);
}

BOOST_AUTO_TEST_CASE(maps_hold_what_the_model_said) {
  const plat::test::TemporaryFolder folder;
  Image<uint8_t> scene(90, 70, 3);
  for (int64_t r = 0; r < 70; ++r) {
    for (int64_t c = 0; c < 90; ++c) scene.at(c, r, 0) = static_cast<uint8_t>((c * 5 + r * 3) % 256);
  }
  write_scene(folder.file("scene.tif"), scene, metre_grid(90, 70));
  auto options = exact_options();
  options.maps = folder.file("maps.tif");
  plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, BrightSegmenter(32, 8));
  plat::RasterOptions bands;
  bands.bands = {"1", "2", "3"};
  plat::RasterReader reader(options.maps, bands);
  const plat::RasterBlock maps = reader.read(reader.grid().window());
  BOOST_TEST((reader.grid().world_from_pixel == metre_grid(90, 70).world_from_pixel));
  BOOST_TEST(reader.info().band_names[1] == "thing boundary");
  int64_t wrong = 0;
  for (int64_t r = 0; r < 70; ++r) {
    for (int64_t c = 0; c < 90; ++c) {
      const double expected = std::round(scene.at(c, r, 0) / 255.0 * 250.0);
      if (std::abs(static_cast<double>(maps.pixels.at(c, r, 0)) - expected) > 1) ++wrong;
      if (maps.pixels.at(c, r, 1) != 0.0F) ++wrong;
    }
  }
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_tile_that_fails_leaves_no_data_and_a_partial_result) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(300, 60);
  paint(scene, {20, 20, 10, 10});
  paint(scene, {280, 20, 10, 10}, 250);
  write_scene(folder.file("scene.tif"), scene, metre_grid(300, 60));
  BrightSegmenter model(64, 0);
  std::atomic<int> tries{0};
  model.before = [&tries](const plat::Image<float>& pixels) {
    if (*std::max_element(pixels.data(), pixels.data() + pixels.size()) < 245) return;
    ++tries;
    throw std::runtime_error("cannot look at this");
  };
  auto options = exact_options(2);
  options.maps = folder.file("maps.tif");
  try {
    plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, model);
    BOOST_ERROR("no PartialExtractError");
  } catch (const plat::PartialExtractError& error) {
    BOOST_TEST((error.code() == plat::ExitCode::Partial));
    BOOST_TEST(error.summary().failed_tiles == 1);
    BOOST_TEST(error.summary().objects == 1);
    BOOST_TEST(std::string(error.what()).find("cannot look at this") != std::string::npos);
  }
  BOOST_TEST(tries == 2);
  const auto layer = plat::read_features(folder.file("out.gpkg"));
  BOOST_REQUIRE(layer.features.size() == 1U);
  BOOST_TEST((window_of(layer.features[0]) == plat::Window{20, 20, 10, 10}));
  plat::RasterOptions first_band;
  first_band.bands = {"1"};
  plat::RasterReader maps(options.maps, first_band);
  const auto valid = maps.read(maps.grid().window()).valid;
  BOOST_TEST(valid.at(25, 25) == 1);
  BOOST_TEST(valid.at(285, 25) == 0);
}

BOOST_AUTO_TEST_CASE(a_run_in_which_everything_fails_leaves_nothing) {
  const plat::test::TemporaryFolder folder;
  write_scene(folder.file("scene.tif"), dark_scene(100, 100), metre_grid(100, 100));
  BrightSegmenter model;
  model.before = [](const plat::Image<float>&) { throw std::runtime_error("no"); };
  auto options = exact_options(2);
  options.maps = folder.file("maps.tif");
  options.preview = folder.file("preview.png");
  BOOST_CHECK_THROW(plat::extract(folder.file("scene.tif"), folder.file("out.geojson"), options, model), plat::IoError);
  BOOST_TEST((files_in(folder.path()) == std::set<std::string>{"scene.tif"}));
}

BOOST_AUTO_TEST_CASE(a_stop_request_leaves_nothing) {
  const plat::test::TemporaryFolder folder;
  write_scene(folder.file("scene.tif"), dark_scene(400, 400), metre_grid(400, 400));
  for (const std::string extension : {".geojson", ".gpkg", ".shp"}) {
    BrightSegmenter model;
    std::atomic<int> calls{0};
    model.before = [&calls](const plat::Image<float>&) {
      if (++calls == 10) plat::request_cancel();
    };
    auto options = exact_options(2);
    options.maps = folder.file("maps.tif");
    BOOST_CHECK_THROW(plat::extract(folder.file("scene.tif"), folder.file("out" + extension), options, model),
                      plat::Cancelled);
    plat::reset_cancel();
    BOOST_TEST((files_in(folder.path()) == std::set<std::string>{"scene.tif"}));
  }
}

BOOST_AUTO_TEST_CASE(outputs_are_checked_before_any_work) {
  const plat::test::TemporaryFolder folder;
  write_scene(folder.file("scene.tif"), dark_scene(50, 50), metre_grid(50, 50));
  BrightSegmenter model;
  model.before = [](const plat::Image<float>&) { BOOST_ERROR("the model was asked"); };
  const std::string scene = folder.file("scene.tif");
  std::ofstream(folder.file("there.gpkg")) << "something";
  BOOST_CHECK_THROW(plat::extract(scene, folder.file("there.gpkg"), exact_options(), model), plat::IoError);
  BOOST_CHECK_THROW(plat::extract(scene, folder.file("out.docx"), exact_options(), model), plat::UsageError);
  BOOST_CHECK_THROW(plat::extract(scene, folder.file("missing/out.gpkg"), exact_options(), model), plat::IoError);
  BOOST_CHECK_THROW(plat::extract(scene, folder.path().string(), exact_options(), model), plat::Error);
  auto options = exact_options();
  options.preview = folder.file("there.gpkg");
  BOOST_CHECK_THROW(plat::extract(scene, folder.file("out.gpkg"), options, model), plat::UsageError);
  options = exact_options();
  options.maps = folder.file("missing/maps.tif");
  BOOST_CHECK_THROW(plat::extract(scene, folder.file("out.gpkg"), options, model), plat::IoError);
  BOOST_TEST(file_bytes(folder.file("there.gpkg")) == "something");
  BOOST_CHECK_THROW(plat::extract(folder.file("none.tif"), folder.file("out.gpkg"), exact_options(), model),
                    plat::IoError);
}

BOOST_AUTO_TEST_CASE(a_dry_run_plans_and_writes_nothing) {
  const plat::test::TemporaryFolder folder;
  write_scene(folder.file("scene.tif"), dark_scene(500, 300), metre_grid(500, 300));
  BrightSegmenter model;
  model.before = [](const plat::Image<float>&) { BOOST_ERROR("the model was asked"); };
  auto options = exact_options(3);
  options.dry_run = true;
  const auto summary = plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, model);
  BOOST_TEST(summary.tiles == plat::TileGrid(500, 300, 64, 16).size());
  BOOST_TEST(summary.gsd_m == 1.0, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(summary.width == 500);
  BOOST_TEST(summary.estimated_bytes > 1'000'000);
  BOOST_TEST((files_in(folder.path()) == std::set<std::string>{"scene.tif"}));
}

BOOST_AUTO_TEST_CASE(memory_limits_the_tiles_at_once_and_says_what_would_do) {
  const plat::test::TemporaryFolder folder;
  write_scene(folder.file("scene.tif"), dark_scene(500, 300), metre_grid(500, 300));
  BrightSegmenter model;
  model.memory = 500'000'000;
  auto options = exact_options(4);
  options.dry_run = true;
  const auto plan = [&] { return plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, model); };
  BOOST_TEST(plan().tiles_in_flight == 8);
  options.ram_bytes = 2'000'000'000;
  const auto fewer = plan();
  BOOST_TEST(fewer.tiles_in_flight < 4);
  BOOST_TEST(fewer.tiles_in_flight >= 1);
  BOOST_TEST(fewer.estimated_bytes <= options.ram_bytes);
  options.ram_bytes = 100'000'000;
  try {
    plan();
    BOOST_ERROR("no UsageError");
  } catch (const plat::UsageError& error) {
    // The amount that the message names must do.
    const std::string text = error.what();
    const auto at = text.find("--ram ");
    BOOST_REQUIRE(at != std::string::npos);
    options.ram_bytes = plat::parse_memory(text.substr(at + 6, text.find(',', at) - at - 6));
    BOOST_CHECK_NO_THROW(plan());
  }
}

BOOST_AUTO_TEST_CASE(nodata_never_becomes_an_object) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(120, 80);
  paint(scene, {10, 10, 20, 20}, 255);
  paint(scene, {60, 10, 20, 20}, 240);
  write_scene(folder.file("scene.tif"), scene, metre_grid(120, 80), 255);
  const auto summary =
      plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), exact_options(), BrightSegmenter());
  BOOST_TEST(summary.objects == 1);
  auto options = exact_options();
  options.overwrite = true;
  options.raster.nodata = 20;
  BOOST_TEST(plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, BrightSegmenter()).objects == 2);
  paint(scene, {0, 0, 120, 80}, 255);
  write_scene(folder.file("empty.tif"), scene, metre_grid(120, 80), 255);
  BOOST_CHECK_THROW(
      plat::extract(folder.file("empty.tif"), folder.file("none.gpkg"), exact_options(), BrightSegmenter()),
      plat::DataError);
  BOOST_TEST(!std::filesystem::exists(folder.file("none.gpkg")));
}

BOOST_AUTO_TEST_CASE(oddities_are_said) {
  const plat::test::TemporaryFolder folder;
  const auto run = [&](const Image<uint8_t>& scene, const plat::Grid& grid, plat::ExtractOptions options,
                       const std::string& output = "out.gpkg") {
    options.overwrite = true;
    write_scene(folder.file("scene.tif"), scene, grid);
    return plat::extract(folder.file("scene.tif"), folder.file(output), options, BrightSegmenter());
  };
  auto scene = dark_scene(200, 150);
  const auto blank = run(scene, metre_grid(200, 150), exact_options());
  BOOST_TEST(blank.objects == 0);
  BOOST_TEST(mentions(blank.warnings, "constant"));
  BOOST_TEST(mentions(blank.warnings, "no object"));

  paint(scene, {50, 50, 20, 20});
  BOOST_TEST(run(scene, metre_grid(200, 150), exact_options()).warnings.empty());

  plat::Grid coarse = metre_grid(200, 150);
  coarse.world_from_pixel.col_dx = 10;
  coarse.world_from_pixel.row_dy = -10;
  const auto far_off = run(scene, coarse, exact_options());
  BOOST_TEST(mentions(far_off.warnings, "resolution"));
  BOOST_TEST(far_off.width == 200);

  const plat::Grid unknown = metre_grid(200, 150, {});
  const auto lost = run(scene, unknown, exact_options());
  BOOST_TEST(mentions(lost.warnings, "no CRS"));
  BOOST_TEST(lost.objects == 1);
  BOOST_CHECK_THROW(run(scene, unknown, exact_options(), "out.geojson"), plat::DataError);
  auto assigned = exact_options();
  assigned.raster.assign_crs = plat::test::utm();
  BOOST_TEST(run(scene, unknown, assigned, "out.geojson").objects == 1);
}

BOOST_AUTO_TEST_CASE(classes_can_be_chosen) {
  const plat::test::TemporaryFolder folder;
  Image<uint8_t> scene(100, 100, 3, 10);
  for (int64_t r = 20; r < 30; ++r) {
    std::fill_n(scene.row(r, 0).begin() + 20, 10, uint8_t{250});
    std::fill_n(scene.row(r, 1).begin() + 60, 15, uint8_t{250});
  }
  write_scene(folder.file("scene.tif"), scene, metre_grid(100, 100));
  BrightSegmenter model;
  model.edit().classes = {{"red thing", {}}, {"green thing", {}}};
  auto options = exact_options();
  options.overwrite = true;
  const auto areas = [&] {
    plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, model);
    std::map<std::string, double> area;
    for (const auto& f : plat::read_features(folder.file("out.gpkg")).features) {
      area[std::get<std::string>(*f.find("class"))] += number(f, "area_m2");
    }
    return area;
  };
  BOOST_TEST(areas().size() == 2U);
  options.classes = {"green thing"};
  const auto green = areas();
  BOOST_REQUIRE(green.size() == 1U);
  BOOST_TEST(green.at("green thing") == 150.0, boost::test_tools::tolerance(2e-3));
  options.classes = {"blue thing"};
  BOOST_CHECK_THROW(areas(), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(small_objects_are_dropped_by_their_area_on_the_ground) {
  const plat::test::TemporaryFolder folder;
  auto scene = dark_scene(100, 100);
  paint(scene, {10, 10, 5, 5});
  paint(scene, {50, 10, 6, 5});
  write_scene(folder.file("scene.tif"), scene, metre_grid(100, 100));
  auto options = exact_options();
  options.min_area_m2 = 27;
  BOOST_TEST(plat::extract(folder.file("scene.tif"), folder.file("out.gpkg"), options, BrightSegmenter()).objects == 1);
}

BOOST_AUTO_TEST_CASE(tiny_scenes_work) {
  const plat::test::TemporaryFolder folder;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {3, 2}}) {
    auto scene = dark_scene(width, height);
    paint(scene, {0, 0, 1, 1});
    write_scene(folder.file("scene.tif"), scene, metre_grid(width, height));
    auto options = exact_options(2);
    options.min_area_m2 = 0;
    options.overwrite = true;
    const auto summary =
        plat::extract(folder.file("scene.tif"), folder.file("out.geojson"), options, BrightSegmenter());
    BOOST_TEST(summary.objects == 1);
    BOOST_TEST(summary.area_m2 == 1.0, boost::test_tools::tolerance(2e-3));
  }
}

BOOST_AUTO_TEST_SUITE_END()
