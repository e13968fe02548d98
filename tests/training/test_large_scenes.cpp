// SPDX-License-Identifier: Apache-2.0
#include "tests/training/large_scenes.hpp"

#include "core/memory.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/training_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

TrainingDataOptions options_for(const test::LargeScenes& world, int scenes) {
  TrainingDataOptions options;
  for (int i = 0; i < scenes; ++i) options.scenes.push_back(world.scene(i));
  options.labels = {world.folder.file("labels.geojson")};
  options.val_fraction = 0;
  return options;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(large_scenes)

BOOST_AUTO_TEST_CASE(sizes_are_known_before_a_pixel_is_read) {
  const test::LargeScenes world;
  world.layer("labels.geojson", {{0, 0, 0}, {0, 63, 63}});
  TrainingDataOptions options = options_for(world, 1);
  constexpr double kPixels = static_cast<double>(test::LargeScenes::kSide * test::LargeScenes::kSide);
  const int64_t before = peak_resident_memory();
  const TrainingDataLoader whole(options);
  BOOST_TEST(whole.memory().scenes == 1);
  BOOST_TEST(whole.memory().largest == "scene0.vrt");
  // Three bytes, two reductions and a use each, but for a frame without labels.
  BOOST_TEST(static_cast<double>(whole.memory().scene_bytes) > 4.9 * kPixels);
  BOOST_TEST(static_cast<double>(whole.memory().scene_bytes) < 5.0 * kPixels);
  BOOST_TEST(whole.memory().validation_bytes == 0);
  options.val_fraction = 0.1;
  // Only the area at work is held, whatever the scene's size.
  const int64_t validation = TrainingDataLoader(options).memory().validation_bytes;
  BOOST_TEST(validation > 50'000'000);
  BOOST_TEST(validation < 500'000'000);
  BOOST_TEST(peak_resident_memory() - before < 100'000'000);
}

BOOST_AUTO_TEST_CASE(neighbours_of_one_layer_are_one_scene_of_which_a_part_is_held) {
  const test::LargeScenes world;
  world.layer("labels.geojson", {{0, 63, 20}, {1, 0, 20}});
  TrainingDataLoader loader(options_for(world, 2));
  BOOST_TEST(loader.memory().scenes == 1);
  BOOST_TEST(loader.memory().scene_bytes < 10'000'000);
  const TrainingData data = loader.load();
  BOOST_REQUIRE(data.scenes.size() == 1U);
  const LabelledScene& scene = data.scenes.front();
  BOOST_TEST(scene.width() < 1024 + 520);
  BOOST_TEST(scene.height() < 512 + 520);
  BOOST_TEST(data.objects == 2 * static_cast<int64_t>(world.tile.objects.size()));
}

BOOST_AUTO_TEST_CASE(a_part_shows_what_the_whole_scene_shows_there) {
  const test::LargeScenes world;
  world.layer("labels.geojson", {{0, 20, 30}});
  const TrainingData data = load_training_data(options_for(world, 1));
  BOOST_REQUIRE(data.scenes.size() == 1U);
  const LabelledScene& scene = data.scenes.front();
  BOOST_TEST(scene.width() < 512 + 520);
  const Point corner =
      world.grid(0).world_from_pixel.inverse()({scene.grid.world_from_pixel.x0, scene.grid.world_from_pixel.y0});
  const auto col = static_cast<int64_t>(corner.x + 0.5), row = static_cast<int64_t>(corner.y + 0.5);
  int64_t different = 0;
  for (int64_t r = 0; r < scene.height(); ++r) {
    for (int64_t c = 0; c < scene.width(); ++c) {
      const int64_t from_col = (col + c) % test::LargeScenes::kTile, from_row = (row + r) % test::LargeScenes::kTile;
      different += scene.pyramid[0].at(c, r, 1) != world.tile.pyramid[0].at(from_col, from_row, 1) ? 1 : 0;
    }
  }
  BOOST_TEST(different == 0);
  // The reductions are those of the whole, too.
  BOOST_TEST(scene.pyramid[2].at(3, 5) == world.tile.pyramid[2].at(col / 4 % (test::LargeScenes::kTile / 4) + 3,
                                                                   row / 4 % (test::LargeScenes::kTile / 4) + 5));
  // Objects lie on bright ground, and all of the labelled part, nothing else, is for training.
  for (const Bounds& box : scene.object_bounds) {
    const auto middle_col = static_cast<int64_t>((box.min_x + box.max_x) / 2);
    const auto middle_row = static_cast<int64_t>((box.min_y + box.max_y) / 2);
    BOOST_TEST(scene.pyramid[0].at(middle_col, middle_row) >= 200);
    BOOST_TEST(scene.use.at(middle_col, middle_row) == static_cast<uint8_t>(PixelUse::Train));
  }
  BOOST_TEST(scene.use.at(0, 0) == static_cast<uint8_t>(PixelUse::None));
  BOOST_TEST(scene.use.at(scene.width() - 1, scene.height() - 1) == static_cast<uint8_t>(PixelUse::None));
}

BOOST_AUTO_TEST_SUITE_END()
