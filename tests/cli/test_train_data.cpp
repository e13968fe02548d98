// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "tests/cli/run_program.hpp"
#include "tests/training/data_world.hpp"
#include "tests/training/large_scenes.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <sys/resource.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

using plat::Window;
using plat::test::DataWorld;
using plat::test::read_text;
using plat::test::run_plat;
using Json = nlohmann::json;

namespace {

const plat::GdalSession gdal;

constexpr Window kLeft = {0, 0, 192, 384};
constexpr Window kRight = {192, 0, 192, 384};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// COCO for one picture, its objects as polygons.
std::string coco(const DataWorld& world, const Window& part, const std::string& file) {
  Json json = {{"images", {{{"id", 1}, {"file_name", file}, {"width", part.width}, {"height", part.height}}}},
               {"categories", {{{"id", 1}, {"name", "building"}}}},
               {"annotations", Json::array()}};
  for (const plat::MultiPolygon& object : world.objects(part)) {
    Json numbers = Json::array();
    for (const plat::Point& p : object.front().exterior) numbers.insert(numbers.end(), {p.x, p.y});
    json["annotations"].push_back({{"id", json["annotations"].size() + 1},
                                   {"image_id", 1},
                                   {"category_id", 1},
                                   {"segmentation", Json::array({numbers})}});
  }
  return json.dump();
}

/// One kind of training data: how it is laid out, and what is named on the command line.
struct Kind {
  const char* name;
  std::function<void(const DataWorld&)> draw;
  std::vector<std::string> data;
  std::size_t scenes;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds = {
      {"a folder with images and masks",
       [](const DataWorld& world) {
         world.image("data/images/a.tif", kLeft);
         world.image("data/images/b.tif", kRight);
         world.mask_file("data/masks/a.tif", kLeft);
         world.mask_file("data/masks/b.tif", kRight);
       },
       {"data"},
       2},
      {"chips below one layer",
       [](const DataWorld& world) {
         world.image("data/a.tif", kLeft);
         world.image("data/b.tif", kRight);
         world.layer("data/all.geojson", world.all());
       },
       {"data"},
       1},
      {"scene and labels",
       [](const DataWorld& world) {
         world.image("scene.tif", world.all());
         world.layer("houses.gpkg", world.all());
       },
       {"scene.tif", "houses.gpkg"},
       1},
      {"a list",
       [](const DataWorld& world) {
         world.image("a.tif", kLeft);
         world.mask_file("x.tif", kLeft);
         plat::test::write_file(world.path("list.csv"), "image,labels\na.tif,x.tif\n");
       },
       {"list.csv"},
       1},
      {"COCO on a plain picture",
       [](const DataWorld& world) {
         world.plain_image("coco/images/a.bmp", kLeft);
         plat::test::write_file(world.path("coco/labels.json"), coco(world, kLeft, "a.bmp"));
       },
       {"coco/labels.json"},
       1},
      {"a STAC catalogue",
       [](const DataWorld& world) {
         world.image("stac/a.tif", kLeft);
         world.layer("stac/truth.geojson", kLeft);
         plat::test::write_file(world.path("stac/catalog.json"),
                                R"({"type":"Catalog","id":"c","links":[{"rel":"item","href":"./item.json"}]})");
         plat::test::write_file(world.path("stac/item.json"),
                                R"({"type":"Feature","id":"i","properties":{},"geometry":null,"assets":{)"
                                R"("image":{"href":"a.tif","roles":["data"]},)"
                                R"("labels":{"href":"truth.geojson","roles":["labels"]}}})");
       },
       {"stac/catalog.json"},
       1},
  };
  return kKinds;
}

std::vector<std::string> train(std::vector<std::string> data, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train"};
  arguments.insert(arguments.end(), data.begin(), data.end());
  for (const char* word : {"-o", "run", "--batch", "2", "--crop", "64", "--prompts", "1"}) arguments.emplace_back(word);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(train_data)

BOOST_AUTO_TEST_CASE(a_dry_run_on_each_kind_of_data_says_what_it_found) {
  for (const Kind& kind : kinds()) {
    BOOST_TEST_CONTEXT(kind.name) {
      const DataWorld world;
      kind.draw(world);
      const auto run = run_plat(world.folder, train(kind.data, {"--dry-run", "--json"}));
      BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
      const auto json = Json::parse(run.out);
      BOOST_TEST(json.at("scenes").size() == kind.scenes);
      BOOST_TEST(json.at("split").at("training").at("objects") > 0);
      BOOST_TEST(json.at("split").at("validation").at("objects") > 0);
      BOOST_TEST(has(run.err, "images with labels: "), run.err);
      BOOST_TEST(has(run.err, "for validation"), run.err);
      BOOST_TEST(!std::filesystem::exists(world.folder.path() / "run"));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_on_plain_pictures_keeps_its_report_in_the_run_folder) {
  const DataWorld world;
  world.plain_image("data/images/a.bmp", kLeft);
  world.plain_mask("data/masks/a.bmp", kLeft);
  const auto run = run_plat(world.folder, train({"data"}, {"--steps", "2", "--image-gsd", "0.3"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(has(read_text(world.folder.file("run/data.txt")), "a.bmp with a.bmp, by name"));
  const auto json = Json::parse(read_text(world.folder.file("run/data.json")));
  BOOST_TEST(json.at("scenes").at(0).at("gsd_m") == 0.3);
  BOOST_TEST(has(read_text(world.folder.file("run/model/README.md")), "images with labels: 1"));
}

BOOST_AUTO_TEST_CASE(what_is_said_of_images_by_their_paths_stands_in_the_report) {
  const DataWorld world;
  world.image("data/one/a.tif", kLeft);
  world.image("data/two/b.tif", kRight);
  world.layer("data/all.geojson", world.all());
  const auto run = run_plat(world.folder, train({"data"}, {"--dry-run", "--json", "--val-fraction", "0", "--leave-out",
                                                           "data/two", "--weight", "data/one=2.5", "--label-margin",
                                                           "data=1.5", "--incomplete", "data/one"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto json = Json::parse(run.out);
  BOOST_REQUIRE(json.at("scenes").size() == 2);
  BOOST_TEST(json.at("scenes").at(0).at("validation") == 0);
  BOOST_TEST(json.at("scenes").at(1).at("training") == 0);
  BOOST_TEST(has(run.err, "left out of training whole"), run.err);
  BOOST_TEST(json.at("scenes").at(0).at("weight") == 2.5);
  BOOST_TEST(has(run.err, "drawn 2.5 times as often"), run.err);
  BOOST_TEST(json.at("scenes").at(1).at("label_margin_m") == 1.5);
  BOOST_TEST(json.at("scenes").at(0).at("incomplete") == true);
  BOOST_TEST(json.at("scenes").at(1).at("incomplete") == false);
  const auto wide = run_plat(world.folder, train({"data"}, {"--dry-run", "--label-margin", "data=1000"}));
  BOOST_TEST(wide.code == 2);
  BOOST_TEST(has(wide.err, "--label-margin data: the margin must be more than 0 m, at most 100 m"), wide.err);
  const auto zero = run_plat(world.folder, train({"data"}, {"--dry-run", "--weight", "data/one=0"}));
  BOOST_TEST(zero.code == 2);
  BOOST_TEST(has(zero.err, "--weight data/one: the weight must be more than 0"), zero.err);
  const auto none = run_plat(world.folder, train({"data"}, {"--dry-run", "--leave-out", "data/three"}));
  BOOST_TEST(none.code == 2);
  BOOST_TEST(has(none.err, "--leave-out data/three: no image with labels that is used lies at or below it"), none.err);
}

BOOST_AUTO_TEST_CASE(a_run_learns_from_images_without_objects_too) {
  const DataWorld world;
  world.image("data/a.tif", kLeft);
  world.layer("data/all.geojson", kLeft);
  world.image("water/b.tif", kRight);
  const auto run =
      run_plat(world.folder, train({"data"}, {"--steps", "2", "--negatives", "water", "--negatives-share", "0.5"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(has(run.err, "1 image without objects"), run.err);
  BOOST_TEST(has(read_text(world.folder.file("run/data.txt")), "b.tif, background only"));
  const auto json = Json::parse(read_text(world.folder.file("run/config.json")));
  BOOST_TEST(json.at("data").at("negatives_share") == 0.5);
  const auto none = run_plat(world.folder, train({"data"}, {"--dry-run", "--negatives", "none"}));
  BOOST_TEST(none.code == 3);
  BOOST_TEST(has(none.err, "none"), none.err);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_data_is_one_clear_sentence) {
  const DataWorld world;
  const auto fails = [&](const std::vector<std::string>& data, const std::string& word) {
    const auto run = run_plat(world.folder, train(data, {"--dry-run"}));
    BOOST_TEST(has(run.err, word), "'" << word << "' is not in: " << run.err);
    return run.code;
  };
  BOOST_TEST(fails({}, "no training data is given") == 2);
  BOOST_TEST(fails({"none"}, "none: no such file or folder") == 3);
  std::filesystem::create_directory(world.folder.path() / "empty");
  BOOST_TEST(fails({"empty"}, "no image is there") == 4);
  world.image("a.tif", kLeft);
  BOOST_TEST(fails({"a.tif"}, "no labels") == 4);
  world.layer("far.geojson", world.all(), 250'000);
  BOOST_TEST(fails({"a.tif", "far.geojson"}, "250 km from the nearest image") == 4);
}

BOOST_AUTO_TEST_CASE(scenes_that_do_not_fit_are_refused_and_memory_that_runs_out_is_told) {
  const plat::test::LargeScenes world;
  world.layer("labels.geojson", {{0, 0, 0}, {0, 63, 63}});
  world.scene(0);
  std::vector<std::string> arguments = {"train",   "--scenes", "scene0.vrt", "--labels", "labels.geojson", "-o", "run",
                                        "--steps", "2",        "--ram",      "1GB",      "--val-fraction", "0"};
  const auto refused = run_plat(world.folder, arguments);
  BOOST_TEST(refused.code == 2);
  BOOST_TEST(has(refused.err, "1 scene 5.3 GB"), refused.err);
  BOOST_TEST(has(refused.err, "1.0 GB that --ram allows"), refused.err);
  BOOST_TEST(refused.peak_bytes < plat::test::with_sanitizer(700'000'000));
  // What is allowed is there for the plan only.
  arguments[10] = "900GB";
  const auto short_of_memory = [] {
    const rlimit limit{3'000'000'000, 3'000'000'000};
    setrlimit(RLIMIT_DATA, &limit);
  };
  const auto ended = run_plat(world.folder, arguments, 120, {}, short_of_memory);
  BOOST_TEST(ended.code == 1);
  BOOST_TEST(has(ended.err, "out of memory"), ended.err);
  BOOST_TEST(has(ended.err, "--ram"), ended.err);
  BOOST_TEST(!has(ended.err, "bad_alloc"), ended.err);
  BOOST_TEST(!std::filesystem::exists(world.folder.path() / "run"));
}

BOOST_AUTO_TEST_SUITE_END()
