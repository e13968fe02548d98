// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "tiling/tile_grid.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(tile_grid)

BOOST_AUTO_TEST_CASE(tiles_cover_every_pixel_and_a_margin) {
  for (const int64_t tile_size : {1, 7, 16, 64}) {
    for (const int64_t overlap : {int64_t{0}, tile_size / 4, tile_size / 2, tile_size - 1}) {
      for (const int64_t length : {1, 15, 16, 17, 63, 64, 65, 100, 257, 1000}) {
        const plat::TileGrid grid(length, length, tile_size, overlap);
        BOOST_TEST_CONTEXT("tile " << tile_size << " overlap " << overlap << " length " << length) {
          std::vector<int> covered(static_cast<std::size_t>(length), 0);
          int64_t previous_start = 0;
          for (int64_t i = 0; i < grid.columns(); ++i) {
            const plat::Window window = grid.tile(i).window;
            BOOST_TEST(window.width == tile_size);
            BOOST_TEST(window.height == tile_size);
            if (i > 0) BOOST_TEST(window.col - previous_start <= tile_size - overlap);
            if (i > 0) BOOST_TEST(window.col > previous_start);
            previous_start = window.col;
            for (int64_t c = std::max<int64_t>(window.col, 0); c < std::min(window.col_end(), length); ++c) {
              covered[static_cast<std::size_t>(c)] = 1;
            }
          }
          BOOST_TEST(std::ranges::count(covered, 1) == length);
          if (length > tile_size) {
            BOOST_TEST(grid.tile(0).window.col == -(overlap / 2));
            BOOST_TEST(grid.tile(grid.columns() - 1).window.col_end() == length + overlap / 2);
          } else {
            BOOST_TEST(grid.size() == 1);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(tiles_come_in_row_major_order) {
  const plat::TileGrid grid(1000, 500, 256, 64);
  for (int64_t i = 0; i < grid.size(); ++i) {
    const plat::Tile tile = grid.tile(i);
    BOOST_TEST(tile.index == i);
    BOOST_TEST(tile.tile_row * grid.columns() + tile.tile_col == i);
    BOOST_TEST(tile.window.col == grid.tile(tile.tile_col).window.col);
    BOOST_TEST(tile.window.row == grid.tile(tile.tile_row * grid.columns()).window.row);
  }
}

BOOST_AUTO_TEST_CASE(a_scene_smaller_than_a_tile_lies_in_its_middle) {
  BOOST_TEST((plat::TileGrid(100, 512, 512, 128).tile(0).window == plat::Window{-206, 0, 512, 512}));
}

BOOST_AUTO_TEST_CASE(a_part_has_the_tiles_that_touch_it_where_they_are) {
  const plat::TileGrid grid(1000, 700, 128, 48);
  for (const plat::Window& part :
       {plat::Window{300, 200, 150, 90}, {0, 0, 1, 1}, {999, 699, 1, 1}, {0, 0, 1000, 700}, {129, 10, 300, 600}}) {
    const plat::TileGrid some = grid.part(part);
    int64_t next = 0;
    for (int64_t i = 0; i < grid.size(); ++i) {
      const plat::Window window = grid.tile(i).window;
      if (intersect(window, part).empty()) continue;
      BOOST_REQUIRE(next < some.size());
      BOOST_TEST((some.tile(next++).window == window));
    }
    BOOST_TEST(next == some.size());
    BOOST_TEST(some.tile(some.size() - 1).tile_row == some.rows() - 1);
    BOOST_TEST((some.part(part).size() == some.size()));
  }
  BOOST_CHECK_THROW(grid.part({2000, 0, 10, 10}), plat::UsageError);
  BOOST_CHECK_THROW(grid.part({10, 10, 0, 10}), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(wrong_sizes_are_usage_errors) {
  BOOST_CHECK_THROW(plat::TileGrid(10, 10, 0, 0), plat::UsageError);
  BOOST_CHECK_THROW(plat::TileGrid(10, 10, 8, 8), plat::UsageError);
  BOOST_CHECK_THROW(plat::TileGrid(10, 10, 8, -1), plat::UsageError);
  BOOST_CHECK_THROW(plat::TileGrid(0, 10, 8, 2), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(steps_of_a_few_pixels_are_refused_with_what_would_do) {
  const plat::TileGrid dense(2000, 2000, 512, 511);
  BOOST_CHECK_EXCEPTION(dense.check_step("--overlap"), plat::UsageError, [&](const plat::UsageError& error) {
    const std::string text = error.what();
    BOOST_TEST_INFO(text);
    BOOST_TEST(text.starts_with("--overlap: "));
    BOOST_TEST(text.find(" 1 pixel apart, " + std::to_string(dense.size()) + " of them") != std::string::npos);
    BOOST_TEST(text.find("at most 448.") != std::string::npos);
    return true;
  });
  for (const int64_t side : {64, 100, 512, 1023}) {
    const int64_t most = side - (side + 7) / 8;
    plat::TileGrid(5000, 70, side, most).check_step("");
    BOOST_CHECK_THROW(plat::TileGrid(5000, 70, side, most + 1).check_step(""), plat::UsageError);
  }
  // A scene of one tile.
  plat::TileGrid(400, 512, 512, 511).check_step("");
}

BOOST_AUTO_TEST_SUITE_END()
