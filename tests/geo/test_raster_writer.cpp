// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/raster_writer.hpp"
#include "geo/scaling.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace fs = std::filesystem;

namespace {

struct Session {
  plat::GdalSession gdal;
};

plat::Grid grid(int64_t width, int64_t height) {
  return {width, height, {500'000, 0.5, 0, 3'000'000, 0, -0.5}, plat::Crs::from_text("EPSG:32645")};
}

template <typename T>
plat::Image<T> pattern(int64_t width, int64_t height, int64_t bands) {
  plat::Image<T> image(width, height, bands);
  for (std::size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<T>(1 + (i * 31) % 199);
  return image;
}

template <typename T>
void check_round_trip(int64_t bands) {
  const plat::test::TemporaryFolder folder;
  const auto image = pattern<T>(700, 530, bands);
  plat::write_raster(folder.file("a.tif"), image, grid(700, 530));
  plat::RasterOptions options;
  for (int64_t b = 1; b <= bands; ++b) options.bands.push_back(std::to_string(b));
  plat::RasterReader reader(folder.file("a.tif"), options);
  BOOST_TEST((reader.grid().world_from_pixel == grid(1, 1).world_from_pixel));
  BOOST_TEST(reader.grid().crs.name() == "EPSG:32645");
  BOOST_TEST(reader.info().compression == "DEFLATE");
  const auto block = reader.read(reader.grid().window());
  for (std::size_t i = 0; i < image.size(); ++i)
    BOOST_REQUIRE(block.pixels.data()[i] == static_cast<float>(image.data()[i]));
}

std::string bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Writes an image in strips of some height.
void write_strips(const std::string& path, const plat::Image<uint8_t>& image, int64_t rows) {
  plat::RasterWriter<uint8_t> writer(path, grid(image.width(), image.height()), static_cast<int>(image.bands()));
  for (int64_t row = 0; row < image.height(); row += rows) {
    writer.write(plat::crop(image, {0, row, image.width(), std::min(rows, image.height() - row)}), 0, row);
  }
  writer.close();
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(raster_writer)

BOOST_AUTO_TEST_CASE(every_type_comes_back_exactly) {
  check_round_trip<uint8_t>(1);
  check_round_trip<uint8_t>(3);
  check_round_trip<uint8_t>(4);
  check_round_trip<uint16_t>(2);
  check_round_trip<int32_t>(1);
  check_round_trip<float>(3);
}

BOOST_AUTO_TEST_CASE(the_bytes_do_not_depend_on_the_strips) {
  const plat::test::TemporaryFolder folder;
  const auto image = pattern<uint8_t>(600, 1000, 3);
  write_strips(folder.file("a.tif"), image, 1000);
  const std::string expected = bytes(folder.file("a.tif"));
  for (const int64_t rows : {1, 100, 256, 999}) {
    write_strips(folder.file("b" + std::to_string(rows) + ".tif"), image, rows);
    BOOST_TEST(bytes(folder.file("b" + std::to_string(rows) + ".tif")) == expected);
  }
}

BOOST_AUTO_TEST_CASE(tiles_may_come_in_any_order_and_twice) {
  const plat::test::TemporaryFolder folder;
  const auto image = pattern<uint8_t>(600, 600, 1);
  {
    plat::RasterWriter<uint8_t> writer(folder.file("a.tif"), grid(600, 600), 1);
    for (const auto& [col, row] :
         std::vector<std::pair<int64_t, int64_t>>{{300, 300}, {0, 0}, {300, 0}, {0, 300}, {0, 0}}) {
      writer.write(plat::crop(image, {col, row, 300, 300}), col, row);
    }
    writer.close();
  }
  plat::RasterReader reader(folder.file("a.tif"));
  const auto block = reader.read({0, 0, 600, 600});
  for (std::size_t i = 0; i < image.size(); ++i) BOOST_REQUIRE(block.pixels.data()[i] == image.data()[i]);
}

BOOST_AUTO_TEST_CASE(what_is_never_written_is_nodata) {
  const plat::test::TemporaryFolder folder;
  plat::RasterWriteOptions options;
  options.nodata = 255;
  options.band_names = {"class"};
  {
    plat::RasterWriter<uint8_t> writer(folder.file("a.tif"), grid(600, 600), 1, options);
    writer.write(plat::Image<uint8_t>(10, 10, 1, uint8_t{3}), 300, 300);
    writer.close();
  }
  plat::RasterReader reader(folder.file("a.tif"));
  BOOST_TEST(reader.info().band_names[0] == "class");
  BOOST_TEST(reader.info().nodata[0].value() == 255);
  const auto block = reader.read(reader.grid().window());
  int64_t valid = 0;
  for (std::size_t i = 0; i < block.valid.size(); ++i) valid += block.valid.data()[i];
  BOOST_TEST(valid == 100);
}

BOOST_AUTO_TEST_CASE(cloud_optimized_files_have_overviews_and_repeat) {
  const plat::test::TemporaryFolder folder;
  plat::RasterWriteOptions options;
  options.cog = true;
  options.nearest_overviews = true;
  const auto image = pattern<uint8_t>(1500, 1100, 1);
  plat::write_raster(folder.file("a.tif"), image, grid(1500, 1100), options);
  plat::write_raster(folder.file("b.tif"), image, grid(1500, 1100), options);
  BOOST_TEST(bytes(folder.file("a.tif")) == bytes(folder.file("b.tif")));
  // Nor does it matter in which pieces they come.
  plat::RasterWriter<uint8_t> writer(folder.file("b.tif"), grid(1500, 1100), 1, [&] {
    plat::RasterWriteOptions again = options;
    again.overwrite = true;
    return again;
  }());
  for (int64_t row = 0; row < 1100; row += 330) {
    for (int64_t col = 0; col < 1500; col += 400) {
      const plat::Window piece{col, row, std::min<int64_t>(400, 1500 - col), std::min<int64_t>(330, 1100 - row)};
      writer.write(plat::crop(image, piece), col, row);
    }
  }
  writer.close();
  BOOST_TEST(bytes(folder.file("a.tif")) == bytes(folder.file("b.tif")));
  const auto info = plat::inspect_raster(folder.file("a.tif"));
  BOOST_TEST(info.overviews >= 1);
  BOOST_TEST(info.block_width == 512);
  // Two files and nothing else.
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 2);
}

BOOST_AUTO_TEST_CASE(nothing_half_written_carries_the_final_name) {
  const plat::test::TemporaryFolder folder;
  {
    plat::RasterWriter<float> writer(folder.file("a.tif"), grid(300, 300), 1);
    writer.write(plat::Image<float>(300, 300), 0, 0);
    BOOST_TEST(!fs::exists(folder.file("a.tif")));
  }
  BOOST_TEST(fs::is_empty(folder.path()));
  plat::write_raster(folder.file("a.tif"), plat::Image<float>(300, 300), grid(300, 300));
  BOOST_CHECK_THROW(plat::write_raster(folder.file("a.tif"), plat::Image<float>(300, 300), grid(300, 300)),
                    plat::IoError);
  plat::RasterWriteOptions options;
  options.overwrite = true;
  BOOST_CHECK_NO_THROW(plat::write_raster(folder.file("a.tif"), plat::Image<float>(9, 9), grid(9, 9), options));
  BOOST_TEST(plat::inspect_raster(folder.file("a.tif")).grid.width == 9);
  BOOST_CHECK_THROW(plat::write_raster("/nonexistent/a.tif", plat::Image<float>(9, 9), grid(9, 9)), plat::IoError);
}

BOOST_AUTO_TEST_CASE(the_time_an_image_was_taken_is_kept) {
  const plat::test::TemporaryFolder folder;
  plat::RasterWriteOptions options;
  options.taken = "2024:02:11 09:40:00";
  for (const bool cog : {false, true}) {
    options.cog = cog;
    const std::string path = folder.file(cog ? "cog.tif" : "plain.tif");
    plat::write_raster(path, pattern<uint8_t>(300, 300, 3), grid(300, 300), options);
    BOOST_TEST(bytes(path).find(options.taken) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_pixel_frame_has_no_georeferencing) {
  const plat::test::TemporaryFolder folder;
  plat::write_raster(folder.file("a.tif"), plat::Image<uint8_t>(4, 3), {4, 3, {0, 1, 0, 0, 0, -1}, {}});
  BOOST_TEST(plat::inspect_raster(folder.file("a.tif")).georeferencing == "none");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(scaling)

BOOST_AUTO_TEST_CASE(values_are_stretched_to_bytes) {
  plat::Image<float> pixels(5, 1, 1);
  const float values[] = {-50, 100, 150, 900, std::nanf("")};
  std::copy(std::begin(values), std::end(values), pixels.data());
  plat::Scaling{{100}, {200}}.apply(pixels);
  BOOST_TEST(pixels.at(0, 0) == 0);
  BOOST_TEST(pixels.at(1, 0) == 0);
  BOOST_TEST(pixels.at(2, 0) == 127.5);
  BOOST_TEST(pixels.at(3, 0) == 255);
  BOOST_TEST(pixels.at(4, 0) == 0);
  plat::Image<float> same(1, 1, 2, 77.0F);
  plat::Scaling::identity(2).apply(same);
  BOOST_TEST(same.at(0, 0, 1) == 77);
  plat::Scaling{{5, 0}, {5, 255}}.apply(same);
  BOOST_TEST(same.at(0, 0, 0) == 0);
}

BOOST_AUTO_TEST_CASE(percentiles_are_those_of_the_valid_pixels) {
  const plat::test::TemporaryFolder folder;
  plat::RasterWriteOptions options;
  options.nodata = 0;
  plat::Image<uint16_t> image(100, 102, 1);
  // 200 pixels of nodata and the numbers from 1 to 10,000.
  for (std::size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<uint16_t>(i < 200 ? 0 : i - 199);
  plat::write_raster(folder.file("a.tif"), image, grid(100, 102), options);
  plat::RasterReader reader(folder.file("a.tif"));
  const auto scaling = plat::default_scaling(reader);
  BOOST_TEST(scaling.low[0] == 100.99, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(scaling.high[0] == 9900.01, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(scaling.low.size() == 3);
  // A twentieth of the pixels tells nearly the same.
  const auto sampled = plat::percentile_scaling(reader, 1, 99, 500);
  BOOST_TEST(std::abs(sampled.low[0] - 101) < 150);
  BOOST_TEST(std::abs(sampled.high[0] - 9900) < 150);
}

BOOST_AUTO_TEST_CASE(a_scene_without_valid_pixels_has_no_scaling) {
  const plat::test::TemporaryFolder folder;
  plat::RasterWriteOptions options;
  options.nodata = 0;
  plat::write_raster(folder.file("a.tif"), plat::Image<uint16_t>(30, 30), grid(30, 30), options);
  plat::RasterReader reader(folder.file("a.tif"));
  BOOST_CHECK_THROW(plat::default_scaling(reader), plat::DataError);
}

BOOST_AUTO_TEST_CASE(bytes_need_no_scaling) {
  const plat::test::TemporaryFolder folder;
  plat::write_raster(folder.file("a.tif"), plat::Image<uint8_t>(30, 30), grid(30, 30));
  plat::RasterReader reader(folder.file("a.tif"));
  BOOST_TEST(plat::default_scaling(reader).high[2] == 255);
}

BOOST_AUTO_TEST_CASE(bytes_in_a_wider_type_need_none_either) {
  const plat::test::TemporaryFolder folder;
  const auto scaling_of = [&](uint16_t highest) {
    plat::Image<uint16_t> image(30, 30, 3);
    for (std::size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<uint16_t>(i * highest / image.size());
    const std::string path = folder.file(std::to_string(highest) + ".tif");
    plat::write_raster(path, image, grid(30, 30));
    plat::RasterReader reader(path);
    return plat::default_scaling(reader);
  };
  const plat::Scaling as_they_are = scaling_of(250);
  BOOST_TEST(as_they_are.high[2] == 255);
  BOOST_TEST(as_they_are.low[0] == 0);
  // A dark scene of more bits, and a bright one, are stretched.
  BOOST_TEST(scaling_of(60).high[2] < 60);
  BOOST_TEST(scaling_of(2000).high[2] > 1000);
}

BOOST_AUTO_TEST_SUITE_END()
