// SPDX-License-Identifier: Apache-2.0
#include "tests/training/data_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/location.hpp"
#include "training/data/data_discovery.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

using namespace plat;
using test::DataWorld;

namespace {

struct Session {
  GdalSession gdal;
};

constexpr Window kLeft = {0, 0, 192, 384};
constexpr Window kRight = {192, 0, 192, 384};

FoundData find(const std::vector<std::string>& data) { return find_training_data({data, {}, {}, "", {}, {}}); }

/// Image file -> label files, by names below the world's folder.
std::map<std::string, std::vector<std::string>> pairs(const DataWorld& world, const FoundData& found) {
  const auto relative = [&](const std::string& path) {
    return std::filesystem::path(path).lexically_relative(world.folder.path()).string();
  };
  std::map<std::string, std::vector<std::string>> out;
  for (const ImageLabels& image : found.images) {
    for (const LabelSource& labels : image.labels) out[relative(image.image)].push_back(relative(labels.path));
  }
  return out;
}

using Pairs = std::map<std::string, std::vector<std::string>>;

std::string reason(const FoundData& found, const std::string& name) {
  const auto left = std::find_if(found.left_out.begin(), found.left_out.end(),
                                 [&](const LeftOut& l) { return file_name(l.path) == name; });
  return left == found.left_out.end() ? "" : left->reason;
}

std::string message(const std::vector<std::string>& data) {
  try {
    find(data);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(discovery)

BOOST_AUTO_TEST_CASE(images_and_masks_folders_are_paired_by_stem) {
  const DataWorld world;
  world.image("images/a.tif", kLeft);
  world.image("images/b.tif", kRight);
  world.mask_file("masks/a.tif", kLeft);
  world.mask_file("masks/b.tif", kRight);
  const FoundData found = find({world.folder.path().string()});
  BOOST_TEST((pairs(world, found) == Pairs{{"images/a.tif", {"masks/a.tif"}}, {"images/b.tif", {"masks/b.tif"}}}));
  BOOST_TEST(found.left_out.empty());
  BOOST_TEST(found.images.front().own);
  BOOST_TEST(found.images.front().how == "by name");
  // The two folders named one by one are the same data.
  BOOST_TEST((pairs(world, find({world.folder.file("images"), world.folder.file("masks")})) == pairs(world, found)));
}

BOOST_AUTO_TEST_CASE(suffixes_beside_the_image_are_understood) {
  const DataWorld world;
  world.image("a.tif", kLeft);
  world.mask_file("a_mask.tif", kLeft);
  world.image("b_image.tif", kRight);
  world.mask_file("b-labels.tif", kRight);
  world.image("deep/er/c.tif", kRight);
  world.layer("deep/er/c_gt.geojson", kRight);
  BOOST_TEST(
      (pairs(world, find({world.folder.path().string()})) == Pairs{{"a.tif", {"a_mask.tif"}},
                                                                   {"b_image.tif", {"b-labels.tif"}},
                                                                   {"deep/er/c.tif", {"deep/er/c_gt.geojson"}}}));
}

BOOST_AUTO_TEST_CASE(the_same_names_in_many_folders_stay_in_their_folders) {
  const DataWorld world;
  for (const std::string set : {"train", "val"}) {
    world.image(set + "/images/x.tif", kLeft);
    world.mask_file(set + "/masks/x.tif", kLeft);
  }
  world.image("1/image.tif", kRight);
  world.mask_file("1/mask.tif", kRight);
  world.image("2/image.tif", kRight);
  world.mask_file("2/mask.tif", kRight);
  const Pairs found = pairs(world, find({world.folder.path().string()}));
  BOOST_TEST(found.size() == 4);
  for (const auto& [image, labels] : found) {
    BOOST_TEST_CONTEXT(image) {
      BOOST_REQUIRE(labels.size() == 1);
      BOOST_TEST(labels.front().substr(0, labels.front().find('/')) == image.substr(0, image.find('/')));
    }
  }
}

BOOST_AUTO_TEST_CASE(one_layer_over_many_images_is_paired_by_place) {
  const DataWorld world;
  world.image("chips/1.tif", kLeft);
  world.image("chips/2.tif", kRight);
  world.layer("footprints.geojson", world.all());
  const FoundData found = find({world.folder.path().string()});
  BOOST_TEST(
      (pairs(world, found) == Pairs{{"chips/1.tif", {"footprints.geojson"}}, {"chips/2.tif", {"footprints.geojson"}}}));
  BOOST_TEST(found.images.front().how == "by place");
  BOOST_TEST(!found.images.front().own);
}

BOOST_AUTO_TEST_CASE(a_raster_of_few_values_is_a_mask_whatever_its_name) {
  const DataWorld world;
  world.image("scene.tif", kLeft);
  world.mask_file("truth2024.tif", kLeft, 1);
  BOOST_TEST((pairs(world, find({world.folder.file("scene.tif"), world.folder.file("truth2024.tif")})) ==
              Pairs{{"scene.tif", {"truth2024.tif"}}}));
}

BOOST_AUTO_TEST_CASE(a_layer_wins_over_a_mask_of_the_same_name) {
  const DataWorld world;
  world.image("a.tif", kLeft);
  world.layer("a.geojson", kLeft);
  world.mask_file("a_mask.tif", kLeft);
  const FoundData found = find({world.folder.path().string()});
  BOOST_TEST((pairs(world, found) == Pairs{{"a.tif", {"a.geojson"}}}));
  BOOST_TEST(has(reason(found, "a_mask.tif"), "a.geojson already"));
}

BOOST_AUTO_TEST_CASE(what_has_no_partner_is_left_out_with_its_reason) {
  const DataWorld world;
  world.image("a.tif", kLeft);
  world.mask_file("a_mask.tif", kLeft);
  world.plain_image("lonely.bmp", kLeft);
  world.mask_file("nobody_mask.tif", {0, 0, 9, 9});
  world.layer("far.geojson", world.all(), 250'000);
  test::write_file(world.path("notes.md"), "hello");
  test::write_file(world.path("broken.json"), "{");
  const FoundData found = find({world.folder.path().string()});
  BOOST_TEST(found.images.size() == 1);
  BOOST_TEST(has(reason(found, "lonely.bmp"), "without a georeference"));
  BOOST_TEST(has(reason(found, "far.geojson"), " km from the nearest image"), reason(found, "far.geojson"));
  BOOST_TEST(has(reason(found, "*.md"), "1 file,"));
  BOOST_TEST(has(reason(found, "broken.json"), "no valid JSON"));
  BOOST_TEST(!reason(found, "nobody_mask.tif").empty());
}

BOOST_AUTO_TEST_CASE(scenes_and_labels_named_as_such_count_whatever_their_names) {
  const DataWorld world;
  world.image("masks/a.tif", kLeft);
  world.layer("b.geojson", world.all());
  world.layer("c.geojson", kLeft);
  const FoundData found = find_training_data(
      {{}, {world.folder.file("masks")}, {world.folder.file("b.geojson"), world.folder.file("c.geojson")}, "", {}, {}});
  BOOST_TEST((pairs(world, found) == Pairs{{"masks/a.tif", {"b.geojson", "c.geojson"}}}));
}

BOOST_AUTO_TEST_CASE(a_list_pairs_its_lines_and_says_which_is_wrong) {
  const DataWorld world;
  world.image("one.tif", kLeft);
  world.image("two.tif", kRight);
  world.mask_file("x.tif", kLeft);
  world.layer("y.geojson", kRight);
  test::write_file(world.path("plain.txt"), "# pairs\none.tif, x.tif\n\ntwo.tif; y.geojson\n");
  test::write_file(world.path("table.csv"), "id,labels,image\n1,x.tif,one.tif\n2,\"y.geojson\",two.tif\n");
  for (const char* list : {"plain.txt", "table.csv"}) {
    BOOST_TEST(
        (pairs(world, find({world.folder.file(list)})) == Pairs{{"one.tif", {"x.tif"}}, {"two.tif", {"y.geojson"}}}));
  }
  test::write_file(world.path("bad.txt"), "one.tif,x.tif\nthree.tif,x.tif\n");
  BOOST_TEST(has(message({world.folder.file("bad.txt")}), "bad.txt, line 2: there is no "));
  test::write_file(world.path("empty.txt"), "# nothing\n");
  BOOST_TEST(has(message({world.folder.file("empty.txt")}), "names no image"));
}

BOOST_AUTO_TEST_CASE(nothing_found_says_what_is_missing) {
  const DataWorld world;
  BOOST_TEST(has(message({world.folder.path().string()}), "no image is there"));
  world.image("a.tif", kLeft);
  BOOST_TEST(has(message({world.folder.path().string()}), "1 image but no labels"));
  world.layer("far.geojson", world.all(), 250'000);
  BOOST_TEST(has(message({world.folder.path().string()}), "far.geojson lies at "));
  BOOST_CHECK_THROW(find({world.folder.file("none")}), IoError);
}

BOOST_AUTO_TEST_CASE(layers_in_the_wrong_frame_are_told_apart) {
  const DataWorld world;
  world.image("a.tif", kLeft);
  const Location image = raster_location(world.folder.file("a.tif"), {});
  const Bounds degrees = *image.degrees;
  const auto said = [&](const Bounds& box) {
    std::string ring;
    for (const auto& [x, y] :
         {std::pair{box.min_x, box.min_y}, {box.max_x, box.min_y}, {box.max_x, box.max_y}, {box.min_x, box.min_y}})
      ring += (ring.empty() ? "[" : ",[") + std::to_string(x) + "," + std::to_string(y) + "]";
    test::write_file(
        world.path("labels.geojson"),
        R"({"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[)" + ring + "]]}}");
    return misplacement(layer_location(world.folder.file("labels.geojson"), {}), {image});
  };
  BOOST_TEST(has(said(image.box), "fit EPSG:32645"));
  BOOST_TEST(has(said({degrees.min_y, degrees.min_x, degrees.max_y, degrees.max_x}), "latitude before longitude"));
}

BOOST_AUTO_TEST_CASE(lists_may_come_from_windows) {
  const DataWorld world;
  world.image("tiles/a.tif", kLeft);
  world.layer("labels/b.geojson", kLeft);
  test::write_file(world.path("list.csv"), "\xEF\xBB\xBFimage,labels\r\ntiles\\a.tif,labels\\b.geojson\r\n");
  BOOST_TEST((pairs(world, find({world.folder.file("list.csv")})) == Pairs{{"tiles/a.tif", {"labels/b.geojson"}}}));
  test::write_file(world.path("wide.csv"), std::string("\xFF\xFE"
                                                       "a\0,\0",
                                                       6));
  BOOST_TEST(has(message({world.folder.file("wide.csv")}), "is written in UTF-16; save it as UTF-8"));
}

BOOST_AUTO_TEST_CASE(broken_json_is_named_also_where_nothing_else_is_there) {
  const DataWorld world;
  test::write_file(world.path("data/labels.json"), "{\"images\": [");
  BOOST_TEST(has(message({world.folder.file("data")}), "labels.json: no valid JSON"));
  world.image("data/a.tif", kLeft);
  BOOST_TEST(has(message({world.folder.file("data")}), "labels.json: no valid JSON"));
}

BOOST_AUTO_TEST_SUITE_END()
