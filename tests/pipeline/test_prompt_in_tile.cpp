// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_in_tile.hpp"

#include "geo/gdal_session.hpp"
#include "tests/pipeline/segment_world.hpp"
#include "tests/support/quiet.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

using namespace plat::test;
using plat::Image;
using plat::MapPrompt;
using plat::Prompt;
using plat::PromptLayer;
using plat::ScenePrompt;
using plat::Window;

namespace {

const plat::GdalSession gdal;

plat::Polygon rectangle(double left, double top, double right, double bottom) {
  return {{{left, top}, {right, top}, {right, bottom}, {left, bottom}}, {}};
}

double total(const Image<float>& mask) { return std::accumulate(mask.data(), mask.data() + mask.size(), 0.0); }

/// Windows that are not where the objects are: moved, and larger.
std::vector<Window> rough(const std::vector<Window>& windows) {
  std::vector<Window> moved;
  for (const Window& w : windows) moved.push_back({w.col - 1, w.row - 1, w.width + 2, w.height + 2});
  return moved;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prompt_in_tile)

BOOST_AUTO_TEST_CASE(cells_of_a_mask_hold_the_share_that_the_polygon_covers) {
  ScenePrompt prompt;
  prompt.mask = {rectangle(104, 208, 112, 218)};
  const Window tile{100, 200, 64, 32};
  const Prompt placed = plat::prompt_in_tile(prompt, 0, tile);
  BOOST_TEST(placed.mask.width() == 16);
  BOOST_TEST(placed.mask.height() == 8);
  BOOST_TEST(total(placed.mask) == 8 * 10 / 16.0);
  BOOST_TEST(placed.mask.at(1, 2) == 1.0F);
  BOOST_TEST(placed.mask.at(2, 3) == 1.0F);
  BOOST_TEST(placed.mask.at(2, 4) == 0.5F);
  BOOST_TEST(placed.mask.at(0, 2) == 0.0F);
  // The same ground at half the resolution, on the tile with the same corner.
  const Prompt coarse = plat::prompt_in_tile(prompt, 1, {50, 100, 64, 32});
  BOOST_TEST(total(coarse.mask) == 4 * 5 / 16.0);

  const auto frame = plat::frame_of(placed, 64, 32);
  BOOST_REQUIRE(frame.has_value());
  BOOST_TEST(frame->left == 3.5);
  BOOST_TEST(frame->top == 7.5);
  BOOST_TEST(frame->right == 11.5);
  BOOST_TEST(frame->bottom == 19.5);
}

BOOST_AUTO_TEST_CASE(holes_and_all_parts_count_and_what_is_out_of_sight_does_not) {
  ScenePrompt prompt;
  prompt.mask = {rectangle(0, 0, 16, 16), rectangle(40, 40, 48, 48)};
  prompt.mask[0].holes = {rectangle(4, 4, 12, 12).exterior};
  const Window tile{0, 0, 64, 64};
  BOOST_TEST(total(plat::prompt_in_tile(prompt, 0, tile).mask) == (16 * 16 - 8 * 8 + 8 * 8) / 16.0);
  BOOST_TEST(total(plat::prompt_in_tile(prompt, 0, {44, 0, 64, 64}).mask) == 4 * 8 / 16.0);
  BOOST_TEST(plat::prompt_in_tile(prompt, 0, {100, 100, 64, 64}).mask.empty());
  // Sides that are no multiples of a cell.
  const Prompt odd = plat::prompt_in_tile(prompt, 0, {0, 0, 50, 50});
  BOOST_TEST(odd.mask.width() == 13);
  BOOST_TEST(std::abs(total(odd.mask) * 50 * 50 / (13 * 13) - 256) < 20);
}

BOOST_AUTO_TEST_CASE(a_mask_on_nodata_is_told) {
  Image<uint8_t> valid(64, 64, 1, 1);
  for (int64_t r = 0; r < 64; ++r) std::fill_n(valid.row(r).begin(), 32, uint8_t{0});
  ScenePrompt prompt;
  prompt.mask = {rectangle(2, 2, 20, 20)};
  BOOST_TEST(!plat::on_data(plat::prompt_in_tile(prompt, 0, {0, 0, 64, 64}), valid));
  prompt.mask = {rectangle(2, 2, 40, 20)};
  BOOST_TEST(plat::on_data(plat::prompt_in_tile(prompt, 0, {0, 0, 64, 64}), valid));
}

BOOST_AUTO_TEST_CASE(rough_outlines_become_the_objects_in_them) {
  const World world;
  const std::vector<Window> outlines = rough(world.drawn);
  for (const bool with_box : {false, true}) {
    PromptLayer layer;
    for (std::size_t i = 0; i < outlines.size(); ++i) {
      MapPrompt& prompt = layer.prompts.emplace_back();
      prompt.id = static_cast<int64_t>(i) + 1;
      prompt.mask = {box_round(outlines[i])};
      if (with_box) prompt.box = box_round(outlines[i]);
    }
    const auto summary = run(world, layer, RegionSegmenter());
    BOOST_TEST(summary.failures.empty());
    const auto features = plat::read_features(world.file("out.gpkg")).features;
    BOOST_REQUIRE(features.size() == world.drawn.size());
    for (std::size_t i = 0; i < features.size(); ++i) {
      BOOST_TEST((window_of(features[i]) == world.drawn[i]), "outline " << i + 1);
      BOOST_TEST(std::get<std::string>(*features[i].find("kind")) == (with_box ? "box and mask" : "mask"));
    }
  }
}

BOOST_AUTO_TEST_CASE(outlines_larger_than_a_tile_are_refined_at_a_coarser_resolution) {
  const World world(700, 500);
  auto scene = dark_scene(700, 500);
  const Window large{100, 100, 180, 90};
  paint(scene, large);
  write_scene(world.scene_path(), scene, world.grid);
  PromptLayer layer;
  layer.prompts.emplace_back().id = int64_t{1};
  layer.prompts[0].mask = {box_round({90, 95, 200, 100})};
  // Smaller than a pixel, and outside the scene.
  layer.prompts.emplace_back().id = int64_t{2};
  layer.prompts[1].mask = {rectangle(500150.1, 2999850.1, 500150.3, 2999850.3)};
  layer.prompts.emplace_back().id = int64_t{3};
  layer.prompts[2].mask = {box_round({800, 95, 20, 10})};
  try {
    run(world, layer, RegionSegmenter());
    BOOST_ERROR("no PartialSegmentError");
  } catch (const plat::PartialSegmentError& partial) {
    BOOST_REQUIRE(partial.summary().failures.size() == 2U);
    BOOST_TEST(partial.summary().failures[0].reason.find("no pixel") != std::string::npos);
    BOOST_TEST(partial.summary().failures[1].reason.find("outside the scene") != std::string::npos);
    BOOST_TEST(partial.summary().coarser == 1);
  }
  const auto features = plat::read_features(world.file("out.gpkg")).features;
  BOOST_REQUIRE(features.size() == 1U);
  const double gsd = number(features[0], "gsd_m");
  BOOST_TEST((gsd > 3.9 && gsd < 8.1));
  const plat::Bounds box = plat::bounds(features[0].geometry);
  BOOST_TEST(std::abs(box.min_x - 500100) <= gsd);
  BOOST_TEST(std::abs(box.max_x - 500280) <= gsd);
  BOOST_TEST(std::abs(box.max_y - 2999900) <= gsd);
  BOOST_TEST(std::abs(box.min_y - 2999810) <= gsd);
}

BOOST_AUTO_TEST_SUITE_END()
