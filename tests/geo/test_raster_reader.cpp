// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "tests/geo/raster_fixture.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

using plat::RasterOptions;
using plat::RasterReader;
using plat::Window;
using plat::test::RasterFixture;
using plat::test::write_fixture;

namespace {

struct Session {
  plat::GdalSession gdal;
};

bool says(const std::exception& error, const std::string& text) {
  if (std::string(error.what()).find(text) != std::string::npos) return true;
  BOOST_TEST_MESSAGE("said: " << error.what());
  return false;
}

RasterFixture three_bands(int width, int height) {
  RasterFixture f;
  f.width = width;
  f.height = height;
  f.bands = 3;
  f.value = [](int col, int row, int band) { return (col * 7 + row * 13 + band * 50) % 251 + 1; };
  return f;
}

/// The values of one band of a small raster, row by row.
std::vector<float> values(const plat::RasterBlock& block, int64_t band = 0) {
  const auto all = block.pixels.band(band);
  return {all.begin(), all.end()};
}

std::vector<int> valid(const plat::RasterBlock& block) {
  const auto all = block.valid.band(0);
  return {all.begin(), all.end()};
}

plat::RasterBlock read_all(const std::string& path, const RasterOptions& options = {}) {
  RasterReader reader(path, options);
  return reader.read(reader.grid().window());
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(raster_reader)

BOOST_AUTO_TEST_CASE(a_north_up_file_is_read_as_it_is_stored) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(70, 40);
  fixture.creation = {"TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=32", "COMPRESS=DEFLATE"};
  write_fixture(folder.file("a.tif"), fixture);
  RasterReader reader(folder.file("a.tif"));
  BOOST_TEST(reader.grid().width == 70);
  BOOST_TEST(reader.grid().crs.name() == "EPSG:32645");
  BOOST_TEST((reader.grid().world_from_pixel == fixture.transform));
  BOOST_TEST(reader.is_byte());
  for (const Window& window : {Window{0, 0, 70, 40}, Window{5, 9, 33, 17}, Window{69, 39, 1, 1}}) {
    const auto block = reader.read(window);
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = 0; r < window.height; ++r) {
        for (int64_t c = 0; c < window.width; ++c) {
          const auto col = static_cast<int>(window.col + c);
          const auto row = static_cast<int>(window.row + r);
          BOOST_REQUIRE(block.pixels.at(c, r, b) == fixture.value(col, row, static_cast<int>(b)));
          BOOST_REQUIRE(block.valid.at(c, r) == 1);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_lies_outside_the_grid_is_not_valid) {
  const plat::test::TemporaryFolder folder;
  write_fixture(folder.file("a.tif"), three_bands(4, 3));
  RasterReader reader(folder.file("a.tif"));
  const auto block = reader.read({-1, 2, 3, 2});
  BOOST_TEST(valid(block) == (std::vector<int>{0, 1, 1, 0, 0, 0}), boost::test_tools::per_element());
  BOOST_TEST(values(block)[0] == 0);
  BOOST_TEST(values(block)[1] == 27);
  BOOST_TEST(reader.read({100, 100, 2, 2}).valid.at(0, 0) == 0);
  BOOST_TEST(reader.read({0, 0, 0, 0}).pixels.empty());
}

BOOST_AUTO_TEST_CASE(bands_are_chosen_by_role_and_by_number) {
  const plat::test::TemporaryFolder folder;
  RasterFixture fixture;
  fixture.width = 2;
  fixture.height = 1;
  fixture.bands = 4;
  fixture.type = GDT_UInt16;
  fixture.value = [](int, int, int band) { return 100.0 * (band + 1); };
  fixture.adjust = [](GDALDatasetH d) {
    GDALSetRasterColorInterpretation(GDALGetRasterBand(d, 1), GCI_BlueBand);
    GDALSetRasterColorInterpretation(GDALGetRasterBand(d, 2), GCI_GreenBand);
    GDALSetRasterColorInterpretation(GDALGetRasterBand(d, 3), GCI_RedBand);
    GDALSetRasterColorInterpretation(GDALGetRasterBand(d, 4), GCI_Undefined);
    GDALSetDescription(GDALGetRasterBand(d, 4), "NIR");
  };
  const std::string path = folder.file("bgrn.tif");
  write_fixture(path, fixture);
  const auto first = [&](const std::vector<std::string>& bands) {
    RasterOptions options;
    options.bands = bands;
    const auto block = read_all(path, options);
    std::vector<float> out;
    for (int64_t b = 0; b < block.pixels.bands(); ++b) out.push_back(block.pixels.at(0, 0, b));
    return out;
  };
  BOOST_TEST(first({}) == (std::vector<float>{300, 200, 100}), boost::test_tools::per_element());
  BOOST_TEST(first({"NIR", "red", "2"}) == (std::vector<float>{400, 300, 200}), boost::test_tools::per_element());
  BOOST_TEST(first({"4", "4"}) == (std::vector<float>{400, 400}), boost::test_tools::per_element());
  for (const char* wrong : {"5", "0", "-1", "alpha", "purple", ""}) {
    BOOST_CHECK_EXCEPTION(first({wrong}), plat::UsageError,
                          [](const auto& e) { return says(e, "it has 1 (blue), 2 (green), 3 (red), 4 (nir)"); });
  }
}

BOOST_AUTO_TEST_CASE(gray_and_alpha_become_three_gray_bands_and_a_mask) {
  const plat::test::TemporaryFolder folder;
  RasterFixture fixture;
  fixture.width = 3;
  fixture.height = 1;
  fixture.bands = 2;
  fixture.creation = {"ALPHA=YES"};
  fixture.value = [](int col, int, int band) { return band == 0 ? 10.0 + col : (col == 1 ? 0.0 : 200.0); };
  write_fixture(folder.file("ga.tif"), fixture);
  const auto block = read_all(folder.file("ga.tif"));
  BOOST_TEST(block.pixels.bands() == 3);
  BOOST_TEST(block.pixels.at(2, 0, 2) == 12);
  BOOST_TEST(valid(block) == (std::vector<int>{1, 0, 1}), boost::test_tools::per_element());
  // An alpha band that is asked for is a band of pixels, and hides nothing.
  RasterOptions options;
  options.bands = {"alpha"};
  BOOST_TEST(values(read_all(folder.file("ga.tif"), options)) == (std::vector<float>{200, 0, 200}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(palettes_become_colours_unless_their_band_is_named) {
  const plat::test::TemporaryFolder folder;
  RasterFixture fixture;
  fixture.width = 3;
  fixture.height = 1;
  fixture.value = [](int col, int, int) { return col; };
  fixture.adjust = [](GDALDatasetH d) {
    GDALColorTableH table = GDALCreateColorTable(GPI_RGB);
    const GDALColorEntry colours[3] = {{9, 8, 7, 255}, {100, 150, 200, 255}, {1, 2, 3, 255}};
    for (int i = 0; i < 3; ++i) GDALSetColorEntry(table, i, &colours[i]);
    GDALSetRasterColorTable(GDALGetRasterBand(d, 1), table);
    GDALDestroyColorTable(table);
    GDALSetRasterNoDataValue(GDALGetRasterBand(d, 1), 2);
  };
  const std::string path = folder.file("p.tif");
  write_fixture(path, fixture);
  const auto block = read_all(path);
  BOOST_TEST(values(block, 0) == (std::vector<float>{9, 100, 0}), boost::test_tools::per_element());
  BOOST_TEST(values(block, 2) == (std::vector<float>{7, 200, 0}), boost::test_tools::per_element());
  BOOST_TEST(valid(block) == (std::vector<int>{1, 1, 0}), boost::test_tools::per_element());
  RasterOptions options;
  options.bands = {"green"};
  BOOST_TEST(values(read_all(path, options)) == (std::vector<float>{8, 150, 0}), boost::test_tools::per_element());
  options.bands = {"1"};
  BOOST_TEST(values(read_all(path, options)) == (std::vector<float>{0, 1, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_dark_band_is_no_hole_but_nodata_in_all_bands_is) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(3, 1);
  fixture.value = [](int col, int, int band) { return col == 0 ? 0.0 : col == 1 && band == 0 ? 0.0 : 9.0; };
  fixture.adjust = [](GDALDatasetH d) {
    for (int b = 1; b <= 3; ++b) GDALSetRasterNoDataValue(GDALGetRasterBand(d, b), 0);
  };
  write_fixture(folder.file("i.tif"), fixture);
  BOOST_TEST(valid(read_all(folder.file("i.tif"))) == (std::vector<int>{0, 1, 1}), boost::test_tools::per_element());
  // Reflectances as floats have no natural 0: one missing band ends the pixel.
  fixture.type = GDT_Float32;
  write_fixture(folder.file("f.tif"), fixture);
  BOOST_TEST(valid(read_all(folder.file("f.tif"))) == (std::vector<int>{0, 0, 1}), boost::test_tools::per_element());
  RasterOptions options;
  options.nodata = 9;
  BOOST_TEST(valid(read_all(folder.file("i.tif"), options)) == (std::vector<int>{1, 1, 0}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(masks_and_numbers_that_are_none_are_not_valid) {
  const plat::test::TemporaryFolder folder;
  RasterFixture fixture;
  fixture.width = 4;
  fixture.height = 1;
  fixture.type = GDT_Float32;
  fixture.value = [](int col, int, int) {
    return col == 0 ? std::nan("") : col == 1 ? std::numeric_limits<double>::infinity() : 5.0;
  };
  fixture.mask = [](int col, int) { return col != 2; };
  write_fixture(folder.file("m.tif"), fixture);
  const auto block = read_all(folder.file("m.tif"));
  BOOST_TEST(valid(block) == (std::vector<int>{0, 0, 0, 1}), boost::test_tools::per_element());
  BOOST_TEST(values(block) == (std::vector<float>{0, 0, 0, 5}), boost::test_tools::per_element());
  BOOST_TEST(plat::inspect_raster(folder.file("m.tif")).has_mask);
}

BOOST_AUTO_TEST_CASE(complex_numbers_give_their_magnitude) {
  const plat::test::TemporaryFolder folder;
  RasterFixture fixture;
  fixture.width = 1;
  fixture.height = 1;
  fixture.type = GDT_CFloat32;
  fixture.adjust = [](GDALDatasetH d) { GDALFillRaster(GDALGetRasterBand(d, 1), 3, 4); };
  fixture.value = [](int, int, int) { return 0.0; };
  const std::string path = folder.file("c.tif");
  write_fixture(path, fixture);
  {
    const plat::detail::DatasetHandle d(GDALOpen(path.c_str(), GA_Update));
    GDALFillRaster(GDALGetRasterBand(d.get(), 1), 3, 4);
  }
  BOOST_TEST(read_all(path).pixels.at(0, 0) == 5);
}

BOOST_AUTO_TEST_CASE(fewer_bits_are_no_byte) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(8, 8);
  fixture.bands = 1;
  fixture.creation = {"NBITS=4"};
  fixture.value = [](int col, int, int) { return col % 2; };
  write_fixture(folder.file("four.tif"), fixture);
  RasterReader four(folder.file("four.tif"));
  BOOST_TEST(!four.is_byte());
  BOOST_TEST(four.read({0, 0, 2, 1}).pixels.at(1, 0) == 1);
  // GDAL gives one bit a pixel a palette of black and white.
  fixture.creation = {"NBITS=1"};
  write_fixture(folder.file("one.tif"), fixture);
  RasterReader one(folder.file("one.tif"));
  BOOST_TEST(one.is_byte());
  BOOST_TEST(one.read({0, 0, 2, 1}).pixels.at(1, 0) == 255);
  RasterOptions options;
  options.bands = {"1"};
  BOOST_TEST(!RasterReader(folder.file("one.tif"), options).is_byte());
}

BOOST_AUTO_TEST_CASE(mirrored_files_are_turned_bit_by_bit) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(9, 5);
  fixture.transform = {500'000, 2, 0, 3'000'000, 0, 2};
  write_fixture(folder.file("south.tif"), fixture);
  RasterReader reader(folder.file("south.tif"));
  BOOST_TEST(reader.grid().world_from_pixel.y0 == 3'000'010);
  const auto block = reader.read(reader.grid().window());
  for (int row = 0; row < 5; ++row) {
    for (int col = 0; col < 9; ++col) BOOST_TEST(block.pixels.at(col, row, 1) == fixture.value(col, 4 - row, 1));
  }
  BOOST_TEST(!reader.info().grid.world_from_pixel.north_up());
}

BOOST_AUTO_TEST_CASE(rasters_without_georeferencing_show_their_pixels) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(6, 4);
  fixture.georeferenced = false;
  write_fixture(folder.file("plain.tif"), fixture);
  RasterOptions options;
  options.gsd_m = 0.5;
  RasterReader reader(folder.file("plain.tif"), options);
  BOOST_TEST(reader.info().georeferencing == "none");
  BOOST_TEST(reader.grid().width == 6);
  BOOST_TEST(reader.grid().crs.empty());
  BOOST_TEST((reader.grid().world_from_pixel == plat::Affine{0, 1, 0, 0, 0, -1}));
  BOOST_TEST(reader.read({2, 1, 1, 1}).pixels.at(0, 0, 0) == fixture.value(2, 1, 0));
  options.assign_crs = plat::Crs::from_text("EPSG:32645");
  BOOST_CHECK_THROW(RasterReader(folder.file("plain.tif"), options), plat::DataError);
}

BOOST_AUTO_TEST_CASE(a_crs_can_be_assigned) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(6, 4);
  fixture.crs = "";
  write_fixture(folder.file("nocrs.tif"), fixture);
  BOOST_TEST(RasterReader(folder.file("nocrs.tif")).grid().crs.empty());
  RasterOptions options;
  options.assign_crs = plat::Crs::from_text("EPSG:32644");
  BOOST_TEST(RasterReader(folder.file("nocrs.tif"), options).grid().crs.name() == "EPSG:32644");
}

BOOST_AUTO_TEST_CASE(a_part_has_the_pixels_of_the_whole) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(60, 40);
  write_fixture(folder.file("a.tif"), fixture);
  for (const bool resampled : {false, true}) {
    RasterOptions options;
    if (resampled) options.gsd_m = 1.7;
    RasterReader whole(folder.file("a.tif"), options);
    options.bbox = plat::Bounds{500'010, 2'999'971.5, 500'031.2, 2'999'990};
    RasterReader part(folder.file("a.tif"), options);
    const auto& map = part.grid().world_from_pixel;
    const double pixel = map.col_dx;
    const auto col = std::llround((map.x0 - 500'000) / pixel);
    const auto row = std::llround((3'000'000 - map.y0) / -map.row_dy);
    if (!resampled) {
      BOOST_TEST(col == 10);
      BOOST_TEST(row == 10);
      BOOST_TEST(part.grid().width == 22);
      BOOST_TEST(part.grid().height == 19);
    }
    const auto block = part.read(part.grid().window());
    const auto same = whole.read({col, row, part.grid().width, part.grid().height});
    BOOST_TEST((block.pixels == same.pixels));
    BOOST_TEST(part.read({-1, 0, 1, 1}).valid.at(0, 0) == 0);
  }
  RasterOptions outside;
  outside.bbox = plat::Bounds{0, 0, 1, 1};
  BOOST_CHECK_EXCEPTION(RasterReader(folder.file("a.tif"), outside), plat::DataError,
                        [](const auto& e) { return says(e, "lies outside the scene"); });
  RasterOptions degrees;
  degrees.bbox_crs = plat::Crs::wgs84();
  degrees.bbox = plat::CrsTransform(plat::Crs::from_text("EPSG:32645"),
                                    plat::Crs::wgs84())(plat::Bounds{500'020, 2'999'980, 500'040, 2'999'990});
  const auto box = RasterReader(folder.file("a.tif"), degrees).grid().world_bounds();
  BOOST_TEST(std::abs(box.min_x - 500'020) <= 1);
  BOOST_TEST(std::abs(box.max_y - 2'999'990) <= 1);
}

BOOST_AUTO_TEST_CASE(clones_read_the_same_on_their_own_threads) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(200, 150);
  fixture.transform = {500'000, 1, 0.2, 3'000'000, 0.2, -1};
  write_fixture(folder.file("a.tif"), fixture);
  RasterReader reader(folder.file("a.tif"));
  const auto expected = reader.read(reader.grid().window());
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (std::size_t i = 0; i < same.size(); ++i) {
    threads.emplace_back([&, i, clone = std::make_shared<RasterReader>(reader.clone())] {
      const auto block = clone->read(clone->grid().window());
      same[i] = block.pixels == expected.pixels && block.valid == expected.valid;
    });
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(same == std::vector<int>(4, 1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
