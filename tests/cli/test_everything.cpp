// SPDX-License-Identifier: Apache-2.0
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using plat::test::read_text;
using plat::test::run_plat;

namespace {

const plat::GdalSession gdal;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A folder with a drawn scene of four tiles of the shipped model.
struct World {
  plat::test::TemporaryFolder folder;
  World() {
    const auto run = run_plat(folder, {"demo", "--size", "560"});
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  }
};

/// The shipped model is not trained to tell the quality of its masks, so they are chosen by their stability alone.
std::vector<std::string> everything(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"segment",
                                        "demo.tif",
                                        "--everything",
                                        "--model",
                                        std::string(PLAT_SOURCE_DIR) + "/data/models/buildings",
                                        "--iou-threshold",
                                        "0",
                                        "--stability-threshold",
                                        "0.3",
                                        "--points-per-side",
                                        "8"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_everything)

BOOST_AUTO_TEST_CASE(objects_come_out_with_their_attributes_and_the_same_for_any_number_of_threads) {
  const World world;
  const auto one = run_plat(world.folder, everything({"-o", "one.geojson", "-j", "1", "--json", "--min-area", "5"}));
  BOOST_REQUIRE_MESSAGE(one.code == 0, one.err);
  const auto summary = nlohmann::json::parse(one.out);
  BOOST_TEST(summary["objects"] > 0);
  BOOST_TEST(summary["tiles"] == 4);
  BOOST_TEST(summary["masks"] >= summary["objects"]);
  const auto layer = plat::read_features(world.folder.file("one.geojson"));
  BOOST_TEST(summary["objects"] == layer.features.size());
  for (const plat::Feature& feature : layer.features) {
    for (const char* field : {"id", "score", "stability", "area_m2", "model"}) {
      BOOST_TEST((feature.find(field) != nullptr), field);
    }
    BOOST_TEST(std::get<double>(*feature.find("score")) >= 0);
    BOOST_TEST(std::get<double>(*feature.find("stability")) >= 0.3);
    BOOST_TEST(std::get<double>(*feature.find("area_m2")) >= 5);
  }
  const auto two = run_plat(world.folder, everything({"-o", "two.geojson", "-j", "2", "--min-area", "5"}));
  BOOST_REQUIRE_MESSAGE(two.code == 0, two.err);
  BOOST_TEST(has(two.out, "objects"));
  std::string first = read_text(world.folder.file("one.geojson")), second = read_text(world.folder.file("two.geojson"));
  // The file's stem names its layer.
  first.replace(first.find("\"one\""), 5, "\"two\"");
  BOOST_TEST((first == second));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_the_options_is_said) {
  const World world;
  const auto code = [&](const std::vector<std::string>& more, const std::string& word) {
    const auto run = run_plat(world.folder, everything(more));
    BOOST_TEST(has(run.err, word), "'" << word << "' is not in: " << run.err);
    return run.code;
  };
  BOOST_TEST(code({"-o", "out.geojson", "--stability-offset", "-1"}, "--stability-offset") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--nms-threshold", "2"}, "--nms-threshold") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--crop-layers", "9"}, "--crop-layers") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", "500000,3000000"}, "--points") == 2);
  const auto alone =
      run_plat(world.folder, {"segment", "demo.tif", "--points", "1,1", "-o", "out.geojson", "--crop-layers", "1"});
  BOOST_TEST(alone.code == 2);
  const auto plan = run_plat(world.folder, everything({"-o", "out.geojson", "--dry-run", "--json"}));
  BOOST_TEST(plan.code == 0);
  BOOST_TEST(nlohmann::json::parse(plan.out)["tiles"] == 4);
}

BOOST_AUTO_TEST_SUITE_END()
