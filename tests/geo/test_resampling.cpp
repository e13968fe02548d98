// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "tests/geo/landscape.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

using boost::test_tools::tolerance;
using plat::RasterOptions;
using plat::RasterReader;
using plat::Window;
using plat::test::at_gsd;
using plat::test::kNorthUp;
using plat::test::kRotated;
using plat::test::landscape;
using plat::test::RasterFixture;
using plat::test::view;
using plat::test::write_fixture;

namespace {

struct Session {
  plat::GdalSession gdal;
};

/// Ground control points at the corners and in the middle of a view, one of them `wrong_by` pixels to the east.
void use_control_points(RasterFixture& f, double wrong_by = 0) {
  const plat::Affine map = f.transform;
  const int width = f.width;
  const int height = f.height;
  f.georeferenced = false;
  f.adjust = [=](GDALDatasetH d) {
    std::vector<GDAL_GCP> points;
    static char empty[] = "";
    for (const auto& [col, row] : std::vector<std::pair<double, double>>{
             {0, 0}, {width, 0}, {0, height}, {width, height}, {width / 2.0, height / 2.0}}) {
      const plat::Point world = map({col, row});
      points.push_back({empty, empty, col, row, world.x, world.y, 0});
    }
    points[1].dfGCPX += wrong_by;
    const plat::detail::SrsHandle srs(OSRNewSpatialReference(nullptr));
    OSRImportFromEPSG(srs.get(), 32645);
    GDALSetGCPs2(d, static_cast<int>(points.size()), points.data(), srs.get());
  };
}

/// The largest and the mean difference to the landscape, over valid pixels at least `margin` from the invalid ones.
struct Difference {
  double largest = 0;
  double mean = 0;
  int64_t pixels = 0;
};

Difference compare(RasterReader& reader, double margin_m, const plat::Affine& view_map, int width, int height) {
  const auto& grid = reader.grid();
  const auto block = reader.read(grid.window());
  const plat::CrsTransform to_utm(grid.crs, plat::Crs::from_text("EPSG:32645"));
  const plat::Affine back = view_map.inverse();
  Difference out;
  for (int64_t row = 0; row < grid.height; ++row) {
    for (int64_t col = 0; col < grid.width; ++col) {
      const plat::Point world =
          to_utm(grid.world_from_pixel({static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5}));
      const plat::Point at = back(world);
      const double inside = std::min({at.x, at.y, width - at.x, height - at.y});
      if (inside < -0.6) BOOST_REQUIRE(block.valid.at(col, row) == 0);
      if (inside < margin_m) continue;
      BOOST_REQUIRE(block.valid.at(col, row) == 1);
      const double difference = std::abs(block.pixels.at(col, row) - landscape(world));
      out.largest = std::max(out.largest, difference);
      out.mean += difference;
      ++out.pixels;
    }
  }
  out.mean /= static_cast<double>(out.pixels);
  return out;
}

/// Whether random windows, read by fresh clones in any order, have the pixels of the whole.
void check_windows(RasterReader& reader, unsigned seed) {
  BOOST_TEST_MESSAGE("seed " << seed);
  const auto& grid = reader.grid();
  const auto whole = reader.read(grid.window());
  std::mt19937 random(seed);
  const auto upto = [&](int64_t n) { return std::uniform_int_distribution<int64_t>(0, n)(random); };
  RasterReader other = reader.clone();
  for (int i = 0; i < 25; ++i) {
    const int64_t col = upto(grid.width - 1);
    const int64_t row = upto(grid.height - 1);
    const Window window{col, row, 1 + upto(grid.width - col - 1), 1 + upto(grid.height - row - 1)};
    const auto block = other.read(window);
    BOOST_REQUIRE((block.pixels == plat::crop(whole.pixels, window)));
    BOOST_REQUIRE((block.valid == plat::crop(whole.valid, window)));
  }
}

/// A view with holes: nodata blots and a column of it.
RasterFixture holed(RasterFixture f) {
  const auto value = f.value;
  f.value = [value](int col, int row, int band) {
    return (col / 9 + row / 7) % 11 == 3 || col == 40 ? -9999.0 : value(col, row, band);
  };
  const auto adjust = f.adjust;
  f.adjust = [adjust](GDALDatasetH d) {
    if (adjust) adjust(d);
    GDALSetRasterNoDataValue(GDALGetRasterBand(d, 1), -9999);
  };
  return f;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(resampling)

BOOST_AUTO_TEST_CASE(pixels_do_not_depend_on_the_window) {
  const plat::test::TemporaryFolder folder;
  std::vector<std::pair<std::string, RasterOptions>> cases;
  auto north = holed(view(150, 120, kNorthUp));
  write_fixture(folder.file("north.tif"), north);
  for (const double gsd : {0.37, 1.6, 4.5}) cases.emplace_back("north.tif", at_gsd(gsd));
  write_fixture(folder.file("rotated.tif"), holed(view(150, 120, kRotated)));
  cases.emplace_back("rotated.tif", RasterOptions());
  for (const double gsd : {0.4, 2.3, 7.0}) cases.emplace_back("rotated.tif", at_gsd(gsd));
  auto points = view(150, 120, kRotated);
  use_control_points(points);
  write_fixture(folder.file("gcp.tif"), holed(points));
  cases.emplace_back("gcp.tif", RasterOptions());
  auto with_overviews = holed(view(300, 300, kNorthUp));
  with_overviews.overviews = {2, 4};
  write_fixture(folder.file("ovr.tif"), with_overviews);
  cases.emplace_back("ovr.tif", at_gsd(5));
  RasterOptions mercator;
  mercator.target_grid =
      plat::Grid{140,
                 130,
                 {plat::CrsTransform(plat::Crs::from_text("EPSG:32645"),
                                     plat::Crs::from_text("EPSG:3857"))(plat::Point{499'990, 3'000'010})
                      .x,
                  1.1, 0, 0, 0, -1.1},
                 plat::Crs::from_text("EPSG:3857")};
  mercator.target_grid->world_from_pixel.y0 =
      plat::CrsTransform(plat::Crs::from_text("EPSG:32645"),
                         plat::Crs::from_text("EPSG:3857"))(plat::Point{499'990, 3'000'010})
          .y;
  cases.emplace_back("north.tif", mercator);
  unsigned seed = 1;
  for (const auto& [name, options] : cases) {
    BOOST_TEST_CONTEXT(name << " at " << options.gsd_m.value_or(0)) {
      RasterReader reader(folder.file(name), options);
      check_windows(reader, seed++);
    }
  }
}

BOOST_AUTO_TEST_CASE(contradictory_control_points_are_told) {
  const plat::test::TemporaryFolder folder;
  for (const double wrong_by : {0.0, 2.0, 60.0}) {
    auto points = view(150, 120, kNorthUp);
    use_control_points(points, wrong_by);
    write_fixture(folder.file("gcp.tif"), points);
    const plat::RasterInfo info = plat::inspect_raster(folder.file("gcp.tif"));
    BOOST_TEST(info.georeferencing == "gcps");
    const std::string warning = plat::control_point_warning(info);
    BOOST_TEST_INFO(warning);
    // The plane through five points takes up most of one's error, and half of a corner's own.
    if (wrong_by == 60) {
      BOOST_TEST(warning.find(std::to_string(std::lround(info.control_point_error_px)) + " pixels") !=
                 std::string::npos);
      BOOST_TEST(info.control_point_error_px > 10);
      BOOST_TEST(info.control_point_error_px < 60);
    } else {
      BOOST_TEST(warning.empty());
      BOOST_TEST(info.control_point_error_px < wrong_by + 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(resampled_pixels_show_the_same_landscape) {
  const plat::test::TemporaryFolder folder;
  write_fixture(folder.file("north.tif"), view(200, 160, kNorthUp));
  write_fixture(folder.file("rotated.tif"), view(200, 160, kRotated));
  auto points = view(200, 160, kRotated);
  use_control_points(points);
  write_fixture(folder.file("gcp.tif"), points);
  auto south = view(200, 160, {500'000, 1, 0, 3'000'000, 0, 1});
  write_fixture(folder.file("south.tif"), south);
  struct Case {
    const char* name;
    plat::Affine map;
    double gsd;
    double largest;
  };
  // A cubic through samples a metre apart misses waves of 35 m and amplitude 50 by about 50 * (2 pi / 35)^4 / 10 = 0.005;
  // at 2 m by 16 times that.
  for (const auto& c : {Case{"north.tif", kNorthUp, 0.4, 0.02}, Case{"north.tif", kNorthUp, 2, 0.06},
                        Case{"rotated.tif", kRotated, 1, 0.02}, Case{"rotated.tif", kRotated, 0.4, 0.02},
                        Case{"rotated.tif", kRotated, 2, 0.06}, Case{"gcp.tif", kRotated, 1, 0.02},
                        Case{"south.tif", {500'000, 1, 0, 3'000'000, 0, 1}, 0.6, 0.02}}) {
    BOOST_TEST_CONTEXT(c.name << " at " << c.gsd) {
      RasterReader reader(folder.file(c.name), at_gsd(c.gsd));
      const auto d = compare(reader, 4 * c.gsd + 3, c.map, 200, 160);
      BOOST_TEST_MESSAGE(c.name << " at " << c.gsd << ": largest " << d.largest << ", mean " << d.mean << " over "
                                << d.pixels);
      BOOST_TEST(d.pixels > 1000);
      BOOST_TEST(d.largest < c.largest);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_crs_show_the_same_landscape) {
  const plat::test::TemporaryFolder folder;
  write_fixture(folder.file("north.tif"), view(200, 160, kNorthUp));
  const auto utm = plat::Crs::from_text("EPSG:32645");
  for (const char* text : {"EPSG:3857", "EPSG:4326", "EPSG:32644", "EPSG:6933"}) {
    BOOST_TEST_CONTEXT(text) {
      const auto crs = plat::Crs::from_text(text);
      const auto box = plat::CrsTransform(utm, crs)(plat::Bounds{499'990, 2'999'830, 500'210, 3'000'010});
      RasterOptions options;
      const double pixel = (box.max_x - box.min_x) / 220;
      options.target_grid = plat::Grid{
          220, static_cast<int64_t>((box.max_y - box.min_y) / pixel), {box.min_x, pixel, 0, box.max_y, 0, -pixel}, crs};
      RasterReader reader(folder.file("north.tif"), options);
      const auto d = compare(reader, 8, kNorthUp, 200, 160);
      BOOST_TEST_MESSAGE(text << ": largest " << d.largest << ", mean " << d.mean << " over " << d.pixels);
      BOOST_TEST(d.pixels > 1000);
      // Half again as coarse in one direction where degrees are not square on the ground.
      BOOST_TEST(d.largest < 0.2);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_grid_that_coincides_is_read_bit_by_bit) {
  const plat::test::TemporaryFolder folder;
  write_fixture(folder.file("a.tif"), view(50, 40, kNorthUp));
  RasterReader native(folder.file("a.tif"));
  const auto pixels = native.read({0, 0, 50, 40}).pixels;
  RasterOptions options;
  options.target_grid = native.grid().sub({-3, 5, 60, 20});
  RasterReader shifted(folder.file("a.tif"), options);
  const auto block = shifted.read(shifted.grid().window());
  BOOST_TEST(block.valid.at(2, 0) == 0);
  BOOST_TEST(block.pixels.at(3, 0) == pixels.at(0, 5));
  BOOST_TEST(block.pixels.at(52, 19) == pixels.at(49, 24));
  BOOST_TEST(block.valid.at(53, 0) == 0);
  // Within 5 % of the wanted distance the file's own pixels are used.
  BOOST_TEST((RasterReader(folder.file("a.tif"), at_gsd(1.04)).grid().world_from_pixel == kNorthUp));
}

BOOST_AUTO_TEST_CASE(the_outermost_pixels_stay_valid) {
  const plat::test::TemporaryFolder folder;
  write_fixture(folder.file("a.tif"), view(53, 47, kNorthUp));
  for (const double gsd : {0.3, 0.77, 1.3, 3.1, 10.0, 1000.0}) {
    BOOST_TEST_CONTEXT(gsd) {
      RasterReader reader(folder.file("a.tif"), at_gsd(gsd));
      const auto block = reader.read(reader.grid().window());
      const auto valid = block.valid.band(0);
      BOOST_TEST(std::count(valid.begin(), valid.end(), 1) == static_cast<std::ptrdiff_t>(valid.size()));
      BOOST_TEST(reader.grid().world_bounds().max_x == 500'053, tolerance(1e-12));
      BOOST_TEST(reader.grid().world_bounds().min_y == 3'000'000 - 47, tolerance(1e-12));
    }
  }
}

BOOST_AUTO_TEST_CASE(nodata_does_not_bleed_into_its_neighbours) {
  const plat::test::TemporaryFolder folder;
  auto flat = view(100, 100, kNorthUp);
  flat.value = [](int, int, int) { return 100.0; };
  write_fixture(folder.file("north.tif"), holed(flat));
  flat.transform = kRotated;
  write_fixture(folder.file("rotated.tif"), holed(flat));
  for (const auto& [name, gsd] : std::vector<std::pair<std::string, double>>{
           {"north.tif", 0.3}, {"north.tif", 2.5}, {"rotated.tif", 0.7}, {"rotated.tif", 1}, {"rotated.tif", 6}}) {
    BOOST_TEST_CONTEXT(name << " at " << gsd) {
      RasterReader reader(folder.file(name), at_gsd(gsd));
      const auto block = reader.read(reader.grid().window());
      int64_t count = 0;
      for (std::size_t i = 0; i < block.valid.size(); ++i) {
        if (block.valid.data()[i] == 0) {
          BOOST_REQUIRE(block.pixels.data()[i] == 0);
          continue;
        }
        ++count;
        BOOST_REQUIRE(std::abs(block.pixels.data()[i] - 100) < 1e-3);
      }
      BOOST_TEST(count > 0);
      BOOST_TEST(count < static_cast<int64_t>(block.valid.size()));
    }
  }
}

BOOST_AUTO_TEST_CASE(averages_keep_the_mean) {
  const plat::test::TemporaryFolder folder;
  auto noise = view(240, 240, kNorthUp);
  noise.value = [](int col, int row, int) { return (col * 7919 + row * 104729) % 256; };
  write_fixture(folder.file("a.tif"), noise);
  RasterReader full(folder.file("a.tif"));
  const auto mean = [](const plat::RasterBlock& block) {
    double sum = 0;
    for (const float v : block.pixels.band(0)) sum += v;
    return sum / static_cast<double>(block.pixels.size());
  };
  const double expected = mean(full.read(full.grid().window()));
  for (const double gsd : {2.0, 3.0, 8.0}) {
    RasterReader reader(folder.file("a.tif"), at_gsd(gsd));
    BOOST_TEST(mean(reader.read(reader.grid().window())) == expected, tolerance(0.02));
  }
  BOOST_TEST(mean(full.read_reduced(full.grid().window(), 60, 60)) == expected, tolerance(0.02));
}

BOOST_AUTO_TEST_SUITE_END()
