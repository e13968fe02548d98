// SPDX-License-Identifier: Apache-2.0
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/image_rules.hpp"
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

using namespace plat;
using test::DataWorld;

namespace {

struct Session {
  GdalSession gdal;
};

/// A town in two images that touch, in folders of their own, below one layer.
struct TwoParts {
  TwoParts() {
    world.image("data/one/a.tif", {0, 0, 192, 384});
    world.image("data/two/b.tif", {192, 0, 192, 384});
    world.layer("data/all.geojson", world.all());
    options.data = {world.folder.file("data")};
    options.gsd_m = 0.3;
  }
  std::string path(const std::string& name) const { return world.folder.file(name); }
  DataWorld world;
  TrainingDataOptions options;
};

bool has_line(const TrainingData& data, const std::string& part) {
  return std::ranges::any_of(data.report,
                             [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(image_rules)

BOOST_AUTO_TEST_CASE(a_rule_holds_at_and_below_its_path_and_nowhere_beside_it) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "rio");
  std::filesystem::create_directory_symlink(folder.path() / "rio", folder.path() / "link");
  const auto left_out = [&folder](const std::string& path, const std::string& image) {
    ImageRuleOptions options;
    options.leave_out = {path};
    return ImageRules(options).of(image.starts_with("/vsi") ? image : folder.file(image)).left_out;
  };
  BOOST_TEST(left_out(folder.file("rio"), "rio/a.tif"));
  BOOST_TEST(left_out(folder.file("rio/"), "rio/b/a.tif"));
  BOOST_TEST(left_out(folder.file("rio/a.tif"), "rio/a.tif"));
  BOOST_TEST(left_out(folder.file("x/../rio"), "rio/./a.tif"));
  BOOST_TEST(left_out(folder.file("link"), "rio/a.tif"));
  BOOST_TEST(left_out(folder.file("rio"), "link/a.tif"));
  BOOST_TEST(!left_out(folder.file("rio"), "rio2/a.tif"));
  BOOST_TEST(!left_out(folder.file("rio/a"), "rio/a.tif"));
  BOOST_TEST(left_out("/vsizip/all.zip/rio", "/vsizip/all.zip/rio/a.tif"));
}

BOOST_AUTO_TEST_CASE(images_left_out_are_validation_whole_and_joined_with_none_that_are_not) {
  TwoParts parts;
  parts.options.val_fraction = 0;
  BOOST_TEST(load_training_data(parts.options).scenes.size() == 1);
  parts.options.rules.leave_out = {parts.path("data/two")};
  TrainingDataLoader loader(parts.options);
  BOOST_TEST(loader.memory().validation_bytes > 0);
  const TrainingData data = loader.load();
  BOOST_REQUIRE(data.scenes.size() == 2);
  BOOST_TEST(data.scenes[0].count(PixelUse::Validate) == 0);
  BOOST_TEST(data.scenes[0].count(PixelUse::Train) > 0);
  BOOST_TEST(data.scenes[1].count(PixelUse::Train) == 0);
  BOOST_TEST(data.scenes[1].count(PixelUse::Validate) > 0);
  BOOST_REQUIRE(data.kept_out.size() == 1);
  BOOST_TEST(data.kept_out.front().image == parts.path("data/two/b.tif"));
  BOOST_TEST(data.validation.size() == 1);
  BOOST_TEST(data.validation_objects > 0);
  BOOST_TEST(data.teaches);
  BOOST_TEST(has_line(data, "left out of training whole"));
  BOOST_TEST(has_line(data, "1 scene left out whole"));
  BOOST_TEST(nlohmann::json::parse(data.json).at("scenes").at(1).at("left_out_whole") == true);
}

BOOST_AUTO_TEST_CASE(what_is_not_left_out_gives_its_share_as_ever) {
  TwoParts parts;
  parts.options.rules.leave_out = {parts.path("data/two")};
  parts.options.val_fraction = 0.25;
  parts.options.val_block_m = 15;
  const TrainingData data = load_training_data(parts.options);
  const auto train = static_cast<double>(data.scenes[0].count(PixelUse::Train));
  const auto validate = static_cast<double>(data.scenes[0].count(PixelUse::Validate));
  BOOST_TEST(validate / (train + validate) > 0.15);
  BOOST_TEST(validate / (train + validate) < 0.35);
  BOOST_TEST(data.scenes[1].count(PixelUse::Train) == 0);
}

BOOST_AUTO_TEST_CASE(no_other_image_teaches_the_ground_of_one_that_is_left_out) {
  TwoParts parts;
  parts.world.image("data/three/c.tif", {96, 0, 192, 384});
  parts.options.rules.leave_out = {parts.path("data/two")};
  parts.options.val_fraction = 0;
  const TrainingData data = load_training_data(parts.options);
  for (const LabelledScene& scene : data.scenes) {
    const auto first = scene.grid.world_from_pixel.x0;
    for (int64_t c = 0; c < scene.width(); ++c) {
      const double x = first + (static_cast<double>(c) + 0.5) * 0.3;
      const double edge = parts.world.scene.grid.world_from_pixel.x0 + 192 * 0.3;
      if (x > edge) BOOST_TEST_REQUIRE(scene.use.at(c, 100) != static_cast<uint8_t>(PixelUse::Train));
    }
  }
  BOOST_TEST(has_line(data, "on ground that --leave-out names"));
}

BOOST_AUTO_TEST_CASE(a_path_without_any_image_is_an_error) {
  TwoParts parts;
  parts.options.rules.leave_out = {parts.path("data/three")};
  BOOST_CHECK_EXCEPTION(load_training_data(parts.options), UsageError, [](const UsageError& error) {
    return std::string(error.what()).find("no image with labels that is used lies at or below it") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(the_deepest_path_tells_the_weight) {
  ImageRuleOptions options;
  options.weights = {{"data/rio", 3}, {"data", 2}, {"data/rio/a.tif", 0.5}};
  const ImageRules rules(options);
  BOOST_TEST(rules.of("data/rio/a.tif").weight == 0.5);
  BOOST_TEST(rules.of("data/rio/b.tif").weight == 3);
  BOOST_TEST(rules.of("data/c.tif").weight == 2);
  BOOST_TEST(rules.of("other/c.tif").weight == 1);
}

BOOST_AUTO_TEST_CASE(a_path_with_a_number_is_read_from_its_last_sign) {
  const PathValue value = parse_path_value("a=b/c.tif=0.25", "--weight");
  BOOST_TEST(value.path == "a=b/c.tif");
  BOOST_TEST(value.value == 0.25);
  for (const char* text : {"a", "=2", "a=", "a=b", "a=nan"})
    BOOST_CHECK_THROW(parse_path_value(text, "--weight"), UsageError);
  for (const double weight : {0.0, -1.0, 1e9}) {
    ImageRuleOptions options;
    options.weights = {{"a", weight}};
    BOOST_CHECK_THROW(options.validate(), UsageError);
  }
}

BOOST_AUTO_TEST_CASE(images_of_another_weight_are_scenes_of_their_own_and_are_drawn_so_often) {
  TwoParts parts;
  parts.options.val_fraction = 0;
  parts.options.rules.weights = {{parts.path("data/two"), 3}};
  TrainingData data = load_training_data(parts.options);
  BOOST_REQUIRE(data.scenes.size() == 2);
  BOOST_TEST(data.scenes[0].weight == 1);
  BOOST_TEST(data.scenes[1].weight == 3);
  BOOST_TEST(has_line(data, "drawn 3 times as often as by area"));
  const auto area = [&data](std::size_t i) { return static_cast<double>(data.scenes[i].count(PixelUse::Train)); };
  const double expected = 3 * area(1) / (area(0) + 3 * area(1));
  // The second scene is white, the first one is black.
  for (std::size_t i = 0; i < 2; ++i) {
    for (Image<uint8_t>& level : data.scenes[i].pyramid)
      std::fill(level.data(), level.data() + level.size(), static_cast<uint8_t>(255 * i));
  }
  CropOptions crops;
  crops.size = 32;
  crops.colour.permute = crops.colour.mix = crops.colour.grey = crops.colour.stretch = crops.colour.noise = 0;
  crops.colour.light.haze = crops.colour.light.sun = crops.colour.light.shadow = 0;
  crops.colour.log_gamma = crops.colour.log_contrast = crops.colour.brightness = 0;
  const CropSampler sampler(std::move(data.scenes), crops, 5);
  constexpr int64_t kCrops = 600;
  int64_t white = 0;
  for (int64_t n = 0; n < kCrops; ++n) {
    const Image<float> pixels = sampler.sample(n).pixels;
    white += *std::max_element(pixels.data(), pixels.data() + pixels.size()) > 100 ? 1 : 0;
  }
  // Four standard deviations of a share of so many crops.
  const double deviation = std::sqrt(expected * (1 - expected) / kCrops);
  BOOST_TEST(std::abs(static_cast<double>(white) / kCrops - expected) < 4 * deviation);
}

BOOST_AUTO_TEST_CASE(labels_are_not_trusted_near_outlines_or_away_from_objects_where_that_is_said) {
  TwoParts parts;
  parts.options.rules.label_margins = {{parts.path("data"), 1.2}};
  parts.options.rules.incomplete = {parts.path("data/two")};
  const TrainingData data = load_training_data(parts.options);
  BOOST_REQUIRE(data.scenes.size() == 2);
  BOOST_TEST(data.scenes[0].label_margin_m == 1.2);
  BOOST_TEST(!data.scenes[0].incomplete);
  BOOST_TEST(data.scenes[1].label_margin_m == 1.2);
  BOOST_TEST(data.scenes[1].incomplete);
  BOOST_TEST(has_line(data, "labels not trusted within 1.2 m of outlines"));
  BOOST_TEST(has_line(data, "labels incomplete"));
}

BOOST_AUTO_TEST_SUITE_END()
