// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ascii_scene.hpp"
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/labels/annotations.hpp"
#include "training/labels/coco_masks.hpp"
#include "training/data/data_discovery.hpp"
#include "training/labels/mask_labels.hpp"
#include "training/data/training_data.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace plat;
using test::DataWorld;
using Json = nlohmann::json;

namespace {

struct Session {
  GdalSession gdal;
};

constexpr Window kPart = {0, 0, 200, 150};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Column by column, background first, as COCO counts.
std::vector<int64_t> runs_of(const Image<int32_t>& mask) {
  std::vector<int64_t> runs = {0};
  bool inside = false;
  for (int64_t c = 0; c < mask.width(); ++c) {
    for (int64_t r = 0; r < mask.height(); ++r) {
      if ((mask.at(c, r) != 0) != inside) {
        runs.push_back(0);
        inside = !inside;
      }
      ++runs.back();
    }
  }
  return runs;
}

/// COCO's text for runs, by the rule of its rleToString.
std::string text_of(const std::vector<int64_t>& runs) {
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    int64_t x = runs[i] - (i > 2 ? runs[i - 2] : 0);
    for (bool more = true; more;) {
      int64_t group = x & 31;
      x >>= 5;
      more = (group & 16) != 0 ? x != -1 : x != 0;
      if (more) group |= 32;
      text.push_back(static_cast<char>(group + 48));
    }
  }
  return text;
}

Json flat(const Polygon& polygon) {
  Json numbers = Json::array();
  for (const Point& p : polygon.exterior) {
    numbers.push_back(p.x);
    numbers.push_back(p.y);
  }
  return numbers;
}

/// The objects of a part of a world as COCO, in every way that it knows in turn.
Json coco(const DataWorld& world, const Window& part, const std::string& file) {
  Json json = {{"images", {{{"id", 7}, {"file_name", file}, {"width", part.width}, {"height", part.height}}}},
               {"categories", {{{"id", 3}, {"name", "building"}}, {{"id", 4}, {"name", "tree"}}}},
               {"annotations", Json::array()}};
  int number = 0;
  for (const MultiPolygon& object : world.objects(part)) {
    Json segmentation = Json::array({flat(object.front())});
    if (number % 3 > 0) {
      const std::vector<MultiPolygon> one = {object};
      const auto runs = runs_of(rasterize_labels(one, part.width, part.height));
      segmentation = {{"size", {part.height, part.width}},
                      {"counts", number % 3 == 1 ? Json(runs) : Json(text_of(runs))}};
    }
    json["annotations"].push_back(
        {{"id", ++number}, {"image_id", 7}, {"category_id", 3}, {"segmentation", segmentation}});
  }
  return json;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(annotations)

BOOST_AUTO_TEST_CASE(runs_give_the_mask_back_plain_and_compressed) {
  const Image<int32_t> mask = test::ascii_scene(R"(
....##...
.##.##..#
.#.####.#
.####...#
........#
)");
  const auto runs = runs_of(mask);
  BOOST_TEST(coco_runs(text_of(runs)) == runs, boost::test_tools::per_element());
  const std::vector<MultiPolygon> outline = {outline_of_runs(runs, mask.width(), mask.height())};
  BOOST_TEST((rasterize_labels(outline, mask.width(), mask.height()) == mask));
  // Long runs need several letters, and shrinking ones are negative differences.
  const std::vector<int64_t> long_runs = {5, 100'000, 3, 17, 70'000, 1, 0, 12};
  BOOST_TEST(coco_runs(text_of(long_runs)) == long_runs, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(broken_runs_are_data_errors) {
  BOOST_CHECK_THROW(outline_of_runs({3, 3}, 2, 2), DataError);
  BOOST_CHECK_THROW(outline_of_runs({1, -1, 4}, 2, 2), DataError);
  BOOST_CHECK_THROW(outline_of_runs({1, 1}, 2, 2), DataError);
  BOOST_CHECK_THROW(coco_runs("o"), DataError);
  BOOST_TEST(outline_of_runs({4}, 2, 2).empty());
}

BOOST_AUTO_TEST_CASE(coco_on_a_picture_trains_the_objects_that_were_drawn) {
  const DataWorld world;
  world.plain_image("pictures/p.bmp", kPart);
  Json json = coco(world, kPart, "p.bmp");
  // A crowd, a box without outline, and a tree.
  json["annotations"].push_back(
      {{"id", 90}, {"image_id", 7}, {"category_id", 3}, {"iscrowd", 1}, {"segmentation", {{0, 0, 4, 0, 4, 4, 0, 4}}}});
  json["annotations"].push_back({{"id", 91}, {"image_id", 7}, {"category_id", 3}, {"bbox", {1, 1, 5, 5}}});
  json["annotations"].push_back(
      {{"id", 92}, {"image_id", 7}, {"category_id", 4}, {"segmentation", {{9, 0, 12, 0, 12, 2}}}});
  test::write_file(world.path("pictures/labels.json"), json.dump());
  TrainingDataOptions options;
  options.data = {world.folder.path().string()};
  options.image_gsd_m = 0.3;
  options.val_fraction = 0;
  const TrainingData data = load_training_data(options);
  BOOST_REQUIRE(data.scenes.size() == 1);
  const LabelledScene& scene = data.scenes.front();
  const auto expected = world.objects(kPart);
  BOOST_TEST(data.objects == static_cast<int64_t>(expected.size()));
  BOOST_TEST((rasterize_mask(scene.objects, kPart.width, kPart.height) ==
              rasterize_mask(expected, kPart.width, kPart.height)));
  BOOST_TEST((scene.pyramid.front() == world.pixels(kPart)));
  BOOST_TEST(scene.use.at(1, 1) == static_cast<uint8_t>(PixelUse::None));  // the crowd
  BOOST_TEST(scene.use.at(8, 8) == static_cast<uint8_t>(PixelUse::Train));
}

BOOST_AUTO_TEST_CASE(coco_on_a_georeferenced_image_lies_where_the_layer_does) {
  const DataWorld world;
  world.image("a/p.tif", kPart);
  test::write_file(world.path("a/coco.json"), coco(world, kPart, "p.tif").dump());
  world.image("b/p.tif", kPart);
  world.layer("b/p.gpkg", kPart);
  TrainingDataOptions options;
  options.val_fraction = 0;
  options.data = {world.folder.file("a")};
  const TrainingData pixels = load_training_data(options);
  options.data = {world.folder.file("b")};
  const TrainingData layer = load_training_data(options);
  BOOST_TEST((rasterize_mask(pixels.scenes.front().objects, kPart.width, kPart.height) ==
              rasterize_mask(layer.scenes.front().objects, kPart.width, kPart.height)));
}

BOOST_AUTO_TEST_CASE(annotations_of_another_size_or_without_their_image_are_left_out) {
  const DataWorld world;
  world.plain_image("images/p.bmp", kPart);
  world.plain_image("images/q.bmp", kPart);
  Json json = coco(world, {0, 0, 100, 100}, "p.bmp");
  json["images"].push_back({{"id", 8}, {"file_name", "q.bmp"}, {"width", kPart.width}, {"height", kPart.height}});
  json["images"].push_back({{"id", 9}, {"file_name", "gone.bmp"}, {"width", 5}, {"height", 5}});
  test::write_file(world.path("labels.json"), json.dump());
  const FoundData found = find_training_data({{world.folder.path().string()}, {}, {}, "", {}, {}});
  BOOST_REQUIRE(found.images.size() == 1);
  BOOST_TEST(file_name(found.images.front().image) == "q.bmp");
  std::string reasons;
  for (const LeftOut& left : found.left_out) reasons += left.reason + "\n";
  BOOST_TEST(has(reasons, "drawn on 100 x 100 pixels, the image has 200 x 150"), reasons);
  BOOST_TEST(has(reasons, "1 of its 3 images are not there: gone.bmp"), reasons);
}

BOOST_AUTO_TEST_CASE(via_knows_its_shapes_and_classes_in_exports_and_projects) {
  const test::TemporaryFolder folder;
  const Json square = {{"name", "polygon"}, {"all_points_x", {1, 11, 11, 1}}, {"all_points_y", {2, 2, 12, 12}}};
  const Json export_json = {
      {"p.png123",
       {{"filename", "p.png"},
        {"size", 123},
        {"regions",
         {{{"shape_attributes", square}, {"region_attributes", {{"kind", "house"}}}},
          {{"shape_attributes", {{"name", "rect"}, {"x", 5}, {"y", 6}, {"width", 20}, {"height", 10}}},
           {"region_attributes", {{"kind", {{"shed", true}}}}}},
          {{"shape_attributes", {{"name", "circle"}, {"cx", 50}, {"cy", 50}, {"r", 10}}},
           {"region_attributes", Json::object()}},
          {{"shape_attributes", {{"name", "point"}, {"cx", 5}, {"cy", 5}}}, {"region_attributes", Json::object()}}}}}}};
  const Json numbered = {
      {"q.png",
       {{"filename", "q.png"},
        {"regions", {{"0", {{"shape_attributes", square}, {"region_attributes", Json::object()}}}}}}}};
  test::write_file(folder.file("export.json"), export_json.dump());
  test::write_file(folder.file("project.json"),
                   Json{{"_via_settings", Json::object()}, {"_via_img_metadata", export_json}}.dump());
  test::write_file(folder.file("old.json"), numbered.dump());
  for (const char* file : {"export.json", "project.json"}) {
    BOOST_TEST((known_kind(folder.file(file)) == DataKind::Via));
    const auto images = read_annotations(folder.file(file), DataKind::Via, "");
    BOOST_REQUIRE(images.size() == 1);
    const LabelSet& labels = *images.front().labels;
    BOOST_TEST(images.front().name == "p.png");
    BOOST_REQUIRE(labels.objects.size() == 3);
    BOOST_TEST(labels.without_area == 1);
    BOOST_TEST(labels.tells_classes);
    BOOST_TEST(labels.objects[0].value == "house");
    BOOST_TEST(labels.objects[1].value == "shed");
    BOOST_TEST(area(labels.objects[0].geometry) == 100);
    BOOST_TEST(area(labels.objects[1].geometry) == 200);
    BOOST_TEST(std::abs(area(labels.objects[2].geometry) - 314.16) < 1);
  }
  BOOST_TEST((known_kind(folder.file("old.json")) == DataKind::Via));
  BOOST_TEST(read_annotations(folder.file("old.json"), DataKind::Via, "").front().labels->objects.size() == 1);
}

BOOST_AUTO_TEST_CASE(masks_give_their_objects_unknown_areas_and_classes) {
  const test::TemporaryFolder folder;
  const Image<int32_t> drawn = test::ascii_scene(R"(
.11..22..
.11..22..
.........
.1...33..
)");
  Image<uint8_t> mask(drawn.width(), drawn.height());
  for (std::size_t i = 0; i < mask.size(); ++i)
    mask.data()[i] = static_cast<uint8_t>(drawn.data()[i] == 3 ? 255 : drawn.data()[i]);
  Grid grid{drawn.width(), drawn.height(), {500000, 1, 0, 100, 0, -1}, Crs::from_text("EPSG:32645")};
  write_raster(folder.file("m.tif"), mask, grid);
  const LabelSet labels = read_mask(folder.file("m.tif"));
  BOOST_REQUIRE(labels.objects.size() == 3);
  BOOST_TEST(labels.unknown.size() == 1);
  BOOST_TEST(!labels.in_pixels);
  std::string values;
  double ground = 0;
  for (const LabelObject& object : labels.objects) {
    values += object.value;
    ground += area(object.geometry);
  }
  BOOST_TEST(values == "112");
  BOOST_TEST(ground == 9);
  // Alone, 255 is what the mask shows.
  for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = drawn.data()[i] == 1 ? 255 : 0;
  write_raster(folder.file("n.tif"), mask, grid);
  BOOST_TEST(read_mask(folder.file("n.tif")).objects.size() == 2);
}

BOOST_AUTO_TEST_CASE(masks_in_colours_are_understood_where_there_is_one_and_refused_where_there_are_more) {
  const test::TemporaryFolder folder;
  Image<uint8_t> colours(20, 10, 3);
  for (int64_t c = 3; c < 8; ++c) colours.at(c, 4, 0) = 255;
  test::write_bmp(folder.file("red.bmp"), colours);
  const LabelSet red = read_mask(folder.file("red.bmp"));
  BOOST_TEST(red.in_pixels);
  BOOST_REQUIRE(red.objects.size() == 1);
  BOOST_TEST(area(red.objects.front().geometry) == 5);
  for (int64_t c = 12; c < 15; ++c) colours.at(c, 4, 1) = 128;
  test::write_bmp(folder.file("two.bmp"), colours);
  try {
    read_mask(folder.file("two.bmp"));
    BOOST_ERROR("two colours are no classes");
  } catch (const DataError& error) {
    BOOST_TEST(has(error.what(), "3 colours (#000000, #008000, #ff0000)"), error.what());
  }
}

BOOST_AUTO_TEST_CASE(ids_may_be_texts_and_an_image_listed_twice_is_one) {
  const DataWorld world;
  const Json square = Json::array({Json::array({1, 1, 9, 1, 9, 9, 1, 9})});
  const Json json = {{"images", {{{"id", "a"}, {"file_name", "p.bmp"}}, {{"id", 2}, {"file_name", "p.bmp"}}}},
                     {"categories", {{{"id", "roof"}, {"name", "building"}}}},
                     {"annotations",
                      {{{"id", 1}, {"image_id", "a"}, {"category_id", "roof"}, {"segmentation", square}},
                       {{"id", 2}, {"image_id", 2}, {"category_id", "roof"}, {"segmentation", square}}}}};
  test::write_file(world.path("labels.json"), json.dump());
  const auto images = read_annotations(world.path("labels.json"), DataKind::Coco, "");
  BOOST_REQUIRE(images.size() == 1);
  BOOST_REQUIRE(images.front().labels->objects.size() == 2);
  BOOST_TEST(images.front().labels->objects.front().value == "building");
}

BOOST_AUTO_TEST_CASE(a_mask_of_another_size_than_its_image_is_refused_before_it_is_drawn) {
  const DataWorld world;
  const auto said = [&](const Json& image, const Json& size, int64_t pixels) {
    const Json json = {
        {"images", {image}},
        {"annotations", {{{"id", 1}, {"image_id", 1}, {"segmentation", {{"size", size}, {"counts", {0, pixels}}}}}}}};
    test::write_file(world.path("labels.json"), json.dump());
    try {
      read_annotations(world.path("labels.json"), DataKind::Coco, "");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const Json sized = {{"id", 1}, {"file_name", "p.bmp"}, {"width", 256}, {"height", 256}};
  const std::string text = said(sized, {256, 1'000'000'000}, 256'000'000'000);
  BOOST_TEST(has(text, "annotation 1: its mask has 1000000000 x 256 pixels, its image 256 x 256 pixels"), text);
  const Json unsized = {{"id", 1}, {"file_name", "p.bmp"}};
  BOOST_TEST(has(said(unsized, {4'000'000'000, 4'000'000'000}, 5), "which no image has"));
  BOOST_TEST(has(said(unsized, {-4, 4}, 5), "4 x -4 pixels, which no image has"));
  const Json negative = {{"id", 1}, {"file_name", "p.bmp"}, {"width", -256}, {"height", 256}};
  BOOST_TEST(has(said(negative, {1, 1}, 1), "the image p.bmp has -256 x 256 pixels, which no image has"));
  const std::string raw = said({{"id", 1}, {"file_name", 5}}, {1, 1}, 1);
  BOOST_TEST(has(raw, "is no COCO file"), raw);
  BOOST_TEST(!has(raw, "json.exception"), raw);
}

BOOST_AUTO_TEST_CASE(annotations_without_area_are_left_out_and_counted) {
  const DataWorld world;
  const auto ring = [](const Json& numbers) { return Json::array({numbers}); };
  const Json box = {5, 5, -3, 0};
  const Json json = {{"images", {{{"id", 1}, {"file_name", "p.bmp"}}}},
                     {"annotations",
                      {{{"id", 1}, {"image_id", 1}, {"bbox", box}, {"segmentation", ring({1, 1, 9, 1, 9, 9, 1, 9})}},
                       {{"id", 2}, {"image_id", 1}, {"bbox", box}},
                       {{"id", 3}, {"image_id", 1}, {"bbox", box}, {"segmentation", Json::array()}},
                       {{"id", 4}, {"image_id", 1}, {"segmentation", ring({1, 1, 9, 1})}},
                       {{"id", 5}, {"image_id", 1}, {"segmentation", ring({1, 1, 9, 1, 5, 1})}},
                       {{"id", 6}, {"image_id", 1}, {"segmentation", ring({3, 3, 3, 3, 3, 3, 3, 3})}},
                       {{"id", 7}, {"image_id", 1}, {"segmentation", {{"size", {4, 4}}, {"counts", {16}}}}}}}};
  test::write_file(world.path("labels.json"), json.dump());
  const auto images = read_annotations(world.path("labels.json"), DataKind::Coco, "");
  BOOST_TEST_REQUIRE(images.size() == 1U);
  BOOST_TEST(images.front().labels->objects.size() == 1U);
  BOOST_TEST(images.front().labels->without_area == 6);
}

BOOST_AUTO_TEST_SUITE_END()
