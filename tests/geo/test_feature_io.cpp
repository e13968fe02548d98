// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/place_reader.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Session {
  plat::GdalSession gdal;
};

const std::vector<plat::Field> kFields{
    {"id", plat::FieldType::Integer}, {"class", plat::FieldType::Text}, {"score", plat::FieldType::Real}};

plat::Polygon rectangle(double x, double y, double width, double height) {
  return {{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}}, {}};
}

plat::Feature feature(int64_t id, plat::MultiPolygon geometry) {
  return {std::move(geometry),
          {{"id", id}, {"class", std::string("bâtiment \"1\"\n")}, {"score", 0.5 + 0.1 * static_cast<double>(id)}}};
}

std::vector<plat::Feature> sample() {
  plat::Polygon frame = rectangle(353'979, 3'057'091, 30, 20);
  // Clockwise on purpose: writers turn it.
  frame.holes.push_back(rectangle(353'984, 3'057'096, 10, 5).exterior);
  return {feature(1, {frame}),
          feature(2, {rectangle(354'100.25, 3'057'100.5, 12.5, 8), rectangle(354'200, 3'057'100, 3, 3)}),
          {{rectangle(354'300, 3'057'100, 5, 5)}, {{"id", int64_t{3}}}}};
}

void write(const std::string& path, const plat::Crs& crs, const std::vector<plat::Feature>& features,
           const plat::FeatureWriteOptions& options = {}) {
  plat::FeatureWriter writer(path, crs, kFields, options);
  for (const auto& f : features) writer.write(f);
  writer.close();
}

std::string bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

bool says(const std::exception& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(feature_io)

BOOST_AUTO_TEST_CASE(every_format_gives_back_what_was_written) {
  const plat::test::TemporaryFolder folder;
  const auto utm = plat::Crs::from_text("EPSG:32645");
  for (const char* name : {"a.geojson", "b.json", "c.geojsonl", "d.geojsons", "e.gpkg", "f.fgb", "g.shp"}) {
    BOOST_TEST_CONTEXT(name) {
      const std::string path = folder.file(name);
      write(path, utm, sample());
      const auto layer = plat::read_features(path);
      const bool wgs84 = std::string(name).find("json") != std::string::npos;
      BOOST_TEST(layer.crs.same_as(wgs84 ? plat::Crs::wgs84() : utm));
      BOOST_TEST(layer.skipped == 0);
      BOOST_REQUIRE(layer.features.size() == 3);
      double area = 0;
      const plat::CrsTransform back(layer.crs, utm);
      for (const auto& f : layer.features) {
        const auto* id = std::get_if<int64_t>(f.find("id"));
        BOOST_REQUIRE(id != nullptr);
        const auto here = back(f.geometry);
        area += plat::area(here);
        if (*id == 3) {
          BOOST_TEST(std::holds_alternative<std::monostate>(*f.find("score")));
        } else {
          BOOST_TEST(std::get<double>(*f.find("score")) == 0.5 + 0.1 * static_cast<double>(*id),
                     boost::test_tools::tolerance(1e-12));
          if (std::string(name) != "g.shp") {
            BOOST_TEST(std::get<std::string>(*f.find("class")) == "bâtiment \"1\"\n");
          }
        }
        if (*id == 2) BOOST_TEST(f.geometry.size() == 2);
        if (*id == 1) BOOST_TEST(f.geometry[0].holes.size() == 1);
      }
      // 7 decimals of a degree are about a centimetre.
      BOOST_TEST(area == 30 * 20 - 50 + 100 + 9 + 25, boost::test_tools::tolerance(wgs84 ? 5e-3 : 1e-12));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_same_features_give_the_same_bytes) {
  const plat::test::TemporaryFolder folder;
  const auto utm = plat::Crs::from_text("EPSG:32645");
  for (const char* extension : {".geojson", ".geojsonl", ".gpkg", ".fgb", ".shp"}) {
    BOOST_TEST_CONTEXT(extension) {
      fs::create_directory(folder.file("x"));
      fs::create_directory(folder.file("y"));
      write(folder.file(std::string("x/out") + extension), utm, sample());
      write(folder.file(std::string("y/out") + extension), utm, sample());
      for (const auto& name : names_in(folder.file("x"))) {
        BOOST_TEST(bytes(folder.file("x/" + name)) == bytes(folder.file("y/" + name)), name);
      }
      fs::remove_all(folder.file("x"));
      fs::remove_all(folder.file("y"));
    }
  }
}

BOOST_AUTO_TEST_CASE(geojson_follows_rfc_7946) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("out.geojson");
  plat::Polygon square = rectangle(10, 20, 0.5, 0.25);
  std::reverse(square.exterior.begin(), square.exterior.end());
  {
    plat::FeatureWriter writer(path, plat::Crs::wgs84(), {{"n", plat::FieldType::Integer}});
    writer.write({{square}, {{"n", int64_t{7}}}});
    writer.close();
  }
  BOOST_TEST(bytes(path) ==
             "{\"type\":\"FeatureCollection\",\"name\":\"out\",\"features\":[\n"
             "{\"type\":\"Feature\",\"properties\":{\"n\":7},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":"
             "[[[10,20],[10.5,20],[10.5,20.25],[10,20.25],[10,20]]]}}\n]}\n");
}

BOOST_AUTO_TEST_CASE(polygons_over_the_antimeridian_are_cut) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("out.geojson");
  const auto utm60 = plat::Crs::from_text("EPSG:32660");
  // UTM zone 60 ends at 180°: about 833,978 m east on the equator.
  const plat::Polygon across = rectangle(800'000, 1'000'000, 100'000, 50'000);
  write(path, utm60, {feature(1, {across})});
  const auto layer = plat::read_features(path);
  BOOST_REQUIRE(layer.features.size() == 1);
  const auto& parts = layer.features[0].geometry;
  BOOST_REQUIRE(parts.size() == 2);
  double area = 0;
  for (const auto& part : parts) {
    const auto box = plat::bounds(part);
    BOOST_TEST(box.max_x - box.min_x < 1);
    area += plat::GroundMeasure(layer.crs).area_m2(part);
  }
  BOOST_TEST(area == plat::GroundMeasure(utm60).area_m2(across), boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(nothing_half_written_carries_the_final_name) {
  const plat::test::TemporaryFolder folder;
  for (const char* name : {"a.geojson", "b.gpkg", "c.shp", "d.fgb"}) {
    BOOST_TEST_CONTEXT(name) {
      {
        plat::FeatureWriter writer(folder.file(name), plat::Crs::wgs84(), kFields);
        writer.write(feature(1, {rectangle(0, 0, 1, 1)}));
        BOOST_TEST(!fs::exists(folder.file(name)));
      }
      BOOST_TEST(fs::is_empty(folder.path()));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_existing_file_is_replaced_only_when_asked) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("out.gpkg");
  write(path, plat::Crs::wgs84(), {feature(1, {rectangle(0, 0, 1, 1)}), feature(2, {rectangle(0, 0, 1, 1)})});
  BOOST_CHECK_EXCEPTION(write(path, plat::Crs::wgs84(), {}), plat::IoError,
                        [](const auto& e) { return says(e, "out.gpkg exists. Pass --overwrite"); });
  BOOST_TEST(plat::read_features(path).features.size() == 2);
  plat::FeatureWriteOptions options;
  options.overwrite = true;
  write(path, plat::Crs::wgs84(), {feature(1, {rectangle(0, 0, 1, 1)})}, options);
  BOOST_TEST(plat::read_features(path).features.size() == 1);
}

BOOST_AUTO_TEST_CASE(an_empty_layer_is_a_file) {
  const plat::test::TemporaryFolder folder;
  for (const char* name : {"a.geojson", "b.gpkg", "c.shp", "d.fgb", "e.geojsonl"}) {
    BOOST_TEST_CONTEXT(name) {
      write(folder.file(name), plat::Crs::wgs84(), {});
      BOOST_TEST(fs::exists(folder.file(name)));
      if (std::string(name) != "e.geojsonl") BOOST_TEST(plat::read_features(folder.file(name)).features.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_geopackage_without_crs_is_none_in_degrees) {
  const plat::test::TemporaryFolder folder;
  write(folder.file("plane.gpkg"), plat::Crs(), {feature(1, {rectangle(0, 0, 1, 1)})});
  BOOST_TEST(plat::read_features(folder.file("plane.gpkg")).crs.empty());
  const plat::detail::DatasetHandle file(
      GDALOpenEx(folder.file("plane.gpkg").c_str(), GDAL_OF_VECTOR, nullptr, nullptr, nullptr));
  OGRSpatialReferenceH srs = OGR_L_GetSpatialRef(GDALDatasetGetLayer(file.get(), 0));
  BOOST_TEST_REQUIRE(srs != nullptr);
  BOOST_TEST(!OSRIsGeographic(srs));
}

BOOST_AUTO_TEST_CASE(old_side_cars_do_not_outlive_their_file) {
  const plat::test::TemporaryFolder folder;
  for (const char* name : {"out.qix", "out.sbn", "db.gpkg-journal"}) {
    std::ofstream(folder.file(name)) << "of an older file";
  }
  write(folder.file("out.shp"), plat::Crs::wgs84(), {feature(1, {rectangle(0, 0, 1, 1)})});
  write(folder.file("db.gpkg"), plat::Crs::wgs84(), {feature(1, {rectangle(0, 0, 1, 1)})});
  auto names = names_in(folder.path());
  std::sort(names.begin(), names.end());
  BOOST_TEST(names == (std::vector<std::string>{"db.gpkg", "out.cpg", "out.dbf", "out.prj", "out.shp", "out.shx"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(polygons_round_a_pole_reach_it) {
  const plat::test::TemporaryFolder folder;
  const auto polar = plat::Crs::from_text("EPSG:3412");
  const plat::Polygon cap = rectangle(-1e6, -1e6, 2e6, 2e6);
  // Corners only would miss the bent edges in degrees: as many vertices as an outline of pixels has.
  plat::Polygon fine;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& a = cap.exterior[i];
    const auto& b = cap.exterior[(i + 1) % 4];
    for (int k = 0; k < 100; ++k) fine.exterior.push_back({a.x + (b.x - a.x) * k / 100, a.y + (b.y - a.y) * k / 100});
  }
  write(folder.file("cap.geojson"), polar, {feature(1, {fine})});
  const auto layer = plat::read_features(folder.file("cap.geojson"));
  BOOST_REQUIRE(layer.features.size() == 1);
  const auto box = plat::bounds(layer.features[0].geometry);
  BOOST_TEST(box.min_y == -90);
  BOOST_TEST(box.min_x == -180);
  BOOST_TEST(box.max_x == 180);
  double area = 0;
  for (const auto& part : layer.features[0].geometry) area += plat::GroundMeasure(layer.crs).area_m2(part);
  BOOST_TEST(area == plat::GroundMeasure(polar).area_m2(cap), boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(wrong_outputs_are_refused_before_anything_is_written) {
  BOOST_CHECK_THROW(plat::check_vector_output("out.xyz"), plat::UsageError);
  BOOST_CHECK_NO_THROW(plat::check_vector_output("out.GPKG"));
  BOOST_CHECK_THROW(write("/nonexistent/folder/out.geojson", plat::Crs::wgs84(), {}), plat::IoError);
}

BOOST_AUTO_TEST_CASE(geometries_of_every_kind_become_polygons) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("in.csv");
  std::ofstream(path) << "WKT,name\n"
                         "\"POINT (1 2)\",a\n"
                         "\"POLYGON Z ((0 0 5,4 0 5,4 4 5,0 0 5))\",b\n"
                         "\"GEOMETRYCOLLECTION (POINT (0 0),POLYGON ((0 0,1 0,1 1,0 0)))\",c\n"
                         "\"CURVEPOLYGON (CIRCULARSTRING (0 0,1 1,2 0,1 -1,0 0))\",d\n"
                         "\"POLYGON ((0 0,2 2,2 0,0 2,0 0))\",e\n"
                         "\"MULTIPOLYGON (((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))\",f\n"
                         ",g\n"
                         "\"POLYGON EMPTY\",h\n";
  const auto layer = plat::read_features(path);
  BOOST_TEST(layer.skipped == 3);
  BOOST_REQUIRE(layer.features.size() == 5);
  BOOST_TEST(layer.crs.empty());
  BOOST_TEST(plat::area(layer.features[0].geometry) == 8);
  BOOST_TEST(plat::area(layer.features[2].geometry) == 3.14159, boost::test_tools::tolerance(1e-2));
  BOOST_TEST(std::get<std::string>(*layer.features[3].find("name")) == "e");
  BOOST_TEST(layer.features[4].geometry.size() == 2);
}

BOOST_AUTO_TEST_CASE(curve_types_with_straight_sides_are_polygons_too) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("in.csv");
  std::ofstream(path) << "WKT,name\n"
                         "\"CURVEPOLYGON ((0 0,4 0,4 4,0 0))\",a\n"
                         "\"MULTISURFACE (((0 0,4 0,4 4,0 0)))\",b\n"
                         "\"CURVEPOLYGON (COMPOUNDCURVE ((0 0,4 0,4 4),(4 4,0 0)))\",c\n"
                         "\"GEOMETRYCOLLECTION (MULTISURFACE (CURVEPOLYGON ((0 0,4 0,4 4,0 0))))\",d\n"
                         "\"MULTICURVE ((0 0,4 0,4 4,0 0))\",e\n";
  const auto layer = plat::read_features(path);
  BOOST_TEST(layer.skipped == 1);
  BOOST_REQUIRE(layer.features.size() == 4);
  for (const auto& f : layer.features) BOOST_TEST(plat::area(f.geometry) == 8);
}

BOOST_AUTO_TEST_CASE(the_crs_member_of_old_geojson_counts) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("in.geojson");
  std::ofstream(path)
      << R"({"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::3857"}},
"features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]})";
  BOOST_TEST(plat::read_features(path).crs.name() == "EPSG:3857");
}

BOOST_AUTO_TEST_CASE(missing_and_damaged_files_are_errors_of_one_sentence) {
  const plat::test::TemporaryFolder folder;
  BOOST_CHECK_EXCEPTION(plat::read_features("roads.gpkg"), plat::IoError,
                        [](const auto& e) { return says(e, "roads.gpkg: no such file"); });
  std::ofstream(folder.file("bad.geojson")) << R"({"type":"FeatureCollection","features":[{"type":"Fea)";
  BOOST_CHECK_THROW(plat::read_features(folder.file("bad.geojson")), plat::IoError);
  std::ofstream(folder.file("bad.txt")) << "hello";
  BOOST_CHECK_THROW(plat::read_features(folder.file("bad.txt")), plat::IoError);
  write(folder.file("ok.gpkg"), plat::Crs::wgs84(), {});
  BOOST_CHECK_EXCEPTION(plat::read_features(folder.file("ok.gpkg"), "roofs"), plat::DataError,
                        [](const auto& e) { return says(e, "no layer 'roofs'") && says(e, "ok"); });
}

BOOST_AUTO_TEST_CASE(an_object_that_the_crs_has_no_place_for_is_left_out_and_named) {
  const plat::test::TemporaryFolder folder;
  for (const char* crs : {"EPSG:4326", "EPSG:32645", "EPSG:3857"}) {
    BOOST_TEST_CONTEXT(crs) {
      const std::string path = folder.file(std::string(crs).substr(5) + ".gpkg");
      write(path, plat::Crs::from_text(crs),
            {feature(1, {rectangle(0, 0, 1, 1)}), feature(2, {rectangle(1e300, 2e299, 1e299, 1e299)}),
             feature(3, {rectangle(2, 0, 1, 1)})});
      const auto layer = plat::read_features(path);
      BOOST_TEST(layer.features.size() == 2);
      BOOST_TEST(layer.misplaced == 1);
      BOOST_TEST(layer.warning == path + ": object 2 has coordinates (1e+300, 2e+299) that " + crs +
                                      " has no place for: left out");
      BOOST_TEST(plat::read_places(path).places.size() == 2);
    }
  }
  const std::string all = folder.file("all.gpkg");
  write(all, plat::Crs::wgs84(), sample());
  BOOST_TEST(plat::read_features(all).features.size() == 3);
  BOOST_TEST(plat::read_features(all).misplaced == 0);
}

BOOST_AUTO_TEST_CASE(of_several_layers_one_must_be_named) {
  const plat::test::TemporaryFolder folder;
  const auto kml = [&](const std::string& name, const std::string& second) {
    const std::string square = "<Placemark><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,0"
                               "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>";
    std::ofstream(folder.file(name)) << "<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document><Folder><name>roofs"
                                        "</name>" << square << "</Folder><Folder><name>roads</name>"
                                     << (second.empty() ? "" : square) << "</Folder></Document></kml>";
    return folder.file(name);
  };
  const std::string both = kml("both.kml", "full");
  BOOST_CHECK_EXCEPTION(plat::read_features(both), plat::DataError, [](const auto& e) {
    return says(e, "holds 2 layers (roofs, roads)") && says(e, "--layer");
  });
  BOOST_TEST(plat::read_features(both, "roads").features.size() == 1);
  BOOST_TEST(plat::read_features(kml("one.kml", "")).name == "roofs");
}

BOOST_AUTO_TEST_CASE(real_layers_are_read, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const auto buildings = plat::read_features((*data / "buildings/banepa/banepa_buildings.geojson").string());
  BOOST_TEST(buildings.crs.same_as(plat::Crs::wgs84()));
  BOOST_TEST(buildings.features.size() > 1000);
  const auto regular = plat::read_features((*data / "vector/building_regulariser/test_data.gpkg").string());
  BOOST_TEST(regular.crs.name() == "EPSG:7850");
  const auto aoi = plat::read_features((*data / "odd/deepness/dummy_fotomap_area.gpkg").string());
  const auto aoi_mercator = plat::read_features((*data / "odd/deepness/dummy_fotomap_area_3857.gpkg").string());
  BOOST_TEST(plat::GroundMeasure(aoi.crs).area_m2(aoi.features.at(0).geometry.at(0)) ==
                 plat::GroundMeasure(aoi_mercator.crs).area_m2(aoi_mercator.features.at(0).geometry.at(0)),
             boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_SUITE_END()
