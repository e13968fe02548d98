// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "tests/cli/run_program.hpp"
#include "tests/support/virtual_scene.hpp"

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

/// Draws bright windows on dark ground.
plat::Image<uint8_t> drawn(int64_t width, int64_t height, const std::vector<plat::Window>& roofs) {
  plat::Image<uint8_t> image(width, height, 3, 40);
  for (const plat::Window& roof : roofs) {
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = roof.row; r < roof.row_end(); ++r)
        std::fill_n(image.row(r, b).begin() + roof.col, roof.width, uint8_t{220});
    }
  }
  return image;
}

/// A virtual scene of repeated ground.
std::string repeated(const plat::test::TemporaryFolder& folder, const plat::Image<uint8_t>& ground, int64_t times_x,
                     int64_t times_y) {
  const plat::Grid grid{
      ground.width(), ground.height(), {500000, 0.3, 0, 3000000, 0, -0.3}, plat::Crs::from_text("EPSG:32645")};
  plat::RasterWriteOptions options;
  options.overwrite = true;
  plat::write_raster(folder.file("ground.tif"), ground, grid, options);
  plat::test::write_repeated(folder.file("scene.vrt"), folder.file("ground.tif"), grid, times_x, times_y);
  return folder.file("scene.vrt");
}

/// Extracts with the threshold model in one gigabyte, checks what it takes, and says what it tells.
nlohmann::json extract_in_a_gigabyte(const plat::test::TemporaryFolder& folder, const std::string& scene,
                                     const std::string& output) {
  constexpr int64_t kRam = 1'000'000'000;
  const auto run = plat::test::run_plat(folder,
                                        {"extract", scene, "-o", output, "--overwrite", "--model", "threshold", "--ram",
                                         plat::test::ram_argument(kRam), "-j", "2", "--json", "-q"},
                                        600);
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  auto summary = nlohmann::json::parse(run.out);
  BOOST_TEST(run.peak_bytes < plat::test::with_sanitizer(summary["estimated_bytes"].get<int64_t>()));
  BOOST_TEST(summary["estimated_bytes"] <= plat::test::with_sanitizer(kRam));
  BOOST_TEST_MESSAGE(run.peak_bytes / 1'000'000 << " MB used, " << summary["estimated_bytes"].get<int64_t>() / 1'000'000
                                                << " MB estimated");
  return summary;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(a_wide_scene_takes_no_more_than_it_may) {
  const plat::test::TemporaryFolder folder;
  // Sparse ground: a few roofs, none at its edges.
  const auto ground = drawn(1000, 800, {{100, 90, 40, 30}, {700, 300, 25, 60}, {400, 601, 90, 22}});
  const auto summary = extract_in_a_gigabyte(folder, repeated(folder, ground, 64, 3), "out.fgb");
  BOOST_TEST(summary["objects"] == 64 * 3 * 3);
  // Ground that the class covers wholly but for a line now and then: what waits for the end of a row goes to a file.
  const auto dense = drawn(1000, 400, {{1, 1, 499, 199}, {501, 1, 499, 199}, {1, 201, 499, 199}, {501, 201, 499, 199}});
  BOOST_TEST(extract_in_a_gigabyte(folder, repeated(folder, dense, 60, 4), "out.fgb")["objects"] == 60 * 4 * 4);
}

BOOST_AUTO_TEST_CASE(a_wide_scene_of_specks_takes_no_more_than_it_may) {
  const plat::test::TemporaryFolder folder;
  // Single pixels apart from one another: a row of tiles ends hundreds of thousands of regions at once.
  plat::Image<uint8_t> specks(1000, 500, 3, 40);
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t row = 0; row < specks.height(); row += 3) {
      for (int64_t col = 0; col < specks.width(); col += 3) specks.at(col, row, b) = 220;
    }
  }
  BOOST_TEST(extract_in_a_gigabyte(folder, repeated(folder, specks, 40, 1), "out.fgb")["objects"] == 0);
}

BOOST_AUTO_TEST_CASE(the_memory_that_a_refusal_names_suffices) {
  const plat::test::TemporaryFolder folder;
  const std::string scene = repeated(folder, drawn(1000, 800, {{100, 90, 40, 30}}), 16, 4);
  const std::vector<std::string> arguments = {"extract",   scene,     "-o",        "out.fgb",
                                              "--dry-run", "--model", "threshold", "--ram"};
  const auto with_ram = [&](const std::string& ram) {
    std::vector<std::string> all = arguments;
    all.push_back(ram);
    return plat::test::run_plat(folder, all);
  };
  const auto refused = with_ram("100MB");
  BOOST_TEST(refused.code == 2);
  const std::string before = "Pass --ram ";
  const auto at = refused.err.find(before);
  BOOST_REQUIRE(at != std::string::npos);
  const auto passed = with_ram(std::to_string(std::stoll(refused.err.substr(at + before.size()))));
  BOOST_TEST(passed.code == 0, passed.err);
}

BOOST_AUTO_TEST_CASE(a_forest_of_tall_open_regions_takes_no_more_than_it_may) {
  const plat::test::TemporaryFolder folder;
  // Trunks that run through the whole scene side by side, and a roof between them.
  const auto ground = drawn(512, 512, {{10, 0, 150, 512}, {200, 0, 150, 512}, {430, 250, 30, 30}});
  const auto summary = extract_in_a_gigabyte(folder, repeated(folder, ground, 32, 16), "out.fgb");
  const auto objects = summary["objects"].get<int64_t>();
  // All trunks are cut, some of them more than once; the roofs are whole.
  BOOST_TEST(objects > 32 * 16 + 2 * 32);
  BOOST_TEST(objects < 32 * 16 + 40 * 32);
}

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
