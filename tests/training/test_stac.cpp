// SPDX-License-Identifier: Apache-2.0
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "training/data/data_discovery.hpp"
#include "training/data/stac_reader.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace plat;
using test::DataWorld;
using Json = nlohmann::json;

namespace {

struct Session {
  GdalSession gdal;
};

constexpr Window kLeft = {0, 0, 192, 384};
constexpr Window kRight = {192, 0, 192, 384};

Json item(const std::string& id, const Json& assets, const Json& links = Json::array()) {
  return {{"type", "Feature"},   {"stac_version", "1.0.0"},      {"id", id},
          {"geometry", nullptr}, {"properties", Json::object()}, {"assets", assets},
          {"links", links}};
}

Json asset(const std::string& href, const std::string& role) { return {{"href", href}, {"roles", {role}}}; }

FoundData find(const std::string& path) { return find_training_data({{path}, {}, {}, "", {}, {}}); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string reasons(const FoundData& found) {
  std::string text;
  for (const LeftOut& left : found.left_out) text += left.reason + "\n";
  return text;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(stac)

BOOST_AUTO_TEST_CASE(an_item_pairs_its_assets_whatever_they_are_called) {
  const DataWorld world;
  world.image("data/x17.tif", kLeft);
  world.layer("data/objects.gpkg", kLeft);
  test::write_file(world.path("items/one.json"), item("one", {{"picture", asset("../data/x17.tif", "data")},
                                                              {"truth", asset("../data/objects.gpkg", "labels")},
                                                              {"preview", asset("none.png", "thumbnail")}})
                                                     .dump());
  const FoundData found = find(world.folder.file("items/one.json"));
  BOOST_REQUIRE(found.images.size() == 1);
  BOOST_TEST(file_name(found.images[0].image) == "x17.tif");
  BOOST_TEST(file_name(found.images[0].labels.at(0).path) == "objects.gpkg");
  BOOST_TEST(found.images[0].how == "assets of the STAC item one");
  BOOST_TEST(found.images[0].own);
}

BOOST_AUTO_TEST_CASE(assets_may_be_folders_which_are_paired_inside) {
  const DataWorld world;
  world.image("train/chips/a.tif", kLeft);
  world.image("train/chips/b.tif", kRight);
  world.mask_file("train/truth/a.tif", kLeft);
  world.mask_file("train/truth/b.tif", kRight);
  test::write_file(
      world.path("item.json"),
      item("set", {{"chips", asset("train/chips", "data")}, {"labels", asset("train/truth", "labels")}}).dump());
  const FoundData found = find(world.folder.file("item.json"));
  BOOST_REQUIRE(found.images.size() == 2);
  BOOST_TEST(found.images[0].how == "assets of the STAC item set, by name");
  // In the folder around it, the item's word counts, and nothing is used twice.
  BOOST_TEST(find(world.folder.path().string()).images.size() == 2);
}

BOOST_AUTO_TEST_CASE(a_catalogue_is_followed_through_its_children_and_back_links_do_no_harm) {
  const DataWorld world;
  world.image("imagery/left.tif", kLeft);
  world.image("imagery/bands.tif", kRight);
  world.mask_file("labels/left.tif", kLeft);
  test::write_file(world.path("catalog.json"), Json{{"type", "Catalog"},
                                                    {"id", "all"},
                                                    {"links",
                                                     {{{"rel", "child"}, {"href", "./labels/collection.json"}},
                                                      {{"rel", "item"}, {"href", "imagery/left.json"}},
                                                      {{"rel", "item"}, {"href", "imagery/right.json"}},
                                                      {{"rel", "item"}, {"href", "https://example.org/item.json"}}}}}
                                                   .dump());
  test::write_file(
      world.path("labels/collection.json"),
      Json{{"type", "Collection"},
           {"id", "labels"},
           {"links", {{{"rel", "item"}, {"href", "left.json"}}, {{"rel", "child"}, {"href", "../catalog.json"}}}}}
          .dump());
  // The label extension's own way: the item holds labels only, and its source is the item of the imagery.
  Json labels = item("left-labels", {{"raster", {{"href", "left.tif"}}}},
                     {{{"rel", "source"}, {"href", "../imagery/left.json"}, {"label:assets", {"image"}}}});
  labels["stac_extensions"] = {"https://stac-extensions.github.io/label/v1.0.1/schema.json"};
  test::write_file(world.path("labels/left.json"), labels.dump());
  test::write_file(world.path("imagery/left.json"),
                   item("left", {{"image", asset("left.tif", "data")}, {"other", asset("bands.tif", "data")}}).dump());
  test::write_file(world.path("imagery/right.json"), item("right", {{"image", asset("bands.tif", "data")}}).dump());
  const FoundData found = find(world.folder.path().string());
  BOOST_REQUIRE(found.images.size() == 1);
  BOOST_TEST(has(found.images[0].image, "imagery/left.tif"));
  BOOST_TEST((found.images[0].labels.at(0).kind == LabelKind::Mask));
  BOOST_TEST(has(reasons(found), "item right has no labels"), reasons(found));
  BOOST_TEST(has(reasons(found), "https://example.org/item.json"), reasons(found));
}

BOOST_AUTO_TEST_CASE(assets_that_are_not_there_are_named) {
  const DataWorld world;
  world.image("a.tif", kLeft);
  test::write_file(
      world.path("item.json"),
      item("one", {{"image", asset("a.tif", "data")}, {"labels", asset("gone.geojson", "labels")}}).dump());
  try {
    find(world.folder.file("item.json"));
    BOOST_ERROR("there are no labels");
  } catch (const DataError& error) {
    BOOST_TEST(has(error.what(), "gone.geojson"), error.what());
  }
  test::write_file(world.path("bad.json"), R"({"type":"Feature","assets":{"a":{"roles":["labels"]}}})");
  BOOST_CHECK_THROW(find(world.folder.file("bad.json")), DataError);
}

BOOST_AUTO_TEST_SUITE_END()
