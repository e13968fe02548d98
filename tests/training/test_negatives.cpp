// SPDX-License-Identifier: Apache-2.0
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/negatives.hpp"
#include "training/data/training_data.hpp"
#include "training/samples/crop_sampler.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace plat;
using test::DataWorld;

namespace {

struct Session {
  GdalSession gdal;
};

/// A town with labels, and images of one grey without any.
struct TownAndWater {
  TownAndWater() {
    world.image("data/town.tif", world.all());
    world.layer("data/all.geojson", world.all());
    options.data = {world.folder.file("data")};
    options.negatives.paths = {world.folder.file("water")};
    options.gsd_m = 0.3;
  }
  void water(const std::string& name, int64_t size, double gsd_m, uint8_t grey = 250) const {
    Grid grid = world.scene.grid;
    grid.width = grid.height = size;
    grid.world_from_pixel = {600'000, gsd_m, 0, 3'000'000, 0, -gsd_m};
    Image<uint8_t> pixels(size, size, 3, grey);
    // Stripes, so that there is something to stretch between.
    for (int64_t r = 0; r < size; ++r) {
      for (int64_t c = 0; c < size; c += 2) pixels.at(c, r, 1) = 120;
    }
    write_raster(world.path("water/" + name), pixels, grid);
  }
  DataWorld world;
  TrainingDataOptions options;
};

CropOptions plain_crops() {
  CropOptions crops;
  crops.size = 64;
  crops.scale = {1, 1};
  crops.rotate = crops.stretch = 0;
  ColourOptions& colour = crops.colour;
  colour.permute = colour.mix = colour.grey = colour.saturate = colour.coarsen = colour.blur = colour.sharpen = 0;
  colour.light.haze = colour.light.sun = colour.light.shadow = 0;
  colour.stretch = colour.noise = colour.jpeg = 0;
  colour.log_gamma = colour.log_contrast = colour.brightness = colour.log_balance = 0;
  return crops;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(negatives)

BOOST_AUTO_TEST_CASE(images_with_labels_and_what_is_left_out_are_not_taken_for_images_without_objects) {
  const auto complaint = [](const TrainingDataOptions& options) {
    try {
      load_training_data(options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  TownAndWater data;
  data.water("a.tif", 200, 0.3);
  data.options.negatives.paths = {data.world.folder.file("data/town.tif")};
  BOOST_TEST(complaint(data.options).find("town.tif has labels") != std::string::npos);
  // The same ground in another file: nothing of it is left to teach.
  std::filesystem::create_directory(data.world.folder.path() / "again");
  std::filesystem::copy(data.world.folder.file("data/town.tif"), data.world.folder.file("again/town.tif"));
  data.options.negatives.paths = {data.world.folder.file("again")};
  BOOST_TEST(complaint(data.options).find("shows ground that images with labels do not") != std::string::npos);
  data.options.negatives.paths.push_back(data.world.folder.file("water"));
  BOOST_TEST(load_training_data(data.options).negatives.size() == 1);
  data.options.negatives.paths = {""};
  BOOST_TEST(complaint(data.options).find("needs paths") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(labels_too_rough_to_leave_anything_are_refused_or_told) {
  TownAndWater data;
  data.water("a.tif", 200, 0.3);
  const std::string town = data.world.folder.file("data/town.tif");
  data.options.rules.incomplete = {town};
  data.options.rules.label_margins = {{town, 5}};
  BOOST_CHECK_THROW(load_training_data(data.options), UsageError);
  data.options.rules.incomplete.clear();
  data.options.rules.label_margins = {{town, 60}};
  BOOST_TEST(!load_training_data(data.options).teaches);
}

BOOST_AUTO_TEST_CASE(images_without_objects_are_background_for_training_and_never_validation) {
  TownAndWater data;
  data.water("a.tif", 200, 0.3);
  data.water("far/b.tif", 100, 0.3);
  TrainingDataLoader loader(data.options);
  BOOST_TEST(loader.memory().negatives == 2);
  BOOST_TEST(loader.memory().negative_bytes > 3 * (200 * 200 + 100 * 100));
  const TrainingData found = loader.load();
  BOOST_TEST(found.scenes.size() == 1);
  BOOST_REQUIRE(found.negatives.size() == 2);
  BOOST_TEST(found.negatives[0].count(PixelUse::Train) == 200 * 200);
  BOOST_TEST(found.negatives[0].objects.empty());
  for (const ValidationArea& area : found.validation) BOOST_TEST(area.scene == &found.scenes.front());
  const auto json = nlohmann::json::parse(found.json);
  BOOST_TEST(json.at("negatives").size() == 2);
  BOOST_TEST(json.at("negatives").at(0).at("pixel_by_pixel") == false);
}

BOOST_AUTO_TEST_CASE(coarse_imagery_is_shown_at_its_own_pixels) {
  TownAndWater data;
  data.water("coarse.tif", 100, 10);
  data.water("near.tif", 100, 0.5);
  const TrainingData found = load_training_data(data.options);
  BOOST_REQUIRE(found.negatives.size() == 2);
  BOOST_TEST(found.negatives[0].gsd_m == 0.3);
  BOOST_TEST(found.negatives[1].gsd_m == 0.5, boost::test_tools::tolerance(1e-2));
  BOOST_TEST(std::ranges::any_of(found.report, [](const std::string& line) {
    return line.find("coarse.tif, background only") != std::string::npos &&
           line.find("pixels taken for those of the model") != std::string::npos;
  }));
}

BOOST_AUTO_TEST_CASE(of_a_large_image_the_middle_is_held) {
  TownAndWater data;
  Grid grid = data.world.scene.grid;
  grid.width = kLargestNegative + 900;
  grid.height = 80;
  write_raster(data.world.path("water/wide.tif"), Image<uint8_t>(grid.width, grid.height, 3, 90), grid);
  const auto planned = plan_negatives(data.options.negatives, {{}, 0.3, {}, {}});
  BOOST_REQUIRE(planned.size() == 1);
  BOOST_TEST(planned[0].part.width == kLargestNegative);
  BOOST_TEST(planned[0].part.height == 80);
  BOOST_TEST(planned[0].part.col == 448);
}

BOOST_AUTO_TEST_CASE(they_are_shown_in_their_share_of_the_crops_by_area) {
  TownAndWater data;
  data.water("a.tif", 300, 0.3);
  data.water("b.tif", 150, 0.3);
  TrainingData found = load_training_data(data.options);
  for (std::size_t i = 0; i < 2; ++i) {
    for (Image<uint8_t>& level : found.negatives[i].pyramid)
      std::fill(level.data(), level.data() + level.size(), static_cast<uint8_t>(i == 0 ? 130 : 5));
  }
  CropSampler sampler(std::move(found.scenes), plain_crops(), 3);
  BOOST_CHECK_THROW(sampler.add_negatives({}, 0.2), DataError);
  BOOST_CHECK_THROW(sampler.add_negatives(found.negatives, 1.2), UsageError);
  sampler.add_negatives(std::move(found.negatives), 0.4);
  constexpr int64_t kCrops = 500;
  int64_t large = 0, small = 0;
  for (int64_t n = 0; n < kCrops; ++n) {
    const Sample sample = sampler.sample(n);
    const auto [low, high] = std::minmax_element(sample.pixels.data(), sample.pixels.data() + sample.pixels.size());
    if (*high - *low > 1) continue;
    (*high > 100 ? large : small) += 1;
    BOOST_TEST_REQUIRE(std::all_of(sample.labels.data(), sample.labels.data() + sample.labels.size(),
                                   [](int32_t label) { return label == 0; }));
    BOOST_TEST_REQUIRE(std::any_of(sample.counts.data(), sample.counts.data() + sample.counts.size(),
                                   [](uint8_t count) { return count == 1; }));
    BOOST_TEST_REQUIRE((sampler.sample(n).pixels == sample.pixels));
  }
  // Four standard deviations of shares of so many crops: two fifths in all, a fifth of them from the smaller one.
  BOOST_TEST(std::abs(static_cast<double>(large + small) / kCrops - 0.4) < 4 * std::sqrt(0.24 / kCrops));
  BOOST_TEST(std::abs(static_cast<double>(small) / kCrops - 0.08) < 4 * std::sqrt(0.08 * 0.92 / kCrops));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_them_is_told) {
  TownAndWater data;
  std::filesystem::create_directory(data.world.folder.path() / "water");
  BOOST_CHECK_THROW(load_training_data(data.options), DataError);
  data.options.negatives.share = 0.95;
  BOOST_CHECK_THROW(load_training_data(data.options), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
