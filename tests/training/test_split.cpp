// SPDX-License-Identifier: Apache-2.0
#include "tests/training/drawn_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/ground_split.hpp"
#include "training/data/validation_areas.hpp"
#include "training/samples/crop_sampler.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>
#include <vector>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

constexpr auto kValidate = static_cast<uint8_t>(PixelUse::Validate);

/// A part of a drawn world as a scene of its own.
LabelledScene part(const LabelledScene& world, const Window& window) {
  std::vector<MultiPolygon> objects;
  for (MultiPolygon object : world.objects) {
    for (Point& p : object.front().exterior)
      p = {p.x - static_cast<double>(window.col), p.y - static_cast<double>(window.row)};
    if (bounds(object).intersects({0, 0, static_cast<double>(window.width), static_cast<double>(window.height)}))
      objects.push_back(object);
  }
  return make_scene("part", crop(world.pyramid.front(), window), world.grid.sub(window), world.gsd_m, objects);
}

double share(const std::vector<LabelledScene>& scenes) {
  double validate = 0;
  double all = 0;
  for (const LabelledScene& scene : scenes) {
    validate += static_cast<double>(scene.count(PixelUse::Validate));
    all += static_cast<double>(scene.width() * scene.height());
  }
  return validate / all;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(split)

BOOST_AUTO_TEST_CASE(ground_lies_on_one_side_whichever_scene_shows_it) {
  const LabelledScene world = test::drawn_world(480, 0.3, 4);
  // Chips that overlap by half, each in another order of the list.
  std::vector<LabelledScene> scenes;
  std::vector<Window> windows;
  for (int64_t row = 0; row + 192 <= 480; row += 96) {
    for (int64_t col = 0; col + 192 <= 480; col += 96) windows.push_back({col, row, 192, 192});
  }
  for (const Window& window : windows) scenes.push_back(part(world, window));
  const SplitReport report = split_on_ground(scenes, {0.2, 20, 3});
  BOOST_TEST(report.validation_blocks > 1);
  std::map<std::pair<int64_t, int64_t>, uint8_t> ground;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    for (int64_t r = 0; r < 192; ++r) {
      for (int64_t c = 0; c < 192; ++c) {
        const auto [place, is_new] =
            ground.try_emplace({windows[i].col + c, windows[i].row + r}, scenes[i].use.at(c, r));
        BOOST_TEST_REQUIRE(place->second == scenes[i].use.at(c, r),
                           "column " << place->first.first << " row " << place->first.second);
      }
    }
  }
  BOOST_TEST(share(scenes) > 0.12);
  BOOST_TEST(share(scenes) < 0.28);
}

BOOST_AUTO_TEST_CASE(scenes_of_other_crs_share_the_same_blocks) {
  const LabelledScene world = test::drawn_world(384, 0.3, 4);
  LabelledScene mercator = world;
  const CrsTransform to(world.grid.crs, Crs::from_text("EPSG:3857"));
  const Bounds box = to(world.grid.world_bounds());
  mercator.grid.crs = Crs::from_text("EPSG:3857");
  mercator.grid.world_from_pixel = {box.min_x, (box.max_x - box.min_x) / 384, 0, box.max_y,
                                    0,         (box.min_y - box.max_y) / 384};
  std::vector<LabelledScene> scenes = {world, mercator};
  split_on_ground(scenes, {0.2, 20, 5});
  const CrsTransform back(mercator.grid.crs, world.grid.crs);
  const Affine to_pixel = world.grid.world_from_pixel.inverse();
  int64_t different = 0;
  int64_t compared = 0;
  for (int64_t r = 4; r < 380; r += 3) {
    for (int64_t c = 4; c < 380; c += 3) {
      const Point p =
          to_pixel(back(mercator.grid.world_from_pixel({static_cast<double>(c) + 0.5, static_cast<double>(r) + 0.5})));
      if (p.x < 0 || p.y < 0 || p.x >= 384 || p.y >= 384) continue;
      ++compared;
      different +=
          scenes[0].use.at(static_cast<int64_t>(p.x), static_cast<int64_t>(p.y)) != scenes[1].use.at(c, r) ? 1 : 0;
    }
  }
  BOOST_TEST(compared > 10'000);
  // Only pixels that a block's edge crosses may differ: positions are compared to half a pixel.
  BOOST_TEST(different < compared / 50);
}

BOOST_AUTO_TEST_CASE(validation_areas_count_each_validation_pixel_once_and_show_little_else) {
  std::vector<LabelledScene> scenes = {test::drawn_world(960, 0.3, 4)};
  split_on_ground(scenes, {0.1, 20, 3});
  const LabelledScene& scene = scenes.front();
  const auto areas = validation_areas(scenes);
  BOOST_TEST(areas.size() > 1u);
  Image<uint8_t> counted(960, 960);
  for (const ValidationArea& area : areas) {
    const AreaTruth truth = truth_of(area);
    BOOST_TEST(truth.counts.width() == area.window.width);
    BOOST_TEST(area.window.pixel_count() < 960 * 960 / 2);
    for (int64_t r = 0; r < area.window.height; ++r) {
      for (int64_t c = 0; c < area.window.width; ++c)
        counted.at(area.window.col + c, area.window.row + r) += truth.counts.at(c, r);
    }
  }
  int64_t wrong = 0;
  for (std::size_t i = 0; i < counted.size(); ++i)
    wrong += counted.data()[i] != (scene.use.data()[i] == static_cast<uint8_t>(PixelUse::Validate) ? 1 : 0) ? 1 : 0;
  BOOST_TEST(wrong == 0);
  std::fill_n(scenes.front().use.data(), scenes.front().use.size(), static_cast<uint8_t>(PixelUse::Train));
  BOOST_TEST(validation_areas(scenes).empty());
}

BOOST_AUTO_TEST_CASE(a_large_validation_area_is_cut_into_parts_that_count_its_pixels_once) {
  std::vector<LabelledScene> scenes = {test::drawn_world(960, 0.3, 4)};
  LabelledScene& scene = scenes.front();
  std::fill_n(scene.use.data(), scene.use.size(), static_cast<uint8_t>(PixelUse::Validate));
  // A model of pixels a quarter as wide sees the scene that much larger.
  scene.model = {3840, 3840, {0, 0.25, 0, 0, 0, 0.25}};
  const auto areas = validation_areas(scenes);
  int64_t counted = 0;
  for (const ValidationArea& area : areas) {
    BOOST_TEST(area.window.pixel_count() <= kLargestValidationArea);
    const AreaTruth truth = truth_of(area);
    counted += std::count(truth.counts.data(), truth.counts.data() + truth.counts.size(), 1);
  }
  BOOST_TEST(counted == 3840 * 3840);
}

BOOST_AUTO_TEST_CASE(no_crop_for_training_shows_a_validation_pixel) {
  LabelledScene world = test::drawn_world(384, 0.3, 4);
  std::vector<LabelledScene> scenes = {world};
  split_on_ground(scenes, {0.3, 25, 1});
  // Validation pixels become white where nothing else is: no crop may have any of it.
  LabelledScene& scene = scenes.front();
  Image<uint8_t>& pixels = scene.pyramid.front();
  for (int64_t r = 0; r < 384; ++r) {
    for (int64_t c = 0; c < 384; ++c) {
      for (int64_t b = 0; b < 3; ++b) pixels.at(c, r, b) = scene.use.at(c, r) == kValidate ? 255 : 10;
    }
  }
  for (int64_t r = 0; r < 384; ++r) {
    for (int64_t c = 0; c < 384; ++c) {
      const Affine one = {static_cast<double>(c), 1, 0, static_cast<double>(r), 0, 1};
      const Image<float> shown = warp_pixels(scene, one, 1, 1, Show::TrainingOnly);
      BOOST_TEST_REQUIRE((shown.at(0, 0) <= 10));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_split_repeats_and_follows_the_seed) {
  const LabelledScene world = test::drawn_world(384, 0.3, 4);
  const auto use = [&](uint64_t seed) {
    std::vector<LabelledScene> scenes = {world};
    split_on_ground(scenes, {0.2, 15, seed});
    return scenes.front().use;
  };
  BOOST_TEST((use(1) == use(1)));
  BOOST_TEST((use(1) != use(2)));
}

BOOST_AUTO_TEST_CASE(both_sides_get_objects_where_that_can_be_had) {
  // Objects in one corner only: most draws would keep nothing but empty ground out.
  LabelledScene world = test::drawn_world(384, 0.3, 4);
  std::vector<MultiPolygon> few;
  for (const MultiPolygon& object : world.objects) {
    if (bounds(object).max_x < 110 && bounds(object).max_y < 110) few.push_back(object);
  }
  BOOST_REQUIRE(few.size() >= 4);
  int64_t redrawn = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::vector<LabelledScene> scenes = {make_scene("few", world.pyramid.front(), world.grid, 0.3, few)};
    redrawn += split_on_ground(scenes, {0.15, 12, seed}).redraws;
    BOOST_TEST(objects_on(scenes.front(), PixelUse::Validate) > 0, "seed " << seed);
    BOOST_TEST(objects_on(scenes.front(), PixelUse::Train) > 0, "seed " << seed);
  }
  BOOST_TEST(redrawn > 0);
}

BOOST_AUTO_TEST_CASE(pictures_without_georeference_are_kept_whole_where_there_are_enough) {
  const LabelledScene world = test::drawn_world(384, 0.3, 4);
  std::vector<LabelledScene> scenes;
  for (int64_t i = 0; i < 8; ++i) {
    LabelledScene scene = part(world, {i % 4 * 96, i / 4 * 192, 96, 192});
    scene.grid = Grid{96, 192, {0, 1, 0, 0, 0, -1}, {}};
    scene.georeferenced = false;
    scenes.push_back(std::move(scene));
  }
  std::vector<LabelledScene> one = {scenes.front()};
  split_on_ground(scenes, {0.25, 100, 1});
  int64_t validation = 0;
  for (const LabelledScene& scene : scenes) {
    const int64_t pixels = scene.count(PixelUse::Validate);
    BOOST_TEST((pixels == 0 || pixels == 96 * 192));
    validation += pixels > 0 ? 1 : 0;
  }
  BOOST_TEST(validation == 2);
  split_on_ground(one, {0.25, 100, 1});
  BOOST_TEST(one.front().count(PixelUse::Validate) > 0);
  BOOST_TEST(one.front().count(PixelUse::Train) > 0);
}

BOOST_AUTO_TEST_SUITE_END()
