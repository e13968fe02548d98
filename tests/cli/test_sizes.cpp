// SPDX-License-Identifier: Apache-2.0
#include "run_program.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

const std::string kScene = std::string(PLAT_SOURCE_DIR) + "/data/scenes/demo.tif";
const std::string kTruth = std::string(PLAT_SOURCE_DIR) + "/data/scenes/demo_buildings.geojson";

}  // namespace

BOOST_AUTO_TEST_SUITE(sizes)

// Whatever a user asks for is refused in words before memory is taken for it, and within seconds.
BOOST_AUTO_TEST_CASE(sizes_without_sense_are_refused_before_anything_is_done) {
  const std::vector<std::vector<std::string>> commands = {
      {"extract", kScene, "-o", "o.gpkg", "--model", "threshold", "--tile-size", "1000000000"},
      {"extract", kScene, "-o", "o.gpkg", "--model", "threshold", "--tile-size", "65536", "--ram", "8GB"},
      {"extract", kScene, "-o", "o.gpkg", "--model", "threshold", "--gsd", "1e-7"},
      {"extract", kScene, "-o", "o.gpkg", "--model", "threshold", "-j", "100000000"},
      {"segment", kScene, "-o", "o.gpkg", "--everything", "--points-per-batch", "1000000000"},
      {"train", kScene, kTruth, "-o", "run", "--steps", "2", "--gsd", "0.001"},
      {"train", kScene, kTruth, "-o", "run", "--steps", "2", "--crop", "1000000000"},
      {"train", kScene, kTruth, "-o", "run", "--steps", "2", "--batch", "1000000000"},
      {"train", kScene, kTruth, "-o", "run", "--steps", "2", "--workers", "100000000"}};
  for (const auto& command : commands) {
#ifndef PLAT_TEST_TORCH
    if (command.front() != "extract") continue;
#endif
    const plat::test::TemporaryFolder folder;
    const auto run = plat::test::run_plat(folder, command, 60);
    BOOST_TEST_CONTEXT(command.front() << " " << command.back() << ": " << run.err) {
      BOOST_TEST(run.code == 2);
      BOOST_TEST(run.peak_bytes < 1'000'000'000);
      BOOST_TEST(run.err.find("-9") == std::string::npos);
      BOOST_TEST(!std::filesystem::exists(folder.file("o.gpkg")));
      BOOST_TEST(!std::filesystem::exists(folder.file("run")));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
