// SPDX-License-Identifier: Apache-2.0
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

using plat::test::run_plat;

namespace {

const plat::GdalSession gdal;

/// Two dates of uneven ground with roofs, the later one in less light.
struct World {
  explicit World(int64_t side) {
    plat::Image<uint8_t> before(side, side, 3), after(side, side, 3);
    for (int64_t r = 0; r < side; ++r) {
      for (int64_t c = 0; c < side; ++c) {
        const bool roof = r % 50 > 20 && c % 60 > 25;
        const double hill = 40 + 15 * std::sin(0.13 * static_cast<double>(r)) * std::cos(0.09 * static_cast<double>(c));
        for (int64_t b = 0; b < 3; ++b) {
          const double value = (roof ? 180 : 0) + hill + static_cast<double>((r * 7 + c * (5 + b)) % 6);
          before.at(c, r, b) = static_cast<uint8_t>(std::lround(value));
          after.at(c, r, b) = static_cast<uint8_t>(std::lround(0.6 * value + 40));
        }
      }
    }
    const plat::Grid grid{side, side, {500000, 0.3, 0, 3000000, 0, -0.3}, plat::Crs::from_text("EPSG:32645")};
    plat::write_raster(folder.file("before.tif"), before, grid);
    plat::write_raster(folder.file("after.tif"), after, grid);
  }
  plat::test::ProgramRun change(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"change",  "before.tif", "after.tif",  "-o",          "changes.geojson",
                                          "--model", "threshold",  "--no-align", "--overwrite", "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_plat(folder, arguments);
  }

  plat::test::TemporaryFolder folder;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_normalize)

BOOST_AUTO_TEST_CASE(the_summary_says_what_was_done_and_how_well_it_fits) {
  const World world(300);
  for (const std::string wanted : {"auto", "irmad"}) {
    const auto run = world.change({"--normalize", wanted, "--json"});
    BOOST_TEST_REQUIRE(run.code == 0, run.err);
    const auto told = nlohmann::json::parse(run.out).at("normalization");
    BOOST_TEST(told.at("used") == "irmad");
    BOOST_TEST(told.at("unchanged_share") > 0.8);
    BOOST_TEST(told.at("canonical_correlations").size() == 3);
    BOOST_TEST(told.at("bands").size() == 3);
    for (const auto& band : told.at("bands")) {
      // Whole numbers leave half a unit.
      BOOST_TEST(std::abs(band.at("gain").get<double>() - 1 / 0.6) < 0.01);
      BOOST_TEST(std::abs(band.at("offset").get<double>() + 40 / 0.6) < 1);
      BOOST_TEST(band.at("rmse_after") < 1);
      BOOST_TEST(band.at("correlation_after") > 0.99);
    }
  }
  const auto text = world.change({});
  BOOST_TEST(has(text.out, "values   irmad ("));
  BOOST_TEST(has(text.out, "; gain 1.66"));
  const auto dry = world.change({"--dry-run", "--normalize", "histogram"});
  BOOST_TEST(has(dry.out, "values   histogram ("));
  const auto none = world.change({"--normalize", "none"});
  BOOST_TEST(has(none.out, "values   none\n"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_is_said_in_a_sentence) {
  const World world(300);
  const auto unknown = world.change({"--normalize", "mad"});
  BOOST_TEST(unknown.code == 2);
  BOOST_TEST(has(unknown.err, "--normalize: 'mad' is none of none, histogram, irmad, auto."));
  const World small(20);
  const auto run = small.change({"--normalize", "irmad"});
  BOOST_TEST(run.code == 4);
  BOOST_TEST(has(run.err, "before.tif and after.tif: cannot be normalized by irmad: only 400 of the pixels"));
  BOOST_TEST(small.change({}).code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
