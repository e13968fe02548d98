// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/crs.hpp"
#include "geo/gdal_session.hpp"
#include "geo/grid.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <string>

using boost::test_tools::tolerance;

namespace {

struct Session {
  plat::GdalSession gdal;
};

/// A rectangle given by its corner and sides.
plat::Polygon rectangle(double x, double y, double width, double height) {
  return {{{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}}, {}};
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(crs)

BOOST_AUTO_TEST_CASE(crs_are_read_from_what_people_write) {
  for (const char* text :
       {"EPSG:32645", " epsg:32645 ", "+proj=utm +zone=45 +datum=WGS84 +type=crs", "urn:ogc:def:crs:EPSG::32645"}) {
    BOOST_TEST_CONTEXT(text) {
      const auto crs = plat::Crs::from_text(text);
      BOOST_TEST(crs.same_as(plat::Crs::from_text("EPSG:32645")));
      BOOST_TEST(!crs.is_geographic());
    }
  }
  BOOST_TEST(plat::Crs::from_text("EPSG:32645").name() == "EPSG:32645");
  BOOST_TEST(plat::Crs::wgs84().name() == "EPSG:4326");
  BOOST_TEST(plat::Crs::wgs84().is_geographic());
  BOOST_TEST(plat::Crs().name() == "no CRS");
}

BOOST_AUTO_TEST_CASE(axis_order_makes_no_difference) {
  BOOST_TEST(plat::Crs::from_text("OGC:CRS84").same_as(plat::Crs::wgs84()));
  BOOST_TEST(!plat::Crs::from_text("EPSG:3857").same_as(plat::Crs::wgs84()));
  BOOST_TEST(!plat::Crs().same_as(plat::Crs::wgs84()));
  BOOST_TEST(plat::Crs().same_as(plat::Crs()));
}

BOOST_AUTO_TEST_CASE(heights_are_left_out) {
  const auto crs = plat::Crs::from_text("EPSG:9518");
  BOOST_TEST(crs.same_as(plat::Crs::wgs84()));
  BOOST_TEST(crs.name() == "EPSG:4326");
}

BOOST_AUTO_TEST_CASE(text_that_names_no_crs_is_shown_in_the_error) {
  for (const char* text : {"", "EPSG:99999999", "nonsense", "/etc/passwd", "http://example.com/x.prj"}) {
    BOOST_CHECK_EXCEPTION(plat::Crs::from_text(text), plat::DataError, [&](const plat::DataError& error) {
      return std::string(error.what()).find(std::string("'") + text + "'") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(coordinates_are_east_before_north) {
  const plat::CrsTransform to_utm(plat::Crs::wgs84(), plat::Crs::from_text("EPSG:32645"));
  // Reference: pyproj.Transformer.from_crs(4326, 32645, always_xy=True).transform(85.52, 27.63).
  const plat::Point utm = to_utm(plat::Point{85.52, 27.63});
  BOOST_TEST(std::abs(utm.x - 353979.339155) < 1e-3);
  BOOST_TEST(std::abs(utm.y - 3057091.416218) < 1e-3);
}

BOOST_AUTO_TEST_CASE(transforms_go_there_and_back) {
  const auto mercator = plat::Crs::from_text("EPSG:3857");
  const auto utm = plat::Crs::from_text("EPSG:32645");
  const plat::CrsTransform there(mercator, utm);
  const plat::CrsTransform back(utm, mercator);
  const plat::Polygon source = rectangle(9'520'000, 3'205'000, 300, 200);
  const plat::Polygon again = back(there(source));
  for (std::size_t i = 0; i < source.exterior.size(); ++i) {
    BOOST_TEST(std::abs(again.exterior[i].x - source.exterior[i].x) < 1e-6);
    BOOST_TEST(std::abs(again.exterior[i].y - source.exterior[i].y) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(a_transform_to_the_same_crs_changes_no_bit) {
  const plat::CrsTransform same(plat::Crs::from_text("OGC:CRS84"), plat::Crs::wgs84());
  const plat::Point point{85.123456789012345, 27.98765432109876};
  BOOST_TEST((same(point) == point));
}

BOOST_AUTO_TEST_CASE(positions_without_an_image_are_errors) {
  const plat::CrsTransform transform(plat::Crs::from_text("+proj=geos +h=35785831 +lon_0=-75 +datum=WGS84 +type=crs"),
                                     plat::Crs::wgs84());
  BOOST_CHECK_THROW(transform(plat::Point{9e6, 9e6}), plat::DataError);
  BOOST_CHECK_THROW(plat::CrsTransform(plat::Crs(), plat::Crs::wgs84()), plat::DataError);
}

BOOST_AUTO_TEST_CASE(bounds_cover_the_image_of_the_rectangle) {
  const plat::CrsTransform polar(plat::Crs::from_text("EPSG:3412"), plat::Crs::wgs84());
  const plat::Bounds round_pole = polar(plat::Bounds{-1e6, -1e6, 1e6, 1e6});
  BOOST_TEST(round_pole.min_y == -90, tolerance(1e-9));
  BOOST_TEST(round_pole.min_x == -180);
  BOOST_TEST(round_pole.max_x == 180);
  const plat::CrsTransform dateline(plat::Crs::from_text("EPSG:32660"), plat::Crs::wgs84());
  const plat::Bounds across = dateline(plat::Bounds{6e5, 1e6, 9e5, 1.2e6});
  BOOST_TEST(across.min_x == -180);
  BOOST_TEST(across.max_x == 180);
  const plat::CrsTransform geos(plat::Crs::from_text("+proj=geos +h=35785831 +lon_0=-75 +datum=WGS84 +type=crs"),
                                plat::Crs::wgs84());
  const plat::Bounds disk = geos(plat::Bounds{-6e6, -6e6, 6e6, 6e6});
  BOOST_TEST(disk.min_x < -100);
  BOOST_TEST(disk.max_x > -50);
}

BOOST_AUTO_TEST_CASE(areas_on_the_ground_do_not_depend_on_the_projection) {
  const auto mercator = plat::Crs::from_text("EPSG:3857");
  const plat::Polygon block = rectangle(9'520'000, 3'205'000, 120, 80);
  const double in_mercator = plat::GroundMeasure(mercator).area_m2(block);
  // Reference: pyproj.Geod(ellps="WGS84").geometry_area_perimeter of the same corners in longitude and latitude.
  BOOST_TEST(in_mercator == 7503.604962170124, tolerance(1e-7));
  for (const char* other : {"EPSG:4326", "EPSG:32645", "EPSG:32644", "EPSG:6933", "EPSG:3035"}) {
    BOOST_TEST_CONTEXT(other) {
      const auto crs = plat::Crs::from_text(other);
      const plat::GroundMeasure ground(crs);
      const plat::Polygon carried = plat::CrsTransform(mercator, crs)(block);
      // Edges straight in one projection bow by micrometres in another at this size.
      BOOST_TEST(ground.area_m2(carried) == in_mercator, tolerance(1e-6));
      BOOST_TEST(ground.perimeter_m(carried) == 353.8260906206695, tolerance(1e-6));
    }
  }
}

BOOST_AUTO_TEST_CASE(tiny_areas_keep_their_digits) {
  const auto utm = plat::Crs::from_text("EPSG:32645");
  const plat::GroundMeasure ground(utm);
  // UTM's scale at (500000, y) is 0.9996, so a square metre of the map is 1 / 0.9996² on the ground.
  const double scale = 1 / (0.9996 * 0.9996);
  for (const double side : {0.02, 0.3, 1.0, 10.0}) {
    BOOST_TEST(ground.area_m2(rectangle(500'000, 3'056'000, side, side)) == side * side * scale, tolerance(1e-4));
  }
}

BOOST_AUTO_TEST_CASE(holes_have_no_area) {
  const plat::GroundMeasure ground(plat::Crs::from_text("EPSG:32645"));
  plat::Polygon frame = rectangle(330'000, 3'056'000, 100, 100);
  const double whole = ground.area_m2(frame);
  frame.holes.push_back(rectangle(330'020, 3'056'020, 50, 50).exterior);
  BOOST_TEST(ground.area_m2(frame) == whole * 0.75, tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(large_areas_follow_the_edges_of_the_crs) {
  // Between two parallels the area of the ellipsoid has a closed form; reference: pyproj on a densified outline.
  const plat::GroundMeasure ground(plat::Crs::wgs84());
  BOOST_TEST(ground.area_m2(rectangle(10, 40, 10, 10)) == 875097690658.9747, tolerance(1e-6));
  BOOST_TEST(
      ground.area_m2({{{179, 10}, {-179, 10}, {-179, 12}, {179, 12}}, {}}) == ground.area_m2(rectangle(10, 10, 2, 2)),
      tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(sizes_without_a_crs_are_metres) {
  const plat::GroundMeasure plain{plat::Crs()};
  BOOST_TEST(plain.area_m2(rectangle(0, 0, 3, 4)) == 12);
  BOOST_TEST(plain.distance_m({0, 0}, {3, 4}) == 5);
  const plat::GroundMeasure local(plat::Crs::from_text(R"(LOCAL_CS["site",UNIT["foot",0.3048]])"));
  BOOST_TEST(local.distance_m({0, 0}, {10, 0}) == 3.048, tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(other_planets_have_their_own_size) {
  const plat::GroundMeasure moon(plat::Crs::from_text("+proj=longlat +R=1737400 +type=crs"));
  BOOST_TEST(moon.distance_m({0, 0}, {1, 0}) == 1737400 * std::acos(-1) / 180, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(ground_sample_distance_is_on_the_ground) {
  const double latitude = 27.6;
  const double y = 6378137 * std::log(std::tan((90 + latitude) * std::acos(-1) / 360));
  const double pixel = 0.29858214164761665;
  const plat::Grid zoom19{
      256, 256, {9'520'000, pixel, 0, y + 128 * pixel, 0, -pixel}, plat::Crs::from_text("EPSG:3857")};
  // Reference: square root of pyproj's geodesic area of the centre pixel. Web Mercator's own formula, pixel * cos(lat), is
  // on the sphere and differs by 0.2 %.
  BOOST_TEST(zoom19.ground_sample_distance_m() == 0.26409687528808046, tolerance(1e-6));
  const plat::Grid tenth{100, 100, {85, 1e-6, 0, 27.6, 0, -1e-6}, plat::Crs::wgs84()};
  BOOST_TEST(tenth.ground_sample_distance_m() == 0.10459333050327159, tolerance(1e-5));
}

BOOST_AUTO_TEST_SUITE_END()
