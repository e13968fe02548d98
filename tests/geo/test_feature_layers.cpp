// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

const plat::GdalSession gdal;
const plat::Crs kUtm = plat::Crs::from_text("EPSG:32645");
const std::vector<plat::Field> kFields{{"id", plat::FieldType::Integer}, {"kind", plat::FieldType::Text}};

plat::MultiPolygon square(double x, double y) { return {{{{x, y}, {x + 3, y}, {x + 3, y + 3}, {x, y + 3}}, {}}}; }

std::string bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(feature_layers)

BOOST_AUTO_TEST_CASE(a_geopackage_holds_several_layers_with_fields_of_their_own) {
  const plat::test::TemporaryFolder folder;
  const auto write_layers = [&](const std::string& path) {
    plat::FeatureWriter writer(path, kUtm, kFields, {true, "first"});
    for (int64_t i = 0; i < 2000; ++i)
      writer.write({square(500'000 + 5.0 * static_cast<double>(i), 3'000'000), {{"id", i}, {"kind", "grown"}}});
    writer.begin_layer("empty", {});
    writer.begin_layer("second", {{"n", plat::FieldType::Integer}});
    writer.write({square(1, 2), {{"n", int64_t{5}}, {"id", int64_t{1}}}});
    writer.close();
  };
  write_layers(folder.file("a.gpkg"));
  write_layers(folder.file("b.gpkg"));
  BOOST_TEST((bytes(folder.file("a.gpkg")) == bytes(folder.file("b.gpkg"))));
  BOOST_TEST(plat::read_features(folder.file("a.gpkg"), "first").features.size() == 2000U);
  BOOST_TEST(plat::read_features(folder.file("a.gpkg"), "empty").features.empty());
  const auto second = plat::read_features(folder.file("a.gpkg"), "second");
  BOOST_TEST(second.crs.same_as(kUtm));
  BOOST_REQUIRE(second.features.size() == 1U);
  BOOST_TEST(std::get<int64_t>(*second.features[0].find("n")) == 5);
  BOOST_TEST(second.features[0].find("id") == nullptr);
}

BOOST_AUTO_TEST_CASE(nothing_is_left_of_layers_that_are_not_closed) {
  const plat::test::TemporaryFolder folder;
  {
    plat::FeatureWriter writer(folder.file("a.gpkg"), kUtm, kFields);
    writer.write({square(1, 2), {{"id", int64_t{1}}}});
    writer.begin_layer("second", kFields);
    writer.write({square(1, 2), {{"id", int64_t{1}}}});
  }
  BOOST_TEST(std::filesystem::is_empty(folder.path()));
}

BOOST_AUTO_TEST_CASE(other_formats_refuse_a_further_layer_and_leave_nothing) {
  const plat::test::TemporaryFolder folder;
  for (const std::string name : {"a.geojson", "a.geojsonl", "a.fgb", "a.shp"}) {
    BOOST_TEST(!plat::holds_layers(name));
    plat::FeatureWriter writer(folder.file(name), kUtm, kFields);
    writer.write({square(500'001, 3'000'002), {{"id", int64_t{1}}}});
    BOOST_CHECK_EXCEPTION(writer.begin_layer("more", kFields), plat::UsageError, [&](const auto& error) {
      const std::string text = error.what();
      return text.find(name) != std::string::npos && text.find(".gpkg") != std::string::npos;
    });
  }
  BOOST_TEST(std::filesystem::is_empty(folder.path()));
  BOOST_TEST(plat::holds_layers("A.GPKG"));
}

BOOST_AUTO_TEST_SUITE_END()
