// SPDX-License-Identifier: Apache-2.0
#include "postprocess/stitcher.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>
#include <set>
#include <span>
#include <vector>

namespace {

using plat::Image;

struct Scene {
  Image<float> maps;
  Image<uint8_t> valid;
};

Scene random_scene(int64_t width, int64_t height, int64_t bands, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  Scene scene{Image<float>(width, height, bands), Image<uint8_t>(width, height)};
  for (float& value : std::span(scene.maps.data(), scene.maps.size())) value = uniform(random);
  for (uint8_t& value : std::span(scene.valid.data(), scene.valid.size())) value = uniform(random) < 0.9F;
  return scene;
}

// Cuts the scene into tiles, leaves some out, and stitches the rest.
Scene stitch(const plat::TileGrid& grid, const Scene& scene, const std::set<int64_t>& missing = {},
             int64_t shared_bytes = 1 << 30) {
  Scene out{Image<float>(grid.scene_width(), grid.scene_height(), scene.maps.bands(), -1.0F),
            Image<uint8_t>(grid.scene_width(), grid.scene_height(), 1, uint8_t{2})};
  int64_t next_col = 0, next_row = 0;
  const auto take = [&](plat::MapBlock&& block) {
    BOOST_TEST(block.col == next_col);
    BOOST_TEST(block.row == next_row);
    next_col = block.window().col_end();
    if (next_col == grid.scene_width()) next_col = 0, next_row = block.window().row_end();
    for (int64_t row = 0; row < block.maps.height(); ++row) {
      std::ranges::copy(block.valid.row(row), out.valid.row(block.row + row).begin() + block.col);
      for (int64_t b = 0; b < block.maps.bands(); ++b)
        std::ranges::copy(block.maps.row(row, b), out.maps.row(block.row + row, b).begin() + block.col);
    }
  };
  plat::Stitcher stitcher(grid, scene.maps.bands(), take, shared_bytes);
  for (int64_t i = 0; i < grid.size(); ++i) {
    const plat::Tile tile = grid.tile(i);
    Image<float> maps(grid.tile_size(), grid.tile_size(), scene.maps.bands(), 7.0F);
    Image<uint8_t> valid(grid.tile_size(), grid.tile_size());
    for (int64_t row = 0; row < grid.tile_size(); ++row) {
      for (int64_t col = 0; col < grid.tile_size(); ++col) {
        const int64_t c = tile.window.col + col;
        const int64_t r = tile.window.row + row;
        if (c < 0 || r < 0 || c >= grid.scene_width() || r >= grid.scene_height()) continue;
        for (int64_t b = 0; b < scene.maps.bands(); ++b) maps.at(col, row, b) = scene.maps.at(c, r, b);
        valid.at(col, row) = scene.valid.at(c, r);
      }
    }
    if (missing.contains(i)) maps = {};
    stitcher.add(tile, maps, valid);
  }
  BOOST_TEST(next_row == grid.scene_height());
  BOOST_TEST(next_col == 0);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stitcher)

BOOST_AUTO_TEST_CASE(tiles_of_an_image_give_the_image_back) {
  for (const auto& [width, height, tile, overlap] : {std::array<int64_t, 4>{1, 1, 8, 2},
                                                     {50, 40, 64, 16},
                                                     {200, 300, 64, 16},
                                                     {97, 301, 32, 0},
                                                     {77, 90, 32, 31},
                                                     {300, 50, 64, 56}}) {
    const Scene scene = random_scene(width, height, 3, 5);
    const Scene out = stitch(plat::TileGrid(width, height, tile, overlap), scene);
    BOOST_TEST((out.valid == scene.valid));
    double worst = 0;
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = 0; r < height; ++r) {
        for (int64_t c = 0; c < width; ++c) {
          const double wanted = scene.valid.at(c, r) != 0 ? scene.maps.at(c, r, b) : 0;
          worst = std::max(worst, std::abs(wanted - static_cast<double>(out.maps.at(c, r, b))));
        }
      }
    }
    BOOST_TEST(worst < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(each_pixel_is_the_mean_of_its_tiles_in_their_order) {
  // The weighted sum of all tiles over the whole scene, tile by tile, is what blocks add up to, to rounding.
  for (const auto& [width, height, size, overlap] :
       {std::array<int64_t, 4>{211, 157, 32, 8}, {130, 95, 32, 20}, {97, 80, 32, 28}, {33, 200, 32, 9}}) {
    const plat::TileGrid grid(width, height, size, overlap);
    std::vector<float> profile(static_cast<std::size_t>(size), 1.0F);
    for (int64_t i = 0; i < std::min(overlap, size / 2); ++i) {
      const double phase = (static_cast<double>(i) + 0.5) / static_cast<double>(std::min(overlap, size / 2));
      const double weight = 1e-3 + (1 - 1e-3) * 0.5 * (1 - std::cos(std::numbers::pi * phase));
      profile[static_cast<std::size_t>(i)] = profile[static_cast<std::size_t>(size - 1 - i)] =
          static_cast<float>(weight);
    }
    const Image<uint8_t> valid(size, size, 1, uint8_t{1});
    for (const int64_t shared_bytes : {int64_t{0}, int64_t{1} << 30}) {
      Image<float> sum(width, height), weights(width, height), out(width, height, 1, -1.0F);
      plat::Stitcher stitcher(
          grid, 1,
          [&](plat::MapBlock&& block) {
            for (int64_t row = 0; row < block.maps.height(); ++row)
              std::ranges::copy(block.maps.row(row), out.row(block.row + row).begin() + block.col);
          },
          shared_bytes);
      for (int64_t i = 0; i < grid.size(); ++i) {
        const plat::Tile tile = grid.tile(i);
        const Scene part = random_scene(size, size, 1, static_cast<unsigned>(i));
        stitcher.add(tile, part.maps, valid);
        for (int64_t r = 0; r < size; ++r) {
          for (int64_t c = 0; c < size; ++c) {
            const int64_t col = tile.window.col + c, row = tile.window.row + r;
            if (col < 0 || row < 0 || col >= width || row >= height) continue;
            const float weight = profile[static_cast<std::size_t>(r)] * profile[static_cast<std::size_t>(c)];
            sum.at(col, row) += weight * part.maps.at(c, r);
            weights.at(col, row) += weight;
          }
        }
      }
      double worst = 0;
      for (std::size_t i = 0; i < out.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(out.data()[i] - sum.data()[i] / weights.data()[i])));
      // A processor that multiplies and adds at once rounds once less.
      BOOST_TEST(worst < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_that_lie_in_a_file_give_the_same_bits) {
  const plat::TileGrid grid(300, 200, 64, 24);
  const Scene scene = random_scene(300, 200, 3, 8);
  const Scene kept = stitch(grid, scene, {3, 9}), spilled = stitch(grid, scene, {3, 9}, 0);
  BOOST_TEST((kept.maps == spilled.maps));
  BOOST_TEST((kept.valid == spilled.valid));
}

BOOST_AUTO_TEST_CASE(the_tiles_of_a_part_give_what_all_tiles_give_there) {
  const plat::TileGrid grid(301, 263, 64, 20);
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<Image<float>> tiles;
  for (int64_t i = 0; i < grid.size(); ++i) {
    tiles.emplace_back(64, 64, 2);
    for (float& value : std::span(tiles.back().data(), tiles.back().size())) value = uniform(random);
  }
  const auto stitched = [&](const plat::TileGrid& some, const plat::Window& part) {
    Image<float> out(part.width, part.height, 2, -1.0F);
    plat::Stitcher stitcher(some, 2, [&](plat::MapBlock&& block) {
      const plat::Window both = intersect(block.window(), part);
      for (int64_t b = 0; b < 2; ++b) {
        for (int64_t r = both.row; r < both.row_end(); ++r) {
          for (int64_t c = both.col; c < both.col_end(); ++c)
            out.at(c - part.col, r - part.row, b) = block.maps.at(c - block.col, r - block.row, b);
        }
      }
    });
    const Image<uint8_t> valid(64, 64, 1, uint8_t{1});
    for (int64_t i = 0; i < some.size(); ++i) {
      const plat::Tile tile = some.tile(i);
      for (int64_t k = 0; k < grid.size(); ++k) {
        if (grid.tile(k).window == tile.window) stitcher.add(tile, tiles[static_cast<std::size_t>(k)], valid);
      }
    }
    return out;
  };
  for (const plat::Window& part : {plat::Window{100, 80, 90, 70}, {0, 0, 10, 263}, {290, 200, 11, 63}}) {
    const Image<float> all = stitched(grid, part), some = stitched(grid.part(part), part);
    BOOST_TEST(std::equal(all.data(), all.data() + all.size(), some.data()));
    BOOST_TEST(*std::min_element(all.data(), all.data() + all.size()) >= 0);
  }
}

BOOST_AUTO_TEST_CASE(a_constant_stays_constant) {
  Scene scene{Image<float>(300, 300, 1, 0.3F), Image<uint8_t>(300, 300, 1, uint8_t{1})};
  const Scene out = stitch(plat::TileGrid(300, 300, 64, 24), scene);
  for (const float value : std::span(out.maps.data(), out.maps.size())) {
    if (std::abs(value - 0.3F) > 1e-6F) BOOST_FAIL("not constant: " << value);
  }
}

BOOST_AUTO_TEST_CASE(neighbours_cover_a_missing_tile_where_they_reach) {
  const plat::TileGrid grid(300, 300, 100, 40);
  Scene scene = random_scene(300, 300, 1, 9);
  std::ranges::fill(scene.valid.band(0), uint8_t{1});
  const int64_t lost = grid.columns() + 1;
  const Scene out = stitch(grid, scene, {lost});
  for (int64_t r = 0; r < 300; ++r) {
    for (int64_t c = 0; c < 300; ++c) {
      bool covered = false;
      for (int64_t i = 0; i < grid.size(); ++i) covered = covered || (i != lost && grid.tile(i).window.contains(c, r));
      if ((out.valid.at(c, r) != 0) != covered) BOOST_FAIL("wrong validity at " << c << ", " << r);
      const float wanted = covered ? scene.maps.at(c, r) : 0.0F;
      if (std::abs(out.maps.at(c, r) - wanted) > 1e-6F) BOOST_FAIL("wrong value at " << c << ", " << r);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_scene_without_any_tile_is_invalid_not_a_number) {
  const Scene scene = random_scene(100, 100, 2, 3);
  const plat::TileGrid grid(100, 100, 64, 16);
  std::set<int64_t> all;
  for (int64_t i = 0; i < grid.size(); ++i) all.insert(i);
  const Scene out = stitch(grid, scene, all);
  BOOST_TEST(std::ranges::count(out.valid.band(0), uint8_t{0}) == 10000);
  BOOST_TEST(std::ranges::count(out.maps.band(1), 0.0F) == 10000);
}

BOOST_AUTO_TEST_CASE(tiles_that_disagree_are_blended_without_a_step) {
  // Each tile says its own column number: across the overlap the result must rise steadily.
  const plat::TileGrid grid(400, 50, 100, 50);
  Image<float> rows(400, 50);
  plat::Stitcher stitcher(grid, 1, [&](plat::MapBlock&& block) {
    for (int64_t row = 0; row < 50; ++row) std::ranges::copy(block.maps.row(row), rows.row(row).begin() + block.col);
  });
  for (int64_t i = 0; i < grid.size(); ++i) {
    stitcher.add(grid.tile(i), Image<float>(100, 100, 1, static_cast<float>(grid.tile(i).tile_col)),
                 Image<uint8_t>(100, 100, 1, uint8_t{1}));
  }
  for (int64_t c = 1; c < 400; ++c) {
    const float step = rows.at(c, 25) - rows.at(c - 1, 25);
    if (step < -1e-6F || step > 0.05F) BOOST_FAIL("a step of " << step << " at column " << c);
  }
  BOOST_TEST(rows.at(399, 25) == static_cast<float>(grid.columns() - 1));
}

BOOST_AUTO_TEST_SUITE_END()
