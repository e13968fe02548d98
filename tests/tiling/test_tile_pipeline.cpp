// SPDX-License-Identifier: Apache-2.0
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "tests/support/test_data.hpp"
#include "tiling/tile_pipeline.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using plat::Image;
using plat::TileData;

namespace {

const plat::GdalSession gdal;

/// Every pixel differs from its neighbours, none is 0.
Image<uint8_t> drawn_scene(int64_t width, int64_t height) {
  Image<uint8_t> scene(width, height, 3);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t r = 0; r < height; ++r) {
      for (int64_t c = 0; c < width; ++c) scene.at(c, r, b) = static_cast<uint8_t>(1 + (c * 7 + r * 13 + b * 31) % 250);
    }
  }
  return scene;
}

/// A scene on disk, opened, and cut into tiles.
struct World {
  explicit World(const Image<uint8_t>& drawn, int64_t tile_size = 32, int64_t overlap = 8,
                 std::optional<double> nodata = std::nullopt)
      : image(drawn), path(folder.file("scene.tif")), source(make(tile_size, overlap, nodata)) {}

  plat::TileSource make(int64_t tile_size, int64_t overlap, std::optional<double> nodata) {
    plat::Grid grid{image.width(), image.height(), {500000, 1, 0, 3000000, 0, -1}, plat::Crs::from_text("EPSG:32644")};
    plat::RasterWriteOptions options;
    options.nodata = nodata;
    plat::write_raster(path, image, grid, options);
    const plat::RasterReader reader(path);
    return {reader, plat::Scaling::identity(3), plat::TileGrid(image.width(), image.height(), tile_size, overlap)};
  }

  plat::test::TemporaryFolder folder;
  Image<uint8_t> image;
  std::string path;
  plat::TileSource source;
};

/// Continues a line of pixels by mirrors, one step at a time.
int64_t bounced(int64_t index, int64_t count) {
  while (index < 0 || index >= count) {
    if (index < 0) index = -1 - index;
    if (index >= count) index = 2 * count - 1 - index;
  }
  return index;
}

plat::TilePipelineOptions with_threads(int threads) {
  plat::TilePipelineOptions options;
  options.threads = plat::ThreadBudget::make(threads);
  return options;
}

Image<float> first_band(const TileData& data) {
  Image<float> out(data.pixels.width(), data.pixels.height());
  std::copy_n(data.pixels.data(), out.size(), out.data());
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tile_pipeline)

BOOST_AUTO_TEST_CASE(tiles_show_the_scene_and_its_mirror_images_beyond_the_edges) {
  for (const auto& [width, height] : {std::pair{75, 50}, {20, 90}, {1, 1}, {3, 1}}) {
    const World world(drawn_scene(width, height));
    for (int64_t i = 0; i < world.source.grid().size(); ++i) {
      const TileData data = world.source.read(i);
      int64_t wrong = 0;
      for (int64_t r = 0; r < data.tile.window.height; ++r) {
        for (int64_t c = 0; c < data.tile.window.width; ++c) {
          const int64_t col = data.tile.window.col + c;
          const int64_t row = data.tile.window.row + r;
          const bool inside = world.image.width() > col && col >= 0 && world.image.height() > row && row >= 0;
          if ((data.valid.at(c, r) != 0) != inside) ++wrong;
          for (int64_t b = 0; b < 3; ++b) {
            const uint8_t expected = world.image.at(bounced(col, width), bounced(row, height), b);
            if (data.pixels.at(c, r, b) != static_cast<float>(expected)) ++wrong;
          }
        }
      }
      BOOST_TEST(wrong == 0, "tile " << i << " of " << width << " x " << height << ": " << wrong << " wrong values");
    }
  }
}

BOOST_AUTO_TEST_CASE(pixels_without_data_continue_their_surroundings_and_are_not_valid) {
  Image<uint8_t> drawn = drawn_scene(40, 30);
  for (int64_t b = 0; b < 3; ++b) drawn.at(5, 6, b) = 255;
  const World world(drawn, 64, 8, 255);
  const TileData data = world.source.read(0);
  const auto col = 5 - data.tile.window.col;
  const auto row = 6 - data.tile.window.row;
  BOOST_TEST(data.valid.at(col, row) == 0);
  bool as_a_neighbour = false;
  for (const auto& [dc, dr] : {std::pair{0, -2}, {-2, 0}, {2, 0}, {0, 2}}) {
    as_a_neighbour |= data.pixels.at(col, row, 1) == data.pixels.at(col + dc, row + dr, 1);
  }
  BOOST_TEST(as_a_neighbour);
  BOOST_TEST(data.valid.at(col + 1, row) == 1);
}

BOOST_AUTO_TEST_CASE(tiles_of_two_scenes_hold_the_bands_of_one_and_then_of_the_other) {
  Image<uint8_t> first = drawn_scene(70, 50), second = drawn_scene(70, 50);
  for (uint8_t& v : std::span(second.data(), second.size())) v = static_cast<uint8_t>(251 - v);
  // The first lacks what lies on the left, the second what lies at the bottom.
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t r = 0; r < 50; ++r) std::fill_n(first.row(r, b).begin(), 20, uint8_t{0});
    for (int64_t r = 45; r < 50; ++r) std::ranges::fill(second.row(r, b), uint8_t{0});
  }
  const World one(first, 32, 8, 0), other(second, 32, 8, 0);
  const plat::RasterReader reader_one(one.path), reader_other(other.path);
  plat::Scaling identity = plat::Scaling::identity(3);
  const plat::TileSource both({{reader_one, identity}, {reader_other, identity}}, one.source.grid());
  BOOST_TEST(both.scenes() == 2);
  BOOST_TEST(one.source.scenes() == 1);
  for (int64_t i = 0; i < both.grid().size(); ++i) {
    const TileData data = both.read(i);
    BOOST_TEST_REQUIRE(data.pixels.bands() == 6);
    BOOST_TEST_REQUIRE(data.valid.bands() == 2);
    for (const int64_t scene : {0, 1}) {
      const TileData alone = (scene == 0 ? one : other).source.read(i);
      BOOST_TEST(std::ranges::equal(data.valid.band(scene), alone.valid.band(0)));
      for (int64_t b = 0; b < 3; ++b)
        BOOST_TEST(std::ranges::equal(data.pixels.band(3 * scene + b), alone.pixels.band(b)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_tile_that_one_of_two_scenes_shows_reaches_the_network) {
  Image<uint8_t> half = drawn_scene(64, 32), none(64, 32, 3);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t r = 0; r < 32; ++r) std::fill_n(half.row(r, b).begin(), 40, uint8_t{0});
  }
  const World one(half, 32, 0, 0), other(none, 32, 0, 0);
  const plat::RasterReader reader_one(one.path), reader_other(other.path);
  const plat::Scaling identity = plat::Scaling::identity(3);
  const plat::TileSource both({{reader_other, identity}, {reader_one, identity}}, one.source.grid());
  std::atomic<int> inferred = 0;
  plat::TilePipelineOptions options;
  options.threads = plat::ThreadBudget::make(2);
  plat::run_tiles(
      both,
      [&](const TileData& data) {
        ++inferred;
        BOOST_TEST(std::ranges::count(data.valid.band(0), 0) == 32 * 32);
        return Image<float>(32, 32, 1);
      },
      [](const TileData&, const Image<float>&) {}, options);
  BOOST_TEST(inferred == 1);
}

BOOST_AUTO_TEST_CASE(the_sink_sees_tiles_in_order_and_the_same_for_any_number_of_threads) {
  const World world(drawn_scene(200, 150));
  std::vector<Image<float>> expected;
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<Image<float>> seen;
    int64_t next = 0;
    double progress = 0;
    auto options = with_threads(threads);
    options.progress = [&progress](double fraction) {
      BOOST_TEST(fraction >= progress);
      progress = fraction;
    };
    const auto failures = plat::run_tiles(
        world.source,
        [](const TileData& data) {
          // Later tiles finish first.
          std::this_thread::sleep_for(std::chrono::microseconds(data.tile.index % 3 == 0 ? 3000 : 100));
          return first_band(data);
        },
        [&](const TileData& data, const Image<float>& maps) {
          BOOST_TEST(data.tile.index == next++);
          seen.push_back(maps);
        },
        options);
    BOOST_TEST(failures.empty());
    BOOST_TEST(next == world.source.grid().size());
    BOOST_TEST(progress == 1.0);
    if (expected.empty()) expected = seen;
    BOOST_TEST((seen == expected));
  }
}

BOOST_AUTO_TEST_CASE(a_tile_that_fails_is_tried_again_then_reported_and_left_without_result) {
  const World world(drawn_scene(100, 100));
  for (const int threads : {1, 3}) {
    std::atomic<int> tries_of_2{0};
    std::atomic<int> tries_of_5{0};
    std::set<int64_t> without_result;
    auto options = with_threads(threads);
    options.retries = 2;
    const auto failures = plat::run_tiles(
        world.source,
        [&](const TileData& data) {
          if (data.tile.index == 2 && ++tries_of_2 == 1) throw std::runtime_error("once");
          if (data.tile.index == 5) {
            ++tries_of_5;
            throw plat::IoError("for good");
          }
          return first_band(data);
        },
        [&](const TileData& data, const Image<float>& maps) {
          if (!maps.empty()) return;
          without_result.insert(data.tile.index);
          BOOST_TEST(std::count(data.valid.data(), data.valid.data() + data.valid.size(), 1) == 0);
        },
        options);
    BOOST_TEST(tries_of_2 == 2);
    BOOST_TEST(tries_of_5 == 3);
    BOOST_TEST((without_result == std::set<int64_t>{5}));
    BOOST_REQUIRE(failures.size() == 1U);
    BOOST_TEST(failures[0].tile.index == 5);
    BOOST_TEST(failures[0].reason == "for good");
  }
}

BOOST_AUTO_TEST_CASE(a_scene_of_which_nothing_can_be_read_is_given_up) {
  const World world(drawn_scene(400, 400));
  BOOST_REQUIRE(world.source.grid().size() > 250);
  std::atomic<int> calls{0};
  std::atomic<bool> first_works{false};
  const auto infer = [&](const TileData& data) -> Image<float> {
    ++calls;
    if (first_works && data.tile.index == 0) return first_band(data);
    throw std::runtime_error("no");
  };
  const auto sink = [](const TileData&, const Image<float>&) {};
  auto options = with_threads(2);
  options.retries = 0;
  BOOST_CHECK_THROW(plat::run_tiles(world.source, infer, sink, options), plat::IoError);
  BOOST_TEST(calls < 110);
  first_works = true;
  BOOST_TEST(static_cast<int64_t>(plat::run_tiles(world.source, infer, sink, options).size()) ==
             world.source.grid().size() - 1);
}

BOOST_AUTO_TEST_CASE(errors_of_usage_and_model_end_the_run) {
  const World world(drawn_scene(100, 100));
  const auto sink = [](const TileData&, const Image<float>&) {};
  std::atomic<int> calls{0};
  const auto model_fails = [&calls](const TileData&) -> Image<float> {
    ++calls;
    throw plat::ModelError("broken");
  };
  BOOST_CHECK_THROW(plat::run_tiles(world.source, model_fails, sink, with_threads(1)), plat::ModelError);
  BOOST_TEST(calls == 1);
  const auto usage_fails = [](const TileData&) -> Image<float> { throw plat::UsageError("wrong"); };
  BOOST_CHECK_THROW(plat::run_tiles(world.source, usage_fails, sink, with_threads(3)), plat::UsageError);
}

BOOST_AUTO_TEST_CASE(a_stop_request_ends_the_run) {
  const World world(drawn_scene(200, 200));
  for (const int threads : {1, 3}) {
    std::atomic<int> calls{0};
    const auto infer = [&calls](const TileData& data) {
      if (++calls == 4) plat::request_cancel();
      return first_band(data);
    };
    BOOST_CHECK_THROW(plat::run_tiles(
                          world.source, infer, [](const TileData&, const Image<float>&) {}, with_threads(threads)),
                      plat::Cancelled);
    plat::reset_cancel();
    BOOST_TEST(calls < world.source.grid().size());
  }
}

BOOST_AUTO_TEST_CASE(want_of_memory_ends_the_run) {
  const World world(drawn_scene(120, 100));
  const auto infer = [](const TileData&) -> Image<float> { throw std::bad_alloc(); };
  BOOST_CHECK_THROW(plat::run_tiles(
                        world.source, infer, [](const TileData&, const Image<float>&) {}, with_threads(2)),
                    std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(the_byte_budget_bounds_the_tiles_under_way) {
  const World world(drawn_scene(200, 200));
  for (const int64_t affordable : {1, 2, 5}) {
    auto options = with_threads(4);
    options.bytes_per_tile = 1000;
    options.memory_bytes = affordable * 1000 + 1;
    BOOST_TEST(plat::tiles_in_flight(options) == affordable);
    std::atomic<int64_t> under_way{0};
    std::atomic<int64_t> most{0};
    plat::run_tiles(
        world.source,
        [&](const TileData& data) {
          const int64_t now = ++under_way;
          int64_t before = most;
          while (before < now && !most.compare_exchange_weak(before, now)) continue;
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          return first_band(data);
        },
        [&](const TileData&, const Image<float>&) { --under_way; }, options);
    BOOST_TEST(most <= affordable);
  }
  auto options = with_threads(4);
  options.bytes_per_tile = 1000;
  options.memory_bytes = 0;
  BOOST_TEST(plat::tiles_in_flight(options) == 1);
}

BOOST_AUTO_TEST_CASE(one_tile_at_a_time_reaches_a_network_that_takes_one) {
  const World world(drawn_scene(200, 200));
  auto options = with_threads(4);
  options.threads.inference = 1;
  std::atomic<int> inside{0};
  std::atomic<bool> alone{true};
  plat::run_tiles(
      world.source,
      [&](const TileData& data) {
        if (++inside > 1) alone = false;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        --inside;
        return first_band(data);
      },
      [](const TileData&, const Image<float>&) {}, options);
  BOOST_TEST(alone);
}

BOOST_AUTO_TEST_CASE(tiles_without_any_data_skip_the_network) {
  Image<uint8_t> drawn = drawn_scene(150, 40);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t r = 0; r < 40; ++r) std::fill_n(drawn.row(r, b).begin(), 90, uint8_t{255});
  }
  const World world(drawn, 32, 8, 255);
  std::set<int64_t> inferred;
  std::mutex guard;
  plat::run_tiles(
      world.source,
      [&](const TileData& data) {
        const std::lock_guard lock(guard);
        inferred.insert(data.tile.index);
        return first_band(data);
      },
      [&](const TileData& data, const Image<float>& maps) {
        const bool any = std::count(data.valid.data(), data.valid.data() + data.valid.size(), 1) > 0;
        BOOST_TEST(maps.empty() == !any);
        BOOST_TEST(any == (data.tile.window.col_end() > 90));
      },
      with_threads(2));
  BOOST_TEST(!inferred.empty());
  BOOST_TEST(static_cast<int64_t>(inferred.size()) < world.source.grid().size());
}

BOOST_AUTO_TEST_SUITE_END()
