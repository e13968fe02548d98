// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "tests/geo/raster_fixture.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

using plat::RasterReader;
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
  return f;
}

plat::RasterBlock read_all(const std::string& path) {
  RasterReader reader(path);
  return reader.read(reader.grid().window());
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(raster_errors)

BOOST_AUTO_TEST_CASE(a_missing_file_is_named) {
  BOOST_CHECK_EXCEPTION(RasterReader("roads.tif"), plat::IoError,
                        [](const auto& e) { return says(e, "roads.tif: no such file"); });
  const plat::test::TemporaryFolder folder;
  std::ofstream(folder.file("x.tif")) << "this is no raster";
  BOOST_CHECK_EXCEPTION(plat::inspect_raster(folder.file("x.tif")), plat::IoError,
                        [](const auto& e) { return says(e, "cannot be read as a raster"); });
  BOOST_CHECK_THROW(plat::inspect_raster(folder.path().string()), plat::IoError);
  BOOST_CHECK_THROW(plat::inspect_raster("/vsizip/nothing.zip/a.tif"), plat::IoError);
}

BOOST_AUTO_TEST_CASE(a_block_that_no_file_could_hold_is_refused) {
  const plat::test::TemporaryFolder folder;
  RasterFixture fixture;
  const std::string path = folder.file("bomb.tif");
  {
    plat::detail::ListHandle options;
    for (const char* option :
         {"TILED=YES", "BLOCKXSIZE=16384", "BLOCKYSIZE=16384", "SPARSE_OK=TRUE", "COMPRESS=DEFLATE"}) {
      options = plat::detail::ListHandle(CSLAddString(options.release(), option));
    }
    const plat::detail::DatasetHandle d(
        GDALCreate(GDALGetDriverByName("GTiff"), path.c_str(), 16384, 16384, 1, GDT_Byte, options.get()));
  }
  BOOST_TEST(std::filesystem::file_size(path) < 1000);
  BOOST_CHECK_EXCEPTION(RasterReader{path}, plat::IoError, [](const auto& e) { return says(e, "unsafe to read"); });
}

BOOST_AUTO_TEST_CASE(damage_is_an_error_each_time_it_is_read) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(256, 256);
  fixture.creation = {"TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64", "COMPRESS=JPEG", "PHOTOMETRIC=YCBCR"};
  fixture.value = [](int col, int row, int) { return 128 + 100 * std::sin(col * 0.3) * std::cos(row * 0.2); };
  const std::string path = folder.file("j.tif");
  write_fixture(path, fixture);
  BOOST_CHECK_NO_THROW(read_all(path));
  {
    // Garbage in the middle of the compressed tiles.
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    for (int i = 0; i < 300; ++i) file.put(static_cast<char>(i % 3 == 0 ? 0xff : 0xd9));
  }
  RasterReader reader(path);
  for (int attempt = 0; attempt < 3; ++attempt) {
    BOOST_CHECK_EXCEPTION(reader.read({0, 0, 256, 256}), plat::IoError,
                          [](const auto& e) { return says(e, "j.tif: cannot read columns 0 to 255, rows 0 to 255"); });
  }
}

BOOST_AUTO_TEST_CASE(virtual_paths_work_wherever_a_path_does) {
  const plat::test::TemporaryFolder folder;
  auto fixture = three_bands(20, 10);
  fixture.value = [](int col, int row, int band) { return col + row + band; };
  const std::string archive = "/vsizip/" + folder.file("scenes.zip");
  write_fixture(folder.file("a.tif"), fixture);
  BOOST_REQUIRE(CPLCopyFile((archive + "/a.tif").c_str(), folder.file("a.tif").c_str()) == 0);
  BOOST_TEST((read_all(archive + "/a.tif").pixels == read_all(folder.file("a.tif")).pixels));
  write_fixture("/vsimem/plat-test.tif", fixture);
  BOOST_TEST(read_all("/vsimem/plat-test.tif").pixels.at(3, 2, 1) == 6);
  VSIUnlink("/vsimem/plat-test.tif");
}

BOOST_AUTO_TEST_CASE(jpeg_side_cars_are_followed, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const auto original = *data / "buildings/banepa/original/sample/train/oam/OAM-386690-220241-19.tif";
  const auto info = plat::inspect_raster(original.string());
  BOOST_TEST(info.driver == "JPEG");
  BOOST_TEST(info.georeferencing == "transform");
  BOOST_TEST(info.grid.crs.name() == "EPSG:4326");
  // The same chip as GeoTIFF, compressed once more, looks the same.
  const auto copy = read_all((*data / "buildings/banepa/geotiff/train/OAM-386690-220241-19.tif").string());
  const auto block = read_all(original.string());
  double difference = 0;
  for (std::size_t i = 0; i < copy.pixels.size(); ++i) {
    difference += std::abs(copy.pixels.data()[i] - block.pixels.data()[i]);
  }
  BOOST_TEST(difference / static_cast<double>(copy.pixels.size()) < 3);
}

BOOST_AUTO_TEST_SUITE_END()
