// SPDX-License-Identifier: Apache-2.0
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/labels/label_shift.hpp"
#include "training/data/training_data.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

using namespace plat;
using test::DataWorld;

namespace {

struct Session {
  GdalSession gdal;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TrainingDataOptions options_for(const DataWorld& world) {
  TrainingDataOptions options;
  options.data = {world.folder.path().string()};
  return options;
}

/// A check's entry in the report.
std::optional<nlohmann::json> finding(const TrainingData& data, const std::string& check) {
  const auto json = nlohmann::json::parse(data.json);
  for (const auto& entry : json.at("checks")) {
    if (entry.at("check") == check) return entry;
  }
  return std::nullopt;
}

int64_t count(const TrainingData& data, const std::string& check) {
  const auto entry = finding(data, check);
  return entry ? entry->at("count").get<int64_t>() : 0;
}

/// A layer of hand-drawn objects in pixels of the world's scene, with an attribute.
void write_layer(const DataWorld& world, const std::string& name,
                 const std::vector<std::pair<Polygon, std::string>>& objects) {
  FeatureWriter writer(world.path(name), world.scene.grid.crs, {{"kind", FieldType::Text}});
  for (const auto& [polygon, kind] : objects) {
    AttributeValue value;
    if (!kind.empty()) value = kind;
    writer.write({{world.scene.grid.to_world(polygon)}, {{"kind", value}}});
  }
  writer.close();
}

std::string message(const TrainingDataOptions& options) {
  try {
    load_training_data(options);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(label_checks)

BOOST_AUTO_TEST_CASE(each_kind_of_bad_label_is_counted) {
  const DataWorld world;
  world.image("a.tif", world.all());
  const Polygon bow_tie = {{{100, 100}, {130, 130}, {130, 100}, {100, 130}}, {}};
  write_layer(world, "a.gpkg",
              {{test::rectangle(10, 10, 20, 20), ""},
               {test::rectangle(10, 10, 20, 20), ""},  // twice
               {test::rectangle(200, 200, 40, 40), ""},
               {test::rectangle(230, 200, 40, 40), ""},  // shares a quarter with the last
               {bow_tie, ""},
               {test::rectangle(300, 300, 1, 1), ""},     // less than four pixels
               {test::rectangle(-1, -1, 390, 390), ""},   // a frame
               {test::rectangle(900, 10, 20, 20), ""}});  // elsewhere
  const TrainingData data = load_training_data(options_for(world));
  BOOST_TEST(count(data, "duplicate") == 1);
  BOOST_TEST(count(data, "invalid") == 1);
  BOOST_TEST(count(data, "tiny") == 1);
  BOOST_TEST(count(data, "frame") == 1);
  BOOST_TEST(count(data, "outside") == 1);
  BOOST_TEST(count(data, "overlap") >= 2);
  // Both halves of the bow-tie are objects now.
  BOOST_TEST(data.objects == 7);
}

BOOST_AUTO_TEST_CASE(clean_labels_give_no_warning) {
  const DataWorld world;
  world.image("a.tif", world.all());
  world.layer("a.geojson", world.all());
  const auto json = nlohmann::json::parse(load_training_data(options_for(world)).json);
  BOOST_TEST(!json.at("checks").empty());
  for (const auto& entry : json.at("checks")) BOOST_TEST(entry.at("severity") == "note", entry.dump());
}

BOOST_AUTO_TEST_CASE(images_without_objects_are_background_but_all_of_them_are_an_error) {
  const DataWorld world;
  world.image("a.tif", {0, 0, 192, 384});
  world.image("b.tif", {192, 0, 192, 384});
  world.mask_file("a_mask.tif", {0, 0, 192, 384}, 0);
  world.mask_file("b_mask.tif", {192, 0, 192, 384}, 0);
  BOOST_TEST(has(message(options_for(world)), "no object"));
  std::filesystem::remove(world.folder.file("b_mask.tif"));
  world.mask_file("b_mask.tif", {192, 0, 192, 384}, 1);
  const TrainingData data = load_training_data(options_for(world));
  BOOST_TEST(data.scenes.size() == 2);
  BOOST_TEST(count(data, "empty") == 1);
}

BOOST_AUTO_TEST_CASE(labels_named_like_an_image_but_elsewhere_leave_it_out_and_say_where_they_lie) {
  const DataWorld world;
  world.image("a.tif", world.all());
  world.layer("a.geojson", world.all(), 250'000);
  BOOST_TEST(has(message(options_for(world)), "a.geojson lies at "), message(options_for(world)));
  BOOST_TEST(has(message(options_for(world)), "250 km from"), message(options_for(world)));
}

BOOST_AUTO_TEST_CASE(a_mask_of_another_size_is_refused) {
  const DataWorld world;
  world.plain_image("a.bmp", {0, 0, 192, 192});
  world.plain_mask("a_mask.bmp", {0, 0, 96, 96});
  BOOST_TEST(has(message(options_for(world)), "the mask has 96 x 96 pixels, the image 192 x 192"));
}

BOOST_AUTO_TEST_CASE(classes_are_chosen_by_value_and_by_the_name_of_the_class) {
  const DataWorld world;
  world.image("a.tif", world.all());
  write_layer(world, "a.gpkg",
              {{test::rectangle(10, 10, 20, 20), "House"},
               {test::rectangle(60, 10, 20, 20), "house "},
               {test::rectangle(110, 10, 20, 20), "shed"},
               {test::rectangle(160, 10, 20, 20), "road"},
               {test::rectangle(210, 10, 20, 20), ""}});
  TrainingDataOptions options = options_for(world);
  BOOST_TEST(load_training_data(options).objects == 5);
  options.class_attribute = "kind";
  TrainingData data = load_training_data(options);
  BOOST_TEST(data.objects == 5);
  BOOST_TEST(has(finding(data, "classes")->at("text").get<std::string>(), "--class-values"));
  options.class_name = "house";
  data = load_training_data(options);
  BOOST_TEST(data.objects == 2);
  BOOST_TEST(count(data, "spelling") == 2);
  BOOST_TEST(count(data, "no-class") == 1);
  options.class_values = {"shed", "road"};
  BOOST_TEST(load_training_data(options).objects == 2);
  options.class_values = {"barn"};
  BOOST_TEST(has(message(options), "house (2)"), message(options));
  options.class_attribute = "type";
  BOOST_TEST(has(message(options), "it has kind"), message(options));
}

BOOST_AUTO_TEST_CASE(values_of_masks_are_classes_or_numbers_of_objects) {
  const DataWorld world;
  world.image("a.tif", world.all());
  Image<uint8_t> mask = world.mask(world.all(), 1);
  for (int64_t r = 0; r < 384; ++r) {
    for (int64_t c = 192; c < 384; ++c) mask.at(c, r) = static_cast<uint8_t>(2 * mask.at(c, r));
  }
  write_raster(world.path("a_mask.tif"), mask, world.scene.grid);
  TrainingDataOptions options = options_for(world);
  const int64_t all = load_training_data(options).objects;
  options.class_values = {"2"};
  const int64_t second = load_training_data(options).objects;
  BOOST_TEST(second > 0);
  BOOST_TEST(second < all);
  // One number an object.
  const Image<int32_t> numbers = rasterize_labels(world.scene.objects, 384, 384);
  std::filesystem::remove(world.folder.file("a_mask.tif"));
  write_raster(world.path("a_mask.tif"), numbers, world.scene.grid);
  options.class_values.clear();
  const TrainingData data = load_training_data(options);
  BOOST_TEST(data.objects == static_cast<int64_t>(world.scene.objects.size()));
  BOOST_TEST(count(data, "instances") == data.objects);
}

BOOST_AUTO_TEST_CASE(a_shift_is_found_to_half_a_pixel_and_mended) {
  const DataWorld world;
  world.image("a.tif", world.all());
  for (const auto& [east, south] : {std::pair{0.0, 0.0}, {1.35, -0.75}, {-2.1, 1.5}}) {
    BOOST_TEST_CONTEXT("shifted by " << east << " m east and " << south << " m south") {
      std::filesystem::remove(world.folder.file("a.gpkg"));
      world.layer("a.gpkg", world.all(), east, south);
      TrainingDataOptions options = options_for(world);
      const TrainingData data = load_training_data(options);
      const auto shift = nlohmann::json::parse(data.json).at("scenes").at(0).at("shift");
      BOOST_TEST(shift.at("clear").get<bool>());
      BOOST_TEST(std::abs(shift.at("col").get<double>() + east / 0.3) < 0.5);
      BOOST_TEST(std::abs(shift.at("row").get<double>() + south / 0.3) < 0.5);
      BOOST_TEST((finding(data, "shift")->at("severity") == "warning") == (east != 0));
      options.fix_shift = true;
      const TrainingData fixed = load_training_data(options);
      const Bounds mended = fixed.scenes.front().object_bounds.front();
      const Bounds drawn = world.scene.object_bounds.front();
      BOOST_TEST(std::abs(mended.min_x - drawn.min_x) < 0.5);
      BOOST_TEST(std::abs(mended.max_y - drawn.max_y) < 0.5);
    }
  }
}

BOOST_AUTO_TEST_CASE(where_labels_fit_nowhere_no_shift_is_claimed) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    // The objects are those of another world, each thrown somewhere near its place.
    LabelledScene scene = test::drawn_world(384, 0.3, 9);
    scene.objects = test::drawn_world(384, 0.3, 50 + seed).objects;
    Random random(seed);
    for (MultiPolygon& object : scene.objects) {
      const double dx = random.uniform(-20, 20);
      const double dy = random.uniform(-20, 20);
      for (Point& p : object.front().exterior) p = {p.x + dx, p.y + dy};
    }
    const LabelShift shift = best_shift(shift_surface(scene));
    BOOST_TEST(!shift.clear, "seed " << seed << ": confidence " << shift.confidence << ", rivalry " << shift.rivalry);
  }
}

BOOST_AUTO_TEST_SUITE_END()
