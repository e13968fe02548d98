// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "tests/geo/landscape.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

using boost::test_tools::tolerance;
using plat::RasterOptions;
using plat::RasterReader;
using plat::Window;
using plat::test::at_gsd;
using plat::test::kNorthUp;
using plat::test::kRotated;
using plat::test::landscape;
using plat::test::view;
using plat::test::write_fixture;

namespace {

struct Session {
  plat::GdalSession gdal;
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(read_grids)

BOOST_AUTO_TEST_CASE(the_ground_sample_distance_is_met_in_every_crs) {
  const plat::test::TemporaryFolder folder;
  const auto mercator = plat::Crs::from_text("EPSG:3857");
  // Zoom 19 at 27.63° north: 0.2986 in the CRS, 0.2640 on the ground.
  auto fixture = view(1000, 1000, {9'520'000, 0.29858214164761665, 0, 3'203'000, 0, -0.29858214164761665});
  fixture.crs = "EPSG:3857";
  fixture.type = GDT_Byte;
  write_fixture(folder.file("m.tif"), fixture);
  RasterReader native(folder.file("m.tif"), at_gsd(0.264));
  BOOST_TEST(native.grid().width == 1000);
  RasterReader half(folder.file("m.tif"), at_gsd(0.528));
  BOOST_TEST(std::abs(half.grid().width - 500) <= 2);
  BOOST_TEST(half.grid().ground_sample_distance_m() == 0.528, tolerance(0.002));
  fixture.crs = "EPSG:4326";
  fixture.transform = {85, 1e-5, 0, 60, 0, -1e-5};
  write_fixture(folder.file("d.tif"), fixture);
  RasterReader degrees(folder.file("d.tif"), at_gsd(0.5));
  const auto& grid = degrees.grid();
  BOOST_TEST(grid.ground_sample_distance_m() == 0.5, tolerance(0.002));
  // Square on the ground at 60° north: twice as wide in degrees as high.
  BOOST_TEST(grid.world_from_pixel.col_dx / -grid.world_from_pixel.row_dy == 2, tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(labels_are_not_mixed) {
  const plat::test::TemporaryFolder folder;
  auto fixture = view(60, 60, kRotated);
  fixture.type = GDT_Byte;
  fixture.value = [](int col, int row, int) { return (col / 8 + row / 8) % 2 == 0 ? 1 : 7; };
  write_fixture(folder.file("l.tif"), fixture);
  for (const double gsd : {0.5, 1.0, 3.3}) {
    auto options = at_gsd(gsd);
    options.nearest = true;
    RasterReader reader(folder.file("l.tif"), options);
    const auto block = reader.read(reader.grid().window());
    std::set<float> seen;
    for (std::size_t i = 0; i < block.valid.size(); ++i) {
      if (block.valid.data()[i] != 0) seen.insert(block.pixels.data()[i]);
    }
    BOOST_TEST((seen == std::set<float>{1, 7}));
  }
}

BOOST_AUTO_TEST_CASE(reduced_reads_show_the_same_landscape) {
  const plat::test::TemporaryFolder folder;
  auto fixture = view(1200, 900, kNorthUp);
  write_fixture(folder.file("plain.tif"), fixture);
  fixture.overviews = {2, 4, 8, 16};
  write_fixture(folder.file("ovr.tif"), fixture);
  fixture = view(1200, 900, kRotated);
  write_fixture(folder.file("rotated.tif"), fixture);
  for (const char* name : {"plain.tif", "ovr.tif", "rotated.tif"}) {
    BOOST_TEST_CONTEXT(name) {
      RasterReader reader(folder.file(name));
      const auto& grid = reader.grid();
      const Window window{100, 50, 1000, 800};
      const auto block = reader.read_reduced(window, 250, 200);
      const auto full = reader.read(window);
      double difference = 0;
      int64_t count = 0;
      for (int64_t row = 0; row < 200; ++row) {
        for (int64_t col = 0; col < 250; ++col) {
          if (block.valid.at(col, row) == 0) continue;
          const auto world = grid.world_from_pixel(
              {100 + 4 * (static_cast<double>(col) + 0.5), 50 + 4 * (static_cast<double>(row) + 0.5)});
          difference += std::abs(block.pixels.at(col, row) - landscape(world));
          ++count;
        }
      }
      BOOST_TEST(count > 20'000);
      // Four pixels a sample flatten waves of 35 pixels by a few percent of their amplitude.
      BOOST_TEST(difference / static_cast<double>(count) < 2);
    }
  }
  // Parts past the grid are not valid.
  RasterReader reader(folder.file("plain.tif"));
  const auto block = reader.read_reduced({-400, 0, 1600, 900}, 160, 90);
  BOOST_TEST(block.valid.at(10, 10) == 0);
  BOOST_TEST(block.valid.at(60, 10) == 1);
}

BOOST_AUTO_TEST_CASE(grids_without_a_common_crs_are_refused) {
  const plat::test::TemporaryFolder folder;
  auto fixture = view(20, 20, kNorthUp);
  write_fixture(folder.file("a.tif"), fixture);
  RasterOptions options;
  options.target_grid = plat::Grid{5, 5, kNorthUp, {}};
  BOOST_CHECK_THROW(RasterReader(folder.file("a.tif"), options), plat::DataError);
  options.target_grid = plat::Grid{5, 5, kRotated, plat::Crs::from_text("EPSG:32645")};
  BOOST_CHECK_THROW(RasterReader(folder.file("a.tif"), options), plat::UsageError);
  BOOST_CHECK_THROW(RasterReader(folder.file("a.tif"), at_gsd(0)), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
