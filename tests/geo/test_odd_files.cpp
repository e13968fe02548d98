// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Session {
  plat::GdalSession gdal;
};

/// How far a file can be used, and a part of the sentence that ends it there.
enum class End { None, Open, Read, Scale };
struct Expected {
  End end;
  const char* says;
};

/// The files that cannot be used to the end; all others can.
const std::map<std::string, Expected> kFailures = {
    {"byte_truncated.tif", {End::Read, "Read error"}},
    {"corrupted_deflate_singlestrip.tif", {End::Read, "incorrect header check"}},
    {"lzw_corrupted.tif", {End::Read, "code not yet in table"}},
    {"byte_buggy_packbits.tif", {End::Read, "Not enough data"}},
    {"tiled_bad_offset.tif", {End::Read, "cannot read columns 0 to 15, rows 0 to 15"}},
    {"missing_tilebytecounts_and_offsets.tif", {End::Read, "cannot read"}},
    {"corrupted_gtiff_tags.tif", {End::Read, "cannot read"}},
    {"many_blocks_truncated.tif", {End::Read, "cannot read"}},
    {"excessive-memory-TIFFFillTile.tif", {End::Read, "cannot read"}},
    {"corrupt.tif", {End::Read, "cannot read"}},
    {"huge4GB.tif", {End::Read, "cannot read"}},
    {"rgbsmall_JXL.tif", {End::Open, "JXL"}},
    {"toomanyblocks.tif", {End::Open, "Too many blocks"}},
    {"image_width_above_32bit.tif", {End::Open, "Too large image size"}},
    {"hugeblocksize.tif", {End::Open, "Too large block size"}},
    {"all-nodata.tif", {End::Scale, "no valid pixel"}},
    {"inverted_lat.tif", {End::Scale, "no valid pixel"}},
};

std::vector<fs::path> files_below(const fs::path& folder, const std::vector<std::string>& extensions) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (std::count(extensions.begin(), extensions.end(), entry.path().extension().string()) > 0)
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Outcome {
  End end = End::None;
  std::string says;
};

/// Opens a file, reads a corner, all of it reduced, all of it in strips where it is small, and decides its scaling.
Outcome use(const std::string& path) {
  End at = End::Open;
  try {
    plat::RasterReader reader(path);
    const auto& grid = reader.grid();
    BOOST_TEST(grid.world_from_pixel.north_up());
    at = End::Read;
    const plat::Window corner = plat::intersect(grid.window(), {0, 0, 16, 16});
    const auto block = reader.read(corner);
    BOOST_TEST(block.pixels.width() == corner.width);
    BOOST_TEST(block.pixels.bands() == reader.bands());
    const int64_t width = std::min<int64_t>(grid.width, 64);
    const int64_t height = std::min<int64_t>(grid.height, 64);
    const auto small = reader.read_reduced(grid.window(), width, height);
    BOOST_TEST(small.valid.width() == width);
    for (int64_t row = 0; grid.window().pixel_count() < 10'000'000 && row < grid.height; row += 256) {
      reader.read({0, row, grid.width, std::min<int64_t>(256, grid.height - row)});
    }
    at = End::Scale;
    const auto scaling = plat::default_scaling(reader);
    BOOST_TEST(scaling.low.size() == static_cast<std::size_t>(reader.bands()));
    return {};
  } catch (const plat::Error& error) {
    return {at, error.what()};
  }
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(odd_files)

BOOST_AUTO_TEST_CASE(every_raster_is_read_or_ends_in_one_sentence, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const auto files = files_below(*data / "odd", {".tif", ".tiff", ".vrt"});
  BOOST_TEST(files.size() > 90);
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    BOOST_TEST_CONTEXT(name) {
      const std::clock_t start = std::clock();
      const Outcome outcome = use(file.string());
      const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
      const auto failure = kFailures.find(name);
      const Expected expected = failure == kFailures.end() ? Expected{End::None, ""} : failure->second;
      BOOST_TEST(static_cast<int>(outcome.end) == static_cast<int>(expected.end), outcome.says);
      BOOST_TEST(outcome.says.find(expected.says) != std::string::npos, outcome.says);
      if (expected.end != End::None) {
        BOOST_TEST(outcome.says.find(name) != std::string::npos, outcome.says);
        BOOST_TEST(outcome.says.find('\n') == std::string::npos, outcome.says);
        BOOST_TEST(outcome.says.size() < 500, outcome.says);
      }
      // What a file claims must cost nothing: even the slowest of these holds a few megabytes. Processor time, for other
      // work on the machine is no fault of the file.
      BOOST_TEST(seconds < 30);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_vector_file_is_read, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  for (const fs::path& file : files_below(*data / "odd", {".gpkg", ".geojson"})) {
    BOOST_TEST_CONTEXT(file.filename().string()) {
      const auto layer = plat::read_features(file.string());
      BOOST_TEST(!layer.features.empty());
      BOOST_TEST(!layer.crs.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(ground_sample_distances_are_right_in_odd_crs, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  // References: pyproj's geodesic area of the middle pixel.
  const std::vector<std::pair<const char*, double>> cases = {
      {"rasterio/RGB.byte.tif", 299.871},     {"rasterio/cogeo.tif", 0.472286},
      {"rasterio/world.byte.tif", 13868.3},   {"rasterio/goes.tif", 20055},
      {"rio-tiler/cog_dateline.tif", 100.01}, {"rio-tiler/cog_nonearth.tif", 274.568},
      {"rio-tiler/cog_scale.tif", 428.967},   {"geotiff-test-data/nt_20201024_f18_nrt_s.tif", 25770.3},
      {"raster-vision/3857.tif", 0.270123},   {"deepness/dummy_fotomap_small.tif", 0.0200024},
      {"opengeos/cog.tif", 7.72838}};
  for (const auto& [name, metres] : cases) {
    BOOST_TEST_CONTEXT(name) {
      const plat::RasterReader reader((*data / "odd" / name).string());
      BOOST_TEST(reader.grid().ground_sample_distance_m() == metres, boost::test_tools::tolerance(2e-4));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
