// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/overlay.hpp"
#include "tests/pipeline/bright_segmenter.hpp"
#include "tests/pipeline/extract_world.hpp"
#include "tests/support/quiet.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

using plat::Feature;
using plat::Point;
using plat::Ring;
using plat::test::BrightSegmenter;

namespace {

const plat::GdalSession gdal;

/// A bright quadrilateral block of fields, cut by dark lines: two thin ones, slanted and bent, and a road of 8 metres.
plat::Image<uint8_t> fields_scene() {
  plat::Image<uint8_t> scene = plat::test::dark_scene(220, 200);
  for (int64_t r = 10; r < 190; ++r) {
    for (int64_t c = 10; c < 210; ++c) {
      const auto x = static_cast<double>(c);
      const auto y = static_cast<double>(r);
      const double slanted = std::abs(x - 70 - 0.2 * (y - 100));
      const double bent = std::abs(y - 90 - 8 * std::sin(x / 25));
      const double road = std::abs(x - 150);
      if (slanted < 1 || (bent < 1 && x < 150) || road < 4) continue;
      for (int64_t b = 0; b < 3; ++b) scene.at(c, r, b) = 240;
    }
  }
  return scene;
}

/// Extracts the fields with thin lines closed.
std::vector<Feature> extract_fields(const std::string& extension, const std::optional<double>& close_gap_m = {}) {
  const plat::test::TemporaryFolder folder;
  plat::test::write_scene(folder.file("scene.tif"), fields_scene(), plat::test::metre_grid(220, 200));
  BrightSegmenter model(64, 16);
  model.edit().classes[0].thresholds.close_gap_px = 3;
  model.edit().classes[0].squared = false;
  plat::ExtractOptions options;
  options.threads = 2;
  options.close_gap_m = close_gap_m;
  plat::extract(folder.file("scene.tif"), folder.file("fields" + extension), options, model);
  return plat::read_features(folder.file("fields" + extension)).features;
}

double total_area(const std::vector<Feature>& fields) {
  double sum = 0;
  for (const Feature& field : fields) sum += plat::area(field.geometry);
  return sum;
}

/// Length of the edges that two fields both have, in opposite directions.
double shared_length(const Feature& a, const Feature& b) {
  std::map<std::array<double, 4>, bool> edges;
  const auto each_edge = [](const Feature& field, const auto& visit) {
    for (const plat::Polygon& part : field.geometry) {
      const Ring& ring = part.exterior;
      for (std::size_t i = 0; i < ring.size(); ++i) visit(ring[i], ring[(i + 1) % ring.size()]);
    }
  };
  each_edge(a, [&](const Point& p, const Point& q) { edges[{p.x, p.y, q.x, q.y}] = true; });
  double length = 0;
  each_edge(b, [&](const Point& p, const Point& q) {
    if (edges.contains({q.x, q.y, p.x, p.y})) length += std::hypot(q.x - p.x, q.y - p.y);
  });
  return length;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(touching)

BOOST_AUTO_TEST_CASE(neighbours_share_their_line_without_gap_or_overlap) {
  const std::vector<Feature> fields = extract_fields(".gpkg");
  BOOST_REQUIRE(fields.size() == 5U);
  double shared = 0;
  int neighbours = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    BOOST_TEST(plat::is_valid(fields[i].geometry));
    // Drawn with few vertices: lines, not stairs of pixels.
    BOOST_TEST(fields[i].geometry[0].exterior.size() < 60U);
    for (std::size_t j = i + 1; j < fields.size(); ++j) {
      BOOST_TEST(plat::intersection_area(fields[i].geometry, fields[j].geometry) < 1e-6);
      const double length = shared_length(fields[i], fields[j]);
      shared += length;
      neighbours += length > 30 ? 1 : 0;
    }
  }
  // The four west of the road meet along two lines of which each is about as long as the block.
  BOOST_TEST(neighbours == 4);
  BOOST_TEST(shared > 290);
  BOOST_TEST(shared < 340);
  // No sliver is left between them: west of the road and east of it each is one piece as large as its rectangle.
  BOOST_TEST(total_area(fields) == 180.0 * 136 + 180.0 * 57, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(lines_are_shared_in_the_degrees_of_a_geojson_too) {
  const std::vector<Feature> fields = extract_fields(".geojson");
  BOOST_REQUIRE(fields.size() == 5U);
  int neighbours = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (std::size_t j = i + 1; j < fields.size(); ++j) {
      BOOST_TEST(plat::intersection_area(fields[i].geometry, fields[j].geometry) < 1e-16);
      neighbours += shared_length(fields[i], fields[j]) > 2e-4 ? 1 : 0;
    }
  }
  BOOST_TEST(neighbours == 4);
}

BOOST_AUTO_TEST_CASE(roofs_a_pixel_apart_share_no_ground) {
  // Rough, slanted roofs in rows, of which each is the nearest to its place: gaps of a pixel, ragged like a network's maps.
  plat::Image<uint8_t> scene = plat::test::dark_scene(300, 300);
  const auto owner = [](int64_t c, int64_t r) {
    const double x = 0.9 * static_cast<double>(c) + 0.3 * static_cast<double>(r);
    const double y = 0.9 * static_cast<double>(r) - 0.3 * static_cast<double>(c);
    const double wave = 2.2 * std::sin(0.9 * static_cast<double>(c)) * std::sin(0.7 * static_cast<double>(r));
    return static_cast<int64_t>(std::floor((x + wave) / 17)) * 1000 + static_cast<int64_t>(std::floor((y - wave) / 13));
  };
  for (int64_t r = 2; r < 298; ++r) {
    for (int64_t c = 2; c < 298; ++c) {
      const int64_t own = owner(c, r);
      if (owner(c + 1, r) != own || owner(c, r + 1) != own || owner(c + 1, r + 1) != own) continue;
      for (int64_t b = 0; b < 3; ++b) scene.at(c, r, b) = 240;
    }
  }
  const plat::test::TemporaryFolder folder;
  plat::test::write_scene(folder.file("scene.tif"), scene, plat::test::metre_grid(300, 300));
  std::string first;
  for (const int64_t tile : {64, 300}) {
    BrightSegmenter model(tile, 16);
    model.edit().classes[0].thresholds.min_area_m2 = 20;
    plat::ExtractOptions options;
    options.threads = 2;
    options.overwrite = true;
    plat::extract(folder.file("scene.tif"), folder.file("roofs.geojsonl"), options, model);
    const std::string bytes = plat::test::file_bytes(folder.file("roofs.geojsonl"));
    if (first.empty()) first = bytes;
    BOOST_TEST((bytes == first));
    plat::extract(folder.file("scene.tif"), folder.file("roofs.gpkg"), options, model);
  }
  const std::vector<Feature> roofs = plat::read_features(folder.file("roofs.gpkg")).features;
  BOOST_TEST(roofs.size() > 200U);
  int overlaps = 0;
  for (std::size_t i = 0; i < roofs.size(); ++i) {
    for (std::size_t j = i + 1; j < roofs.size(); ++j) {
      overlaps += plat::intersection_area(roofs[i].geometry, roofs[j].geometry) > 1e-4 ? 1 : 0;
    }
  }
  BOOST_TEST(overlaps == 0);
}

BOOST_AUTO_TEST_CASE(fields_across_a_road_stay_apart_unless_asked_otherwise) {
  const std::vector<Feature> open = extract_fields(".gpkg", 0);
  BOOST_REQUIRE(open.size() == 5U);
  for (std::size_t i = 0; i < open.size(); ++i) {
    for (std::size_t j = i + 1; j < open.size(); ++j) BOOST_TEST(shared_length(open[i], open[j]) == 0);
  }
  const std::vector<Feature> closed = extract_fields(".gpkg", 10);
  BOOST_REQUIRE(closed.size() == 5U);
  BOOST_TEST(total_area(closed) == 180.0 * 200, boost::test_tools::tolerance(0.005));
  BOOST_CHECK_THROW(extract_fields(".gpkg", 50), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
