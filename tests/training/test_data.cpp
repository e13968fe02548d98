// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_data.hpp"
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "geo/rasterize.hpp"
#include "training/data/drawn_scenes.hpp"
#include "training/data/training_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

/// A drawn scene on disk, whole and cut into four chips, and its labels in WGS 84.
struct World {
  World() : scene(test::drawn_world(384, 0.3, 9)) {
    write_raster(folder.file("scene.tif"), scene.pyramid.front(), scene.grid);
    std::filesystem::create_directory(folder.path() / "chips");
    for (int64_t i = 0; i < 4; ++i) {
      const Window window = {i % 2 * 192, i / 2 * 192, 192, 192};
      write_raster(folder.file("chips/" + std::to_string(i) + ".tif"), crop(scene.pyramid.front(), window),
                   scene.grid.sub(window));
    }
    FeatureWriter labels(folder.file("labels.geojson"), scene.grid.crs, {});
    for (const MultiPolygon& object : scene.objects) labels.write({{scene.grid.to_world(object.front())}, {}});
    labels.close();
    options.scenes = {folder.file("scene.tif")};
    options.labels = {folder.file("labels.geojson")};
    options.gsd_m = 0.3;
  }
  test::TemporaryFolder folder;
  LabelledScene scene;
  TrainingDataOptions options;
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(data)

BOOST_AUTO_TEST_CASE(labels_of_another_crs_lie_where_the_pixels_are_bright) {
  World world;
  const TrainingData data = load_training_data(world.options);
  BOOST_REQUIRE(data.scenes.size() == 1);
  BOOST_TEST(data.objects == static_cast<int64_t>(world.scene.objects.size()));
  for (const MultiPolygon& object : data.scenes.front().objects) {
    const Bounds box = bounds(object);
    const auto col = static_cast<int64_t>((box.min_x + box.max_x) / 2);
    const auto row = static_cast<int64_t>((box.min_y + box.max_y) / 2);
    BOOST_TEST(data.scenes.front().pyramid.front().at(col, row) >= 200);
  }
}

BOOST_AUTO_TEST_CASE(chips_are_joined_into_the_scene_that_they_were_cut_from) {
  World world;
  world.options.scenes = {world.folder.file("chips")};
  const TrainingData data = load_training_data(world.options);
  BOOST_REQUIRE(data.scenes.size() == 1);
  BOOST_TEST((data.scenes.front().pyramid.front() == world.scene.pyramid.front()));
}

BOOST_AUTO_TEST_CASE(the_area_named_for_validation_is_kept_out_and_nothing_else) {
  World world;
  const Affine& place = world.scene.grid.world_from_pixel;
  const Point corner = place({300, 384});
  const Point opposite = place({384, 0});
  world.options.val_bbox = Bounds{corner.x, corner.y, opposite.x, opposite.y};
  const TrainingData data = load_training_data(world.options);
  const LabelledScene& scene = data.scenes.front();
  for (int64_t r = 0; r < 384; ++r) {
    for (int64_t c = 0; c < 384; ++c) {
      const auto use = static_cast<PixelUse>(scene.use.at(c, r));
      BOOST_TEST_REQUIRE((use != PixelUse::Validate || c >= 300));
      BOOST_TEST_REQUIRE((use != PixelUse::Train || c < 300));
    }
  }
  BOOST_REQUIRE(data.validation.size() == 1);
  const Image<uint8_t> counts = truth_of(data.validation.front()).counts;
  BOOST_TEST(std::count(counts.data(), counts.data() + counts.size(), 1) == scene.count(PixelUse::Validate));
}

BOOST_AUTO_TEST_CASE(blocks_for_validation_hold_about_the_share_asked_for) {
  World world;
  world.options.val_fraction = 0.25;
  world.options.val_block_m = 15;
  const TrainingData data = load_training_data(world.options);
  const double share =
      static_cast<double>(data.validation_pixels) / static_cast<double>(data.validation_pixels + data.training_pixels);
  BOOST_TEST(share > 0.2);
  BOOST_TEST(share < 0.3);
  world.options.val_fraction = 0;
  BOOST_TEST(load_training_data(world.options).validation_pixels == 0);
}

BOOST_AUTO_TEST_CASE(the_ground_kept_out_is_told_image_by_image) {
  World world;
  world.options.val_fraction = 0.25;
  world.options.val_block_m = 15;
  const auto ground_m2 = [](const TrainingData& data) {
    double sum = 0;
    for (const KeptOutGround& ground : data.kept_out) sum += area(ground.area);
    return sum;
  };
  const TrainingData whole = load_training_data(world.options);
  const auto expected = [](const TrainingData& data) {
    return static_cast<double>(data.scenes.front().count(PixelUse::Validate)) * 0.3 * 0.3;
  };
  BOOST_REQUIRE(whole.kept_out.size() == 1);
  BOOST_TEST(whole.kept_out.front().labels == world.options.labels.front());
  BOOST_TEST(ground_m2(whole) == expected(whole), boost::test_tools::tolerance(1e-6));

  // Of chips that were joined each has its own part; labels that no layer holds as they stand are written.
  world.options.scenes = {world.folder.file("chips")};
  write_raster(world.folder.file("mask.tif"), rasterize_mask(world.scene.objects, 384, 384), world.scene.grid);
  world.options.labels = {world.folder.file("mask.tif")};
  const TrainingData chips = load_training_data(world.options);
  BOOST_TEST(chips.kept_out.size() > 1);
  BOOST_TEST(ground_m2(chips) == expected(chips), boost::test_tools::tolerance(1e-6));
  write_kept_out(chips.kept_out, world.folder.file("validation"));
  for (const KeptOutFiles& files : kept_out_files(chips.kept_out, world.folder.file("validation"))) {
    BOOST_TEST(!files.own_labels);
    BOOST_TEST(read_features(files.area).features.size() == 1);
    BOOST_TEST(std::filesystem::exists(files.labels));
  }
}

BOOST_AUTO_TEST_CASE(pixels_outside_the_bounds_of_the_labels_are_left_out) {
  World world;
  FeatureWriter labels(world.folder.file("few.geojson"), world.scene.grid.crs, {});
  double left = 384;
  double right = 0;
  for (const MultiPolygon& object : world.scene.objects) {
    if (bounds(object).max_x > 200) continue;
    left = std::min(left, bounds(object).min_x);
    right = std::max(right, bounds(object).max_x);
    labels.write({{world.scene.grid.to_world(object.front())}, {}});
  }
  labels.close();
  world.options.labels = {world.folder.file("few.geojson")};
  const TrainingData data = load_training_data(world.options);
  const LabelledScene& scene = data.scenes.front();
  for (int64_t c = 0; c < 384; ++c) {
    const auto centre = static_cast<double>(c) + 0.5;
    // The bounds are a rectangle of the labels' own CRS, which may cut the columns at its edges.
    if (std::abs(centre - left) < 2 || std::abs(centre - right) < 2) continue;
    const bool left_out = scene.use.at(c, 200) == static_cast<uint8_t>(PixelUse::None);
    BOOST_TEST(left_out == (centre < left || centre > right), "column " << c);
  }
}

BOOST_AUTO_TEST_CASE(labels_that_lie_elsewhere_are_an_error) {
  World world;
  world.scene.grid.world_from_pixel.x0 += 100000;
  FeatureWriter labels(world.folder.file("far.geojson"), world.scene.grid.crs, {});
  labels.write({{world.scene.grid.to_world(test::rectangle(1, 1, 9, 9))}, {}});
  labels.close();
  world.options.labels = {world.folder.file("far.geojson")};
  BOOST_CHECK_THROW(load_training_data(world.options), DataError);
}

BOOST_AUTO_TEST_CASE(data_teaches_where_any_pixel_of_an_object_is_for_training) {
  World world;
  FeatureWriter labels(world.folder.file("one.geojson"), world.scene.grid.crs, {});
  labels.write({{world.scene.grid.to_world(test::rectangle(100, 100, 60, 60))}, {}});
  labels.close();
  world.options.labels = {world.folder.file("one.geojson")};
  world.options.val_fraction = 0;
  const auto teaches = [&world](double right) {
    const Affine& place = world.scene.grid.world_from_pixel;
    const Point low = place({90, 170}), high = place({right, 90});
    world.options.val_bbox = Bounds{low.x, low.y, high.x, high.y};
    return load_training_data(world.options).teaches;
  };
  BOOST_TEST(teaches(95));
  // Its middle is kept out, its right edge is not.
  BOOST_TEST(teaches(150));
  BOOST_TEST(!teaches(170));
}

BOOST_AUTO_TEST_CASE(drawn_scenes_have_objects_and_repeat) {
  const DrawnScenes source;
  const LabelledScene one = source.scene(5, 256, 0.3);
  BOOST_TEST(one.width() == 256);
  BOOST_TEST((one.pyramid == source.scene(5, 256, 0.3).pyramid));
  BOOST_TEST((one.pyramid != source.scene(6, 256, 0.3).pyramid));
}

BOOST_AUTO_TEST_CASE(labels_without_any_object_are_not_blamed_on_the_crs) {
  const test::DataWorld world;
  world.plain_image("p.bmp", {0, 0, 100, 100});
  test::write_file(world.path("labels.json"),
                   R"({"images":[{"id":1,"file_name":"p.bmp"}],"categories":[],"annotations":[]})");
  TrainingDataOptions options;
  options.data = {world.folder.path().string()};
  BOOST_CHECK_EXCEPTION(load_training_data(options), DataError, [](const DataError& error) {
    return std::string(error.what()).starts_with("the labels hold no object");
  });
}

BOOST_AUTO_TEST_SUITE_END()
