// SPDX-License-Identifier: Apache-2.0
#include "core/cancel.hpp"
#include "geo/gdal_session.hpp"
#include "tests/pipeline/segment_world.hpp"
#include "tests/support/quiet.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace plat::test;
using plat::PromptLayer;
using plat::SegmentOptions;
using plat::SegmentSummary;
using plat::Window;

namespace {

const plat::GdalSession gdal;

}  // namespace

BOOST_AUTO_TEST_SUITE(segment)

BOOST_AUTO_TEST_CASE(each_point_gives_the_rectangle_that_it_lies_in) {
  const World world;
  const RegionSegmenter model;
  const SegmentSummary summary = run(world, world.points(), model);
  const auto layer = plat::read_features(world.file("out.gpkg"));
  BOOST_TEST(layer.crs.same_as(plat::test::utm()));
  BOOST_REQUIRE(layer.features.size() == world.drawn.size());
  for (std::size_t i = 0; i < layer.features.size(); ++i) {
    const plat::Feature& feature = layer.features[i];
    BOOST_TEST((window_of(feature) == world.drawn[i]), "prompt " << i + 1);
    BOOST_TEST(number(feature, "id") == static_cast<double>(i + 1));
    BOOST_TEST(number(feature, "score") == 0.95);
    BOOST_TEST(number(feature, "stability") == 1.0);
    BOOST_TEST(number(feature, "gsd_m") == 1.0, boost::test_tools::tolerance(1e-3));
    BOOST_TEST(number(feature, "area_m2") == static_cast<double>(world.drawn[i].pixel_count()),
               boost::test_tools::tolerance(2e-3));
    BOOST_TEST(std::get<std::string>(*feature.find("kind")) == "points");
    BOOST_TEST(std::get<std::string>(*feature.find("model")) == "regions");
  }
  BOOST_TEST(summary.objects == summary.prompts);
  BOOST_TEST(summary.failures.empty());
  BOOST_TEST(summary.coarser == 0);
  // Half a tile apart, clamped to the scene.
  BOOST_TEST(summary.tiles <= 10 * 7);
  BOOST_TEST(model.embeds == summary.tiles);
}

BOOST_AUTO_TEST_CASE(each_box_gives_the_rectangle_in_it) {
  const World world;
  PromptLayer boxes;
  for (const Window& window : world.drawn) {
    boxes.prompts.push_back({std::string("b") + std::to_string(boxes.prompts.size()), {}, box_round(window, 1)});
  }
  run(world, boxes, RegionSegmenter());
  const auto layer = plat::read_features(world.file("out.gpkg"));
  BOOST_REQUIRE(layer.features.size() == world.drawn.size());
  for (std::size_t i = 0; i < layer.features.size(); ++i) {
    BOOST_TEST((window_of(layer.features[i]) == world.drawn[i]), "box " << i);
    BOOST_TEST(std::get<std::string>(*layer.features[i].find("id")) == "b" + std::to_string(i));
    BOOST_TEST(std::get<std::string>(*layer.features[i].find("kind")) == "box");
  }
}

BOOST_AUTO_TEST_CASE(bytes_do_not_depend_on_threads_or_the_cache) {
  const World world;
  SegmentOptions options = exact();
  options.simplify_m.reset();
  options.regularize = true;
  for (const std::string extension : {".geojson", ".gpkg", ".fgb"}) {
    run(world, world.points(), RegionSegmenter(), options, "one" + extension);
    const std::string once = file_bytes(world.file("one" + extension));
    BOOST_TEST(once.size() > 1000U);
    for (const int threads : {2, 5}) {
      options.threads = threads;
      options.cache = threads == 5;
      options.cache_folder = world.file("cache");
      run(world, world.points(), RegionSegmenter(), options, "one" + extension);
      BOOST_TEST((file_bytes(world.file("one" + extension)) == once), extension << ", " << threads << " threads");
    }
    options = exact();
    options.simplify_m.reset();
    options.regularize = true;
  }
}

BOOST_AUTO_TEST_CASE(a_second_run_takes_embeddings_from_the_cache) {
  const World world;
  SegmentOptions options = exact(2);
  options.cache = true;
  options.cache_folder = world.file("cache");
  const RegionSegmenter model;
  const SegmentSummary first = run(world, world.points(), model, options);
  const std::string bytes = file_bytes(world.file("out.gpkg"));
  BOOST_TEST(first.embedded_tiles == first.tiles);
  BOOST_TEST(first.cached_tiles == 0);
  const int embeds = model.embeds;
  const SegmentSummary second = run(world, world.points(), model, options);
  BOOST_TEST(model.embeds == embeds);
  BOOST_TEST(second.cached_tiles == second.tiles);
  BOOST_TEST(second.seconds_read == 0);
  BOOST_TEST((file_bytes(world.file("out.gpkg")) == bytes));

  auto dry = options;
  dry.dry_run = true;
  BOOST_TEST(run(world, world.points(), model, dry).cached_tiles == first.tiles);

  // Whatever decides the pixels of a tile belongs to its key.
  dry.raster.bands = {"3", "2", "1"};
  BOOST_TEST(run(world, world.points(), model, dry).cached_tiles == 0);
  dry = options;
  dry.dry_run = true;
  dry.raster.gsd_m = 2;
  BOOST_TEST(run(world, world.points(), model, dry).cached_tiles == 0);
  dry.raster.gsd_m.reset();
  BOOST_TEST(
      plat::segment(world.scene_path(), world.file("x.gpkg"), world.points(), dry, model, "other").cached_tiles == 0);

  // Damaged entries are made again.
  for (const auto& entry : std::filesystem::directory_iterator(options.cache_folder)) {
    std::ofstream(entry.path(), std::ios::binary | std::ios::in).write("damage", 6);
  }
  const SegmentSummary third = run(world, world.points(), model, options);
  BOOST_TEST(third.embedded_tiles == third.tiles);
  BOOST_TEST((file_bytes(world.file("out.gpkg")) == bytes));
  BOOST_TEST(run(world, world.points(), model, options).embedded_tiles == 0);

  // A scene that changed is another scene.
  write_scene(world.scene_path(), dark_scene(300, 220), world.grid);
  BOOST_TEST(run(world, world.points(), model, options).cached_tiles == 0);
}

BOOST_AUTO_TEST_CASE(prompts_in_another_crs_give_the_same_bytes) {
  const World world;
  const plat::CrsTransform to_degrees(plat::test::utm(), plat::Crs::wgs84());
  const auto write = [&](const std::string& name, const std::string& crs, const auto& map) {
    std::ostringstream text;
    text.precision(17);
    text << R"({"type":"FeatureCollection",)";
    if (!crs.empty()) text << R"("crs":{"type":"name","properties":{"name":")" << crs << R"("}},)";
    text << R"("features":[)";
    const PromptLayer points = world.points();
    for (std::size_t i = 0; i < points.prompts.size(); ++i) {
      text << (i > 0 ? ",\n" : "") << R"({"type":"Feature","properties":{"object":)" << i + 1;
      if (i % 3 == 2) {
        text << R"(},"geometry":{"type":"Polygon","coordinates":[[)";
        plat::Ring ring = box_round(world.drawn[i], 1).exterior;
        ring.push_back(ring.front());
        for (std::size_t k = 0; k < ring.size(); ++k) {
          const plat::Point p = map(ring[k]);
          text << (k > 0 ? "," : "") << '[' << p.x << ',' << p.y << ']';
        }
        text << "]]}}";
      } else {
        const plat::Point p = map(points.prompts[i].points[0].place);
        text << R"(,"label":1},"geometry":{"type":"Point","coordinates":[)" << p.x << ',' << p.y << "]}}";
      }
    }
    std::ofstream(world.file(name)) << text.str() << "]}";
    run(world, plat::read_prompts(world.file(name)), RegionSegmenter());
    return file_bytes(world.file("out.gpkg"));
  };
  const std::string own = write("own.geojson", "urn:ogc:def:crs:EPSG::32645", [](plat::Point p) { return p; });
  const std::string degrees = write("degrees.geojson", "", [&](plat::Point p) { return to_degrees(p); });
  BOOST_TEST(plat::read_features(world.file("out.gpkg")).features.size() == world.drawn.size());
  BOOST_TEST((own == degrees));
}

BOOST_AUTO_TEST_CASE(objects_larger_than_a_tile_come_out_whole_at_a_coarser_resolution) {
  const World world(700, 500);
  auto scene = dark_scene(700, 500);
  const Window large{100, 100, 180, 90}, small{400, 300, 12, 20};
  paint(scene, large);
  paint(scene, small);
  write_scene(world.scene_path(), scene, world.grid);
  PromptLayer layer;
  layer.prompts = {
      point_prompt(1, place(110, 110)), point_prompt(2, place(405, 310)), {int64_t{3}, {}, box_round(large)}};
  RegionSegmenter model;
  model.tolerance = 90;
  const SegmentSummary summary = run(world, layer, model);
  BOOST_TEST(summary.coarser == 2);
  const auto features = plat::read_features(world.file("out.gpkg")).features;
  BOOST_REQUIRE(features.size() == 3U);
  BOOST_TEST((window_of(features[1]) == small));
  for (const std::size_t i : {0U, 2U}) {
    const double gsd = number(features[i], "gsd_m");
    BOOST_TEST((gsd > 3.9 && gsd < 8.1));
    const plat::Bounds box = plat::bounds(features[i].geometry);
    BOOST_TEST(std::abs(box.min_x - 500100) <= gsd);
    BOOST_TEST(std::abs(box.max_x - 500280) <= gsd);
    BOOST_TEST(std::abs(box.max_y - 2999900) <= gsd);
    BOOST_TEST(std::abs(box.min_y - 2999810) <= gsd);
  }
}

BOOST_AUTO_TEST_CASE(an_object_as_large_as_the_scene_comes_out) {
  const World world(500, 300);
  auto scene = dark_scene(500, 300);
  paint(scene, {0, 0, 500, 300});
  write_scene(world.scene_path(), scene, world.grid);
  PromptLayer layer;
  layer.prompts = {point_prompt(1, place(250, 150))};
  run(world, layer, RegionSegmenter());
  const auto features = plat::read_features(world.file("out.gpkg")).features;
  BOOST_REQUIRE(features.size() == 1U);
  BOOST_TEST(number(features[0], "area_m2") == 150000, boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_CASE(points_that_are_not_of_the_object_and_several_of_one_work_together) {
  const World world(200, 200);
  auto scene = dark_scene(200, 200);
  paint(scene, {50, 50, 10, 10});
  paint(scene, {70, 50, 10, 10});
  paint(scene, {60, 50, 10, 10}, 150);
  write_scene(world.scene_path(), scene, world.grid);
  PromptLayer layer =
      plat::parse_prompts(std::vector<std::string>{"500055,2999945", "500075,2999945", "500065,2999945,0"}, {},
                          plat::PromptGrouping::OneObject);
  run(world, layer, RegionSegmenter());
  const auto both = plat::read_features(world.file("out.gpkg")).features;
  BOOST_REQUIRE(both.size() == 1U);
  BOOST_TEST(both[0].geometry.size() == 2U);
  BOOST_TEST(number(both[0], "area_m2") == 200, boost::test_tools::tolerance(2e-3));
  // Each on its own; the last point is about the one before it.
  layer = plat::parse_prompts(std::vector<std::string>{"500055,2999945", "500075,2999945", "500065,2999945,0"}, {});
  run(world, layer, RegionSegmenter());
  BOOST_TEST(plat::read_features(world.file("out.gpkg")).features.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
