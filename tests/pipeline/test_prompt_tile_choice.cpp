// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_tile_choice.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>
#include <tuple>

using plat::Bounds;
using plat::choose_prompt_tile;

namespace {

Bounds point(double x, double y) {
  Bounds part;
  part.add(plat::Point{x, y});
  return part;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(prompt_tile_choice)

BOOST_AUTO_TEST_CASE(tiles_hold_their_part_and_stay_in_the_scene) {
  constexpr unsigned kSeed = 7;
  BOOST_TEST_MESSAGE("seed " << kSeed);
  std::mt19937 random(kSeed);
  const auto draw = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); };
  for (int i = 0; i < 20000; ++i) {
    const auto width = static_cast<int64_t>(draw(1, 1000));
    const auto height = static_cast<int64_t>(draw(1, 1000));
    constexpr int64_t kTile = 128;
    Bounds part = point(draw(0, static_cast<double>(width)), draw(0, static_cast<double>(height)));
    part.add(plat::Point{std::min(static_cast<double>(width), part.min_x + draw(0, 200)),
                         std::min(static_cast<double>(height), part.min_y + draw(0, 200))});
    const auto tile = choose_prompt_tile(width, height, kTile, part);
    const double longer = std::max(part.max_x - part.min_x, part.max_y - part.min_y);
    // 128 less two margins of 8 and the coarseness of the steps.
    if (longer <= 104) BOOST_TEST_REQUIRE(tile.has_value());
    if (longer > kTile) BOOST_TEST_REQUIRE(!tile.has_value());
    if (!tile) continue;
    BOOST_TEST_REQUIRE((tile->width == kTile && tile->height == kTile));
    BOOST_TEST_REQUIRE(part.min_x >= static_cast<double>(tile->col));
    BOOST_TEST_REQUIRE(part.max_x <= static_cast<double>(tile->col_end()));
    BOOST_TEST_REQUIRE(part.min_y >= static_cast<double>(tile->row));
    BOOST_TEST_REQUIRE(part.max_y <= static_cast<double>(tile->row_end()));
    if (width >= kTile) BOOST_TEST_REQUIRE((tile->col >= 0 && tile->col_end() <= width));
    if (width < kTile) BOOST_TEST_REQUIRE((tile->col <= 0 && tile->col_end() >= width));
  }
}

BOOST_AUTO_TEST_CASE(points_lie_in_the_middle_half_and_share_tiles) {
  std::set<std::tuple<int64_t, int64_t>> tiles;
  for (int64_t y = 0; y < 512; y += 3) {
    for (int64_t x = 0; x < 512; x += 3) {
      const auto tile = choose_prompt_tile(512, 512, 128, point(static_cast<double>(x), static_cast<double>(y)));
      BOOST_TEST_REQUIRE(tile.has_value());
      tiles.insert({tile->col, tile->row});
      if (tile->col > 0 && tile->col_end() < 512) {
        BOOST_TEST_REQUIRE(x - tile->col >= 32);
        BOOST_TEST_REQUIRE(x - tile->col < 96);
      }
    }
  }
  // Eight steps of half a tile on each side.
  BOOST_TEST(tiles.size() == 64U);
}

BOOST_AUTO_TEST_CASE(a_scene_smaller_than_a_tile_is_its_middle) {
  const auto tile = choose_prompt_tile(100, 40, 128, point(50, 20));
  BOOST_TEST_REQUIRE(tile.has_value());
  BOOST_TEST((*tile == plat::Window{-14, -44, 128, 128}));
}

BOOST_AUTO_TEST_SUITE_END()
