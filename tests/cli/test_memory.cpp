// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

const plat::GdalSession gdal;

/// Writes a scene of roofs strip by strip; the pattern shifts from row to row, so that no two tiles are alike.
void write_tall_scene(const std::string& path, int64_t width, int64_t height) {
  const plat::Grid grid{width, height, {500000, 0.3, 0, 3000000, 0, -0.3}, plat::Crs::from_text("EPSG:32645")};
  plat::RasterWriter<uint8_t> writer(path, grid, 3);
  constexpr int64_t kRows = 512;
  for (int64_t row = 0; row < height; row += kRows) {
    plat::Image<uint8_t> strip(width, std::min(kRows, height - row), 3, 40);
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = 0; r < strip.height(); ++r) {
        const int64_t shift = (row + r) / 64 * 17;
        for (int64_t c = 0; c < width; ++c) {
          if ((row + r) % 64 > 20 && (c + shift) % 70 > 30) strip.at(c, r, b) = 220;
        }
      }
    }
    writer.write(strip, 0, row);
  }
  writer.close();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(memory_stays_within_the_estimate_however_tall_the_scene) {
  const plat::test::TemporaryFolder folder;
  constexpr int64_t kRam = 1'000'000'000;
  std::vector<int64_t> peaks;
  for (const int64_t height : {4000, 32000}) {
    const std::string scene = folder.file("scene" + std::to_string(height) + ".tif");
    write_tall_scene(scene, 3000, height);
    const auto run = plat::test::run_plat(folder,
                                          {"extract", scene, "-o", "out.fgb", "--overwrite", "--model", "threshold",
                                           "--ram", plat::test::ram_argument(kRam), "-j", "2", "--json", "-q"},
                                          600);
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
    const auto summary = nlohmann::json::parse(run.out);
    BOOST_TEST(summary["objects"] > height / 64 * 40);
    BOOST_TEST(run.peak_bytes < plat::test::with_sanitizer(summary["estimated_bytes"].get<int64_t>()));
    BOOST_TEST(summary["estimated_bytes"] <= plat::test::with_sanitizer(kRam));
    peaks.push_back(run.peak_bytes);
    BOOST_TEST_MESSAGE(height << " rows: " << run.peak_bytes / 1'000'000 << " MB used, "
                              << summary["estimated_bytes"].get<int64_t>() / 1'000'000 << " MB estimated");
  }
  // Eight times the scene; buffers of GDAL and the allocator may still grow a little.
  BOOST_TEST(peaks[1] < peaks[0] * 3 / 2);
}

BOOST_AUTO_TEST_SUITE_END()
