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

BOOST_AUTO_TEST_SUITE(segment_failures)

BOOST_AUTO_TEST_CASE(prompts_that_cannot_be_answered_are_named_and_the_others_answered) {
  const World world(200, 200);
  auto scene = dark_scene(200, 200);
  paint(scene, {50, 50, 10, 10});
  paint(scene, {100, 100, 50, 50}, 0);
  write_scene(world.scene_path(), scene, world.grid, 0);
  PromptLayer layer;
  layer.prompts = {point_prompt(1, place(55, 55)),
                   point_prompt(2, place(-5, 10)),
                   point_prompt(3, place(120, 120)),
                   {int64_t{4}, {{place(55, 55), false}}, {}},
                   {int64_t{5}, {}, box_round({300, 20, 10, 10})},
                   {int64_t{6}, {}, box_round({105, 105, 20, 20})},
                   // Nothing in this box is bright.
                   {int64_t{7}, {}, box_round({10, 10, 20, 20})}};
  try {
    run(world, layer, RegionSegmenter());
    BOOST_ERROR("no PartialSegmentError");
  } catch (const plat::PartialSegmentError& error) {
    BOOST_TEST((error.code() == plat::ExitCode::Partial));
    const auto& failures = error.summary().failures;
    BOOST_REQUIRE(failures.size() == 6U);
    const std::map<std::string, std::string> words = {{"2", "outside"}, {"3", "nodata"}, {"4", "no point of an object"},
                                                      {"5", "outside"}, {"6", "nodata"}, {"7", "nothing"}};
    for (const auto& failure : failures) {
      BOOST_TEST(failure.reason.find(words.at(failure.id)) != std::string::npos, failure.id << " " << failure.reason);
    }
    BOOST_TEST(std::string(error.what()).find("6 of 7 prompts failed") != std::string::npos, error.what());
  }
  BOOST_TEST(plat::read_features(world.file("out.gpkg")).features.size() == 1U);

  layer.prompts = {layer.prompts[1], layer.prompts[2]};
  BOOST_CHECK_THROW(run(world, layer, RegionSegmenter(), exact(), "none.gpkg"), plat::DataError);
  BOOST_CHECK_THROW(run(world, {}, RegionSegmenter(), exact(), "none.gpkg"), plat::DataError);
  BOOST_TEST(!std::filesystem::exists(world.file("none.gpkg")));
}

BOOST_AUTO_TEST_CASE(a_tile_that_fails_takes_its_prompts_with_it_only) {
  const World world;
  RegionSegmenter model;
  std::atomic<int> calls{0};
  model.before = [&calls](const plat::Image<float>&) {
    // Twice in a row: with one thread that is one tile and its second try.
    if (++calls <= 2) throw std::runtime_error("cannot look at this");
  };
  try {
    run(world, world.points(), model);
    BOOST_ERROR("no PartialSegmentError");
  } catch (const plat::PartialSegmentError& error) {
    const auto& summary = error.summary();
    BOOST_TEST(!summary.failures.empty());
    BOOST_TEST(summary.failures.size() < world.drawn.size() / 4);
    BOOST_TEST(summary.failures[0].reason.find("cannot look at this") != std::string::npos);
    BOOST_TEST(summary.objects + static_cast<int64_t>(summary.failures.size()) == summary.prompts);
  }
}

BOOST_AUTO_TEST_CASE(a_stop_request_leaves_nothing) {
  const World world;
  RegionSegmenter model;
  std::atomic<int> calls{0};
  model.before = [&calls](const plat::Image<float>&) {
    if (++calls == 5) plat::request_cancel();
  };
  BOOST_CHECK_THROW(run(world, world.points(), model, exact(2)), plat::Cancelled);
  plat::reset_cancel();
  BOOST_TEST((world.files() == std::set<std::string>{"scene.tif"}));
}

BOOST_AUTO_TEST_CASE(scenes_without_a_crs_take_prompts_in_their_own_frame) {
  const World world(120, 100);
  auto scene = dark_scene(120, 100);
  paint(scene, {30, 20, 25, 15});
  write_scene(world.scene_path(), scene, {120, 100, {}, {}});
  PromptLayer layer;
  layer.prompts = {point_prompt(1, {40, -30})};
  run(world, layer, RegionSegmenter());
  const auto features = plat::read_features(world.file("out.gpkg")).features;
  BOOST_REQUIRE(features.size() == 1U);
  const plat::Bounds box = plat::bounds(features[0].geometry);
  BOOST_TEST(box.min_x == 30);
  BOOST_TEST(box.max_y == -20);
  BOOST_CHECK_THROW(run(world, layer, RegionSegmenter(), exact(), "out.geojson"), plat::DataError);
  layer.crs = plat::Crs::wgs84();
  BOOST_CHECK_THROW(run(world, layer, RegionSegmenter()), plat::DataError);
}

BOOST_AUTO_TEST_CASE(too_little_memory_says_what_would_do) {
  const World world;
  RegionSegmenter model;
  model.memory = 500'000'000;
  SegmentOptions options = exact();
  options.ram_bytes = 300'000'000;
  try {
    run(world, world.points(), model, options);
    BOOST_ERROR("no UsageError");
  } catch (const plat::UsageError& error) {
    BOOST_TEST(std::string(error.what()).find("--ram") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()
