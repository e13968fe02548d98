// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/gdal_session.hpp"
#include "geo/scaling.hpp"
#include "raster_fixture.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <tuple>

using plat::RasterOptions;
using plat::RasterReader;
using plat::Scaling;
using plat::test::RasterFixture;
using plat::test::write_fixture;

namespace {

struct Session {
  plat::GdalSession session;
};

/// A plain of one value with a few small objects of another, 0.3 % of it.
RasterFixture plain_with_objects(GDALDataType type, double ground, double object) {
  RasterFixture f;
  f.width = 200;
  f.height = 160;
  f.type = type;
  f.value = [=](int col, int row, int) {
    return (col % 100 >= 90 && col % 100 < 95 && row % 80 < 5) ? object : ground;
  };
  return f;
}

/// Values as they are shown, 0..255, at a resolution that makes resampling round.
struct Shown {
  float least = 0, greatest = 0;
};
Shown shown(const std::string& path, double gsd_m = 0.6) {
  RasterOptions options;
  options.gsd_m = gsd_m;
  RasterReader reader(path, options);
  const Scaling scaling = plat::default_scaling(reader);
  auto block = reader.read(reader.grid().window());
  scaling.apply(block.pixels);
  const auto band = block.pixels.band(0);
  const auto [least, greatest] = std::ranges::minmax(band);
  return {least, greatest};
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(scaling)

BOOST_AUTO_TEST_CASE(a_flat_scene_shows_nothing) {
  const plat::test::TemporaryFolder folder;
  for (const GDALDataType type : {GDT_UInt16, GDT_Int16, GDT_Int32, GDT_Float32, GDT_Float64, GDT_CFloat32}) {
    BOOST_TEST_CONTEXT(GDALGetDataTypeName(type)) {
      write_fixture(folder.file("flat.tif"), plain_with_objects(type, 1234, 1234));
      for (const double gsd : {1.0, 0.6, 2.7}) BOOST_TEST(shown(folder.file("flat.tif"), gsd).greatest == 0);
      // The last unit's noise is nothing to see either.
      if (GDALDataTypeIsInteger(type) == 0) continue;
      auto noisy = plain_with_objects(type, 1234, 1234);
      noisy.value = [](int col, int row, int) { return 1233 + (col * 7 + row * 13) % 3; };
      write_fixture(folder.file("noisy.tif"), noisy);
      BOOST_TEST(shown(folder.file("noisy.tif")).greatest == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_little_a_flat_scene_holds_is_shown) {
  const plat::test::TemporaryFolder folder;
  for (const GDALDataType type : {GDT_UInt16, GDT_Int16, GDT_Float32, GDT_Float64}) {
    for (const auto& [ground, object] : {std::pair{300.0, 1100.0}, {1100.0, 300.0}, {0.0, 700.0}}) {
      BOOST_TEST_CONTEXT(GDALGetDataTypeName(type) << " " << ground << " " << object) {
        write_fixture(folder.file("sparse.tif"), plain_with_objects(type, ground, object));
        const Shown values = shown(folder.file("sparse.tif"));
        BOOST_TEST(values.greatest == 255);
        BOOST_TEST(values.least == 0);
        // The ground is one shade.
        RasterReader reader(folder.file("sparse.tif"));
        const Scaling scaling = plat::default_scaling(reader);
        const double shade = 255 * (ground - scaling.low[0]) / (scaling.high[0] - scaling.low[0]);
        BOOST_TEST((object > ground ? shade < 1 : shade > 254));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_mask_in_a_wide_type_is_black_and_white) {
  const plat::test::TemporaryFolder folder;
  write_fixture(folder.file("mask.tif"), plain_with_objects(GDT_UInt16, 0, 1));
  BOOST_TEST(shown(folder.file("mask.tif"), 1).greatest == 255);
}

BOOST_AUTO_TEST_CASE(fill_values_that_are_not_declared_do_not_count) {
  const plat::test::TemporaryFolder folder;
  for (const double fill : {1e30, -3.4e38, 1e20}) {
    for (const int filled_rows : {1, 20, 100}) {
      RasterFixture f = plain_with_objects(GDT_Float32, 0, 0);
      f.value = [=](int col, int row, int) { return row < filled_rows ? fill : 100.0 + col; };
      write_fixture(folder.file("fill.tif"), f);
      RasterReader reader(folder.file("fill.tif"));
      const Scaling scaling = plat::default_scaling(reader);
      BOOST_TEST(scaling.low[0] > 99);
      BOOST_TEST(scaling.high[0] < 301);
    }
  }
  // A wide range of measurements is none.
  RasterFixture f = plain_with_objects(GDT_Float32, 0, 0);
  f.value = [](int col, int row, int) { return std::pow(10.0, (col + row) % 8); };
  write_fixture(folder.file("wide.tif"), f);
  RasterReader reader(folder.file("wide.tif"));
  BOOST_TEST(plat::default_scaling(reader).high[0] == 1e7);
}

BOOST_AUTO_TEST_CASE(fill_values_that_are_not_declared_are_named) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("fill.tif");
  const auto said = [&](GDALDataType type, const std::function<double(int, int, int)>& value, double gsd_m = 1) {
    RasterFixture f;
    f.width = 200;
    f.height = 160;
    f.bands = 3;
    f.type = type;
    f.value = value;
    write_fixture(path, f);
    RasterOptions options;
    options.gsd_m = gsd_m;
    RasterReader reader(path, options);
    return plat::undeclared_fill(reader);
  };
  const auto ground = [](int col, int row, int band) { return 300.0 + (col * 37 + row * 11 + band * 50) % 2500; };
  for (const auto& [type, fill, text] : {std::tuple{GDT_Int16, -9999.0, "-9999"},
                                         {GDT_Float32, -9999.0, "-9999"},
                                         {GDT_UInt16, 65535.0, "65535"},
                                         {GDT_Int32, -2147483648.0, "-2147483648"},
                                         {GDT_Float32, -3.4e38, "-3.4e+38"},
                                         {GDT_Float32, -3.4028234663852886e38, "-3.4028235e+38"},
                                         {GDT_Float64, 1e30, "1e+30"}}) {
    BOOST_TEST_CONTEXT(text) {
      const auto border = [&, fill = fill](int c, int r, int b) { return c < 50 || r < 16 ? fill : ground(c, r, b); };
      for (const double gsd : {1.0, 0.6, 2.7}) {
        const std::string sentence = said(type, border, gsd);
        BOOST_TEST(sentence.find(std::string("holds ") + text + " in 3") != std::string::npos, sentence);
        BOOST_TEST(sentence.find("--nodata") != std::string::npos, sentence);
        // Whatever the resolution, nothing of it comes into the scaling where it is huge.
        RasterOptions options;
        options.gsd_m = gsd;
        RasterReader reader(path, options);
        if (std::abs(fill) > 1e9 && !reader.is_integer()) BOOST_TEST(plat::default_scaling(reader).low[0] > 200);
        // Once it is declared nothing is left to say.
        options.nodata = fill;
        RasterReader declared(path, options);
        BOOST_TEST(plat::undeclared_fill(declared) == "");
      }
    }
  }
  // Saturated pixels, scattered or as bright as their neighbours; a band that is dark in a part; a plain; an own extreme.
  BOOST_TEST(said(GDT_UInt16, ground) == "");
  BOOST_TEST(
      said(GDT_UInt16, [&](int c, int r, int b) { return (c * 7 + r * 3) % 10 == 0 ? 65535 : ground(c, r, b); }) == "");
  BOOST_TEST(said(GDT_UInt16, [&](int c, int r, int b) { return c < 4 && r < 40 ? 65535 : ground(c, r, b); }) == "");
  BOOST_TEST(said(GDT_UInt16, [](int c, int r, int) { return std::min(65535, 200 * c + 160 * r); }) == "");
  BOOST_TEST(said(GDT_Int16, [&](int c, int r, int b) { return c < 50 && b == 0 ? -9999 : ground(c, r, b); }) == "");
  BOOST_TEST(said(GDT_UInt16, [](int c, int, int) { return c < 50 ? 65535 : 700; }) == "");
  BOOST_TEST(said(GDT_UInt16, [&](int c, int r, int b) { return c < 50 ? 250 : ground(c, r, b); }) == "");
}

BOOST_AUTO_TEST_CASE(values_beyond_float32_are_no_data) {
  const plat::test::TemporaryFolder folder;
  const std::string path = folder.file("wide.tif");
  for (const double huge : {1e300, -1e300, 4e38, std::numeric_limits<double>::max()}) {
    RasterFixture f = plain_with_objects(GDT_Float64, 0, 0);
    f.value = [=](int col, int row, int) { return row < 40 || (col == 90 && row == 90) ? huge : 100.0 + col; };
    write_fixture(path, f);
    for (const double gsd : {1.0, 0.6, 2.7}) {
      RasterOptions options;
      options.gsd_m = gsd;
      RasterReader reader(path, options);
      const Scaling scaling = plat::default_scaling(reader);
      BOOST_TEST(scaling.low[0] > 99);
      BOOST_TEST(scaling.high[0] < 301);
      auto block = reader.read(reader.grid().window());
      BOOST_TEST(block.valid.at(3, 3) == 0);
      for (const float value : block.pixels.band(0)) BOOST_REQUIRE(std::isfinite(value));
    }
    f.value = [=](int, int, int) { return huge; };
    write_fixture(path, f);
    RasterReader nothing(path);
    BOOST_CHECK_EXCEPTION(plat::default_scaling(nothing), plat::DataError, [](const plat::DataError& error) {
      return std::string(error.what()).find("beyond float32") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(signed_bytes_have_their_sign) {
  const plat::test::TemporaryFolder folder;
  for (const bool native : {false, true}) {
    RasterFixture f = plain_with_objects(GDT_Byte, -68, 102);
    if (native) {
      f.type = GDALGetDataTypeByName("Int8");
      if (f.type == GDT_Unknown) continue;  // GDAL before 3.7
    } else {
      f.creation = {"PIXELTYPE=SIGNEDBYTE"};
      const auto value = f.value;
      f.value = [value](int c, int r, int b) { return value(c, r, b) < 0 ? value(c, r, b) + 256 : value(c, r, b); };
    }
    write_fixture(folder.file("signed.tif"), f);
    RasterOptions options;
    options.bands = {"1"};
    RasterReader reader(folder.file("signed.tif"), options);
    BOOST_TEST(reader.info().pixel_type == "Int8");
    BOOST_TEST(!reader.is_byte());
    BOOST_TEST(reader.is_integer());
    const auto block = reader.read(reader.grid().window());
    BOOST_TEST(block.pixels.at(0, 0) == -68);
    BOOST_TEST(block.pixels.at(92, 2) == 102);
    const auto small = reader.read_reduced(reader.grid().window(), 100, 80);
    BOOST_TEST(small.pixels.at(20, 20) == -68);
    // Shown from black to white.
    BOOST_TEST(shown(folder.file("signed.tif")).greatest == 255);
    BOOST_TEST(shown(folder.file("signed.tif")).least == 0);
    // Minus one is a value, not 255.
    options.nodata = -68;
    RasterReader masked(folder.file("signed.tif"), options);
    BOOST_TEST(masked.read(masked.grid().window()).valid.at(0, 0) == 0);
  }
}

BOOST_AUTO_TEST_CASE(damage_costs_no_more_than_the_blocks_that_it_hit) {
  const plat::test::TemporaryFolder folder;
  RasterFixture f;
  f.width = f.height = 512;
  f.type = GDT_UInt16;
  f.creation = {"TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64", "COMPRESS=DEFLATE"};
  f.value = [](int col, int row, int) { return 1000 + (col * col * 31 + row * row * 17 + col * row) % 2000; };
  const std::string path = folder.file("damaged.tif");
  write_fixture(path, f);
  RasterReader sound(path);
  const Scaling whole = plat::default_scaling(sound);
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    file << std::string(400, '\x55');
  }
  RasterReader reader(path);
  BOOST_CHECK_THROW(reader.read(reader.grid().window()), plat::IoError);
  const Scaling scaling = plat::default_scaling(reader);
  BOOST_TEST(scaling.low[0] == whole.low[0], boost::test_tools::tolerance(0.02));
  BOOST_TEST(scaling.high[0] == whole.high[0], boost::test_tools::tolerance(0.02));
  const auto block = reader.read_reduced_around_damage(reader.grid().window(), 512, 512);
  const auto valid = std::count(block.valid.data(), block.valid.data() + block.valid.size(), 1);
  BOOST_TEST(valid < 512 * 512);
  BOOST_TEST(valid > 512 * 512 - 8 * 64 * 64);
  BOOST_TEST(block.pixels.at(500, 500) == f.value(500, 500, 0));
  // Where nothing can be read the reason is said.
  std::filesystem::resize_file(path, 900);
  BOOST_CHECK_THROW(
      {
        RasterReader lost(path);
        plat::default_scaling(lost);
      },
      plat::IoError);
}

BOOST_AUTO_TEST_CASE(only_what_decoders_call_invalid_has_lost_pixels) {
  const auto lost = [](const char* warning) {
    const plat::detail::GdalErrors errors;
    CPLError(CE_Warning, CPLE_AppDefined, "%s", warning);
    return errors.lost_data();
  };
  BOOST_TEST(!lost("TIFFReadDirectory: Invalid data type for tag SMinSampleValue"));
  BOOST_TEST(!lost("Invalid value for NoData"));
  BOOST_TEST(!lost("Value 'x' of field a is invalid; it is set to null"));
  BOOST_TEST(lost("JPEGLib:Invalid SOS parameters for sequential JPEG"));
  BOOST_TEST(lost("Corrupt JPEG data: premature end of data segment"));
  BOOST_TEST(lost("inflate: invalid code lengths set"));
}

BOOST_AUTO_TEST_CASE(two_control_points_place_a_scene_only_where_they_fix_both_axes) {
  const plat::test::TemporaryFolder folder;
  const auto scene = [&](std::vector<std::array<double, 2>> pixels) {
    RasterFixture f = plain_with_objects(GDT_Byte, 0, 200);
    f.georeferenced = false;
    f.adjust = [=](GDALDatasetH d) {
      std::vector<GDAL_GCP> points(pixels.size());
      for (std::size_t i = 0; i < pixels.size(); ++i) {
        GDALInitGCPs(1, &points[i]);
        points[i].dfGCPPixel = pixels[i][0];
        points[i].dfGCPLine = pixels[i][1];
        points[i].dfGCPX = 500'000 + pixels[i][0] * 0.5;
        points[i].dfGCPY = 5'000'000 - pixels[i][1] * 0.5;
      }
      const plat::detail::SrsHandle srs(OSRNewSpatialReference(nullptr));
      OSRSetFromUserInput(srs.get(), "EPSG:32633");
      GDALSetGCPs2(d, static_cast<int>(points.size()), points.data(), srs.get());
      GDALDeinitGCPs(static_cast<int>(points.size()), points.data());
    };
    write_fixture(folder.file("gcps.tif"), f);
    return RasterReader(folder.file("gcps.tif")).grid().world_bounds();
  };
  BOOST_TEST(scene({{0, 0}, {200, 160}}).min_x == 500'000, boost::test_tools::tolerance(1e-9));
  for (const auto& wrong : std::vector<std::vector<std::array<double, 2>>>{
           {{5, 5}}, {{0, 10}, {200, 10}}, {{30, 0}, {30, 160}}, {{7, 7}, {7, 7}}, {{0, 5}, {50, 5}, {200, 5}}}) {
    BOOST_CHECK_THROW(scene(wrong), plat::DataError);
  }
}

BOOST_AUTO_TEST_CASE(curves_are_passed_before_values_are_shown) {
  plat::Image<float> pixels(5, 1, 2);
  const float values[] = {-10, 0, 5, 15, 40};
  for (const int64_t band : {0, 1}) std::ranges::copy(values, pixels.band(band).begin());
  // Beyond its knots a curve goes on at its mean slope, here 2.
  const plat::ToneCurve bent{{0, 10, 20}, {20, 50, 60}};
  plat::Scaling{{0, 0}, {255, 255}, {bent, plat::ToneCurve::line(0.5, 7)}}.apply(pixels);
  const double first[] = {0, 20, 35, 55, 100}, second[] = {2, 7, 9.5, 14.5, 27};
  for (std::size_t i = 0; i < 5; ++i) {
    BOOST_TEST(static_cast<double>(pixels.band(0)[i]) == first[i], boost::test_tools::tolerance(1e-5));
    BOOST_TEST(static_cast<double>(pixels.band(1)[i]) == second[i], boost::test_tools::tolerance(1e-5));
  }
  BOOST_TEST(plat::ToneCurve{}(3.5) == 3.5);
}

BOOST_AUTO_TEST_SUITE_END()
