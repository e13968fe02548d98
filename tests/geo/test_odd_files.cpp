// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

struct Session {
  plat::GdalSession gdal;
};

std::vector<fs::path> rasters_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".tif" || extension == ".tiff" || extension == ".vrt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// What happened with one file: "" when all of it was read, else the error's sentence.
std::string try_file(const std::string& path) {
  try {
    plat::RasterReader reader(path);
    const auto& grid = reader.grid();
    const plat::Window corner = plat::intersect(grid.window(), {0, 0, 16, 16});
    const auto block = reader.read(corner);
    BOOST_TEST(block.pixels.width() == corner.width);
    const auto small = reader.read_reduced(grid.window(), std::min<int64_t>(grid.width, 64), std::min<int64_t>(grid.height, 64));
    const auto scaling = plat::default_scaling(reader);
    BOOST_TEST(scaling.low.size() == static_cast<std::size_t>(reader.bands()));
    const auto valid = small.valid.band(0);
    BOOST_TEST_MESSAGE("  " << grid.width << " x " << grid.height << " " << grid.crs.name() << " gsd "
                            << grid.ground_sample_distance_m() << " valid "
                            << std::count(valid.begin(), valid.end(), 1) << "/" << valid.size() << " value "
                            << small.pixels.data()[small.pixels.size() / 2] << " scaling " << scaling.low[0] << " to "
                            << scaling.high[0]);
    return "";
  } catch (const plat::IoError& error) {
    return error.what();
  } catch (const plat::DataError& error) {
    return error.what();
  }
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);

BOOST_AUTO_TEST_SUITE(odd_files)

BOOST_AUTO_TEST_CASE(every_odd_file_is_read_or_ends_in_one_sentence) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  for (const fs::path& file : rasters_below(*data / "odd")) {
    BOOST_TEST_CONTEXT(file.filename().string()) {
      const auto start = std::chrono::steady_clock::now();
      const std::string error = try_file(file.string());
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      BOOST_TEST_MESSAGE(file.filename().string() << ": " << (error.empty() ? "ok" : error) << " [" << seconds << " s]");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
