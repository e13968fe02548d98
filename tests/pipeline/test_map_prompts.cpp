// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "pipeline/prompts/map_prompts.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <map>
#include <string>
#include <vector>

using plat::parse_prompts;
using plat::PromptGrouping;
using plat::PromptLayer;
using Texts = std::vector<std::string>;

namespace {

const plat::GdalSession gdal;

struct Folder {
  std::string write(const std::string& features) const {
    const std::string path = folder.file("prompts.geojson");
    std::ofstream(path) << R"({"type":"FeatureCollection","features":[)" << features << "]}";
    return path;
  }
  plat::test::TemporaryFolder folder;
};

std::string feature(const std::string& properties, const std::string& geometry) {
  return R"({"type":"Feature","properties":{)" + properties + R"(},"geometry":)" + geometry + "}";
}

std::string point(const std::string& properties, const std::string& coordinates) {
  return feature(properties, R"({"type":"Point","coordinates":[)" + coordinates + "]}");
}

const std::string kBox = R"({"type":"Polygon","coordinates":[[[1,1],[3,1],[3,4],[1,4],[1,1]]]})";
const std::string kLine = R"({"type":"LineString","coordinates":[[1,1],[3,1]]})";

template <typename Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const plat::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(map_prompts)

BOOST_AUTO_TEST_CASE(points_of_one_object_are_one_prompt) {
  const Folder folder;
  const PromptLayer layer = plat::read_prompts(
      folder.write(point(R"("object":"a","label":1)", "1,2") + "," + point(R"("object":"b","label":1)", "5,6") + "," +
                   point(R"("object":"a","label":0)", "3,4") + "," + feature(R"("object":"a","label":null)", kBox)));
  BOOST_TEST(layer.crs.same_as(plat::Crs::wgs84()));
  BOOST_REQUIRE(layer.prompts.size() == 2U);
  BOOST_TEST(plat::prompt_name(layer.prompts[0]) == "a");
  BOOST_REQUIRE(layer.prompts[0].points.size() == 2U);
  BOOST_TEST(layer.prompts[0].points[0].object);
  BOOST_TEST(!layer.prompts[0].points[1].object);
  BOOST_TEST((layer.prompts[0].points[1].place == plat::Point{3, 4}));
  BOOST_TEST(layer.prompts[0].box.has_value());
  BOOST_TEST(!layer.prompts[1].box.has_value());
}

BOOST_AUTO_TEST_CASE(features_without_names_are_prompts_of_their_own) {
  const Folder folder;
  const PromptLayer layer = plat::read_prompts(
      folder.write(point(R"("note":"x")", "1,2") + "," + feature("", kLine) + "," + feature("", kBox) + "," +
                   feature("", R"({"type":"MultiPoint","coordinates":[[1,2],[3,4]]})")));
  BOOST_REQUIRE(layer.prompts.size() == 3U);
  BOOST_TEST(plat::prompt_name(layer.prompts[0]) == "1");
  BOOST_TEST(plat::prompt_name(layer.prompts[1]) == "3");
  BOOST_TEST(layer.prompts[2].points.size() == 2U);
  BOOST_REQUIRE(layer.warnings.size() == 1U);
  BOOST_TEST(layer.warnings[0].find("lines") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_second_box_of_a_name_begins_another_prompt) {
  const Folder folder;
  const PromptLayer layer =
      plat::read_prompts(folder.write(feature(R"("id":7)", kBox) + "," + feature(R"("id":7)", kBox)));
  BOOST_REQUIRE(layer.prompts.size() == 2U);
  for (const auto& prompt : layer.prompts) BOOST_TEST(plat::prompt_name(prompt) == "7");
}

BOOST_AUTO_TEST_CASE(polygons_are_boxes_masks_or_both) {
  const Folder folder;
  const std::string path =
      folder.write(feature(R"("id":7)", kBox) + "," + point(R"("id":7)", "2,2") + "," + feature(R"("id":7)", kBox));
  const std::map<plat::PolygonsAs, std::string> kinds = {{plat::PolygonsAs::Box, "points and box"},
                                                         {plat::PolygonsAs::Mask, "points and mask"},
                                                         {plat::PolygonsAs::BoxAndMask, "points, box and mask"}};
  for (const auto& [polygons, kind] : kinds) {
    const PromptLayer layer = plat::read_prompts(path, "", polygons);
    BOOST_REQUIRE(layer.prompts.size() == 2U);
    BOOST_TEST(plat::prompt_kind(layer.prompts[0]) == kind);
    BOOST_TEST(layer.prompts[0].mask.size() == (polygons == plat::PolygonsAs::Box ? 0U : 1U));
  }
}

BOOST_AUTO_TEST_CASE(layers_that_say_nothing_are_named) {
  const Folder folder;
  BOOST_TEST(message_of([&] { plat::read_prompts(folder.write("")); }).find("no points") != std::string::npos);
  BOOST_TEST(message_of([&] { plat::read_prompts(folder.write(feature("", kLine))); }).find("only lines") !=
             std::string::npos);
  BOOST_TEST(message_of([&] { plat::read_prompts(folder.write(point(R"("label":2)", "1,2"))); }).find("point 1") !=
             std::string::npos);
  BOOST_CHECK_THROW(plat::read_prompts(folder.folder.file("none.gpkg")), plat::IoError);
}

BOOST_AUTO_TEST_CASE(coordinates_as_texts) {
  const PromptLayer layer = parse_prompts(Texts{"1,2", "3,4,1", "5,6,0", "-7.5,8"}, Texts{"1,2,3,4"});
  BOOST_REQUIRE(layer.prompts.size() == 4U);
  BOOST_TEST(layer.prompts[1].points.size() == 2U);
  BOOST_TEST((layer.prompts[2].points[0].place == plat::Point{-7.5, 8}));
  BOOST_TEST(layer.prompts[3].box.has_value());
  BOOST_TEST(plat::prompt_name(layer.prompts[3]) == "4");
  const PromptLayer one = parse_prompts(Texts{"1,2,0", "3,4"}, Texts{"1,2,3,4"}, PromptGrouping::OneObject);
  BOOST_REQUIRE(one.prompts.size() == 1U);
  BOOST_TEST(one.prompts[0].points.size() == 2U);
  BOOST_TEST(one.prompts[0].box.has_value());
  for (const Texts& wrong : {Texts{"1"}, Texts{"1,2,3,4"}, Texts{"1,2,7"}, Texts{"a,b"}, Texts{"1,2,0"}}) {
    BOOST_CHECK_THROW(parse_prompts(wrong, {}), plat::UsageError);
  }
  for (const Texts& wrong : {Texts{"1,2,3"}, Texts{"3,2,1,4"}}) {
    BOOST_CHECK_THROW(parse_prompts({}, wrong), plat::UsageError);
  }
}

BOOST_AUTO_TEST_CASE(a_prompt_that_the_crs_has_no_place_for_is_left_out_and_named) {
  const Folder folder;
  const PromptLayer layer = plat::read_prompts(folder.write(point("", "1,2") + "," + point("", "500000,3000000")));
  BOOST_TEST(layer.prompts.size() == 1U);
  BOOST_REQUIRE(layer.warnings.size() == 1U);
  BOOST_TEST(layer.warnings[0].find("object 2 has coordinates (500000, 3000000) that EPSG:4326") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
