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

/// A folder with a small drawn scene and its footprints.
struct World {
  plat::test::TemporaryFolder folder;
  World() {
    const auto run = run_plat(folder, {"demo", "--size", "256", "--json"});
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
    BOOST_TEST(run.err.empty());
    BOOST_TEST(nlohmann::json::parse(run.out)["building_count"] > 5);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(evaluate_and_demo)

BOOST_AUTO_TEST_CASE(help_names_every_option) {
  const plat::test::TemporaryFolder folder;
  const auto evaluate = run_plat(folder, {"evaluate", "--help"});
  BOOST_TEST(evaluate.code == 0);
  for (const char* option :
       {"--output", "--iou", "--min-area", "--gsd", "--scene", "--area", "--bbox", "--bbox-crs", "--score", "--layer",
        "--truth-layer", "--value", "--block", "--rounds", "--seed", "--overwrite", "--json", "--quiet"}) {
    BOOST_TEST(has(evaluate.out, option), option);
  }
  const auto demo = run_plat(folder, {"demo", "--help"});
  BOOST_TEST(demo.code == 0);
  for (const char* option :
       {"--output", "--seed", "--size", "--gsd", "--region", "--pair", "--shift", "--overwrite", "--json"}) {
    BOOST_TEST(has(demo.out, option), option);
  }
}

BOOST_AUTO_TEST_CASE(the_truth_compared_with_itself_is_perfect) {
  const World world;
  const auto run = run_plat(world.folder, {"evaluate", "demo_buildings.geojson", "demo_buildings.geojson", "--scene",
                                           "demo.tif", "--json", "-o", "matches.gpkg"});
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(run.err.empty());
  const auto json = nlohmann::json::parse(run.out);
  BOOST_TEST(json["objects"]["f1"] == 1.0);
  BOOST_TEST(json["pixels"]["iou"] == 1.0);
  const auto layer = plat::read_features(world.folder.file("matches.gpkg"));
  BOOST_TEST(layer.features.size() == json["objects"]["truth"].get<std::size_t>() * 2);
  const auto text = run_plat(world.folder, {"evaluate", "demo_buildings.geojson", "demo_buildings.geojson"});
  BOOST_TEST(text.code == 0);
  BOOST_TEST(has(text.out, "F1 1.000"));
}

BOOST_AUTO_TEST_CASE(a_pair_of_scenes_is_drawn_with_its_changes) {
  const plat::test::TemporaryFolder folder;
  const auto run = run_plat(folder, {"demo", "--pair", "-o", "town", "--size", "300", "--shift", "-1.5,2", "--json"});
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(run.err.empty());
  const auto json = nlohmann::json::parse(run.out);
  BOOST_TEST(json["shift_px"] == nlohmann::json::array({-1.5, 2.0}));
  int64_t sum = 0;
  for (const auto& count : json["counts"]) sum += count.get<int64_t>();
  const auto changes = plat::read_features(folder.file("town/changes.geojson"));
  BOOST_TEST(static_cast<int64_t>(changes.features.size()) == sum);
  for (const char* key : {"before", "after", "before_buildings", "after_buildings", "changes"}) {
    BOOST_TEST(!read_text(folder.file(json[key].get<std::string>())).empty());
  }
  const auto evaluated = run_plat(folder, {"evaluate", "town/before.geojson", "town/after.geojson", "--json"});
  BOOST_REQUIRE_MESSAGE(evaluated.code == 0, evaluated.err);
  BOOST_TEST(nlohmann::json::parse(evaluated.out)["objects"]["f1"] < 1.0);
  BOOST_TEST(run_plat(folder, {"demo", "--pair", "-o", "town", "--size", "300"}).code == 3);
  const auto text = run_plat(folder, {"demo", "--pair", "-o", "town", "--size", "300", "--overwrite"});
  BOOST_TEST(text.code == 0);
  BOOST_TEST(has(text.out, "shifted by 2.3, -1.4 pixels"));
  BOOST_TEST(has(text.out, "appeared"));
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_went_wrong) {
  const World world;
  const auto code = [&](const std::vector<std::string>& arguments, const std::string& word) {
    const auto run = run_plat(world.folder, arguments);
    BOOST_TEST(has(run.err + run.out, word), "'" << word << "' is not in: " << run.err << run.out);
    return run.code;
  };
  const std::string truth = "demo_buildings.geojson";
  BOOST_TEST(code({"demo", "--size", "256"}, "demo.tif") == 3);
  BOOST_TEST(code({"demo", "--size", "5", "-o", "other"}, "size") == 2);
  BOOST_TEST(code({"demo", "--region", "moon"}, "moon") == 2);
  BOOST_TEST(code({"demo", "--shift", "1,1", "-o", "other"}, "--pair") == 2);
  BOOST_TEST(code({"demo", "--pair", "--shift", "40,0", "-o", "other"}, "shift") == 2);
  BOOST_TEST(code({"demo", "--pair", "--shift", "4", "-o", "other"}, "--shift") == 2);
  BOOST_TEST(code({"evaluate", truth}, "TRUTH") == 2);
  BOOST_TEST(code({"evaluate", truth, truth, "--iou", "1.5"}, "IoU") == 2);
  BOOST_TEST(code({"evaluate", truth, truth, "--bbox", "3,2,1"}, "--bbox") == 2);
  BOOST_TEST(code({"evaluate", truth, "absent.geojson"}, "absent.geojson") == 3);
  BOOST_TEST(code({"evaluate", truth, truth, "-o", "out.xyz"}, "xyz") == 2);
  BOOST_TEST(code({"evaluate", truth, truth, "--score", "trust"}, "trust") == 4);
}

BOOST_AUTO_TEST_CASE(sizes_out_of_reason_are_refused_and_signals_end_the_draws) {
  const World world;
  const std::string truth = "demo_buildings.geojson";
  BOOST_TEST(run_plat(world.folder, {"evaluate", truth, truth, "--gsd", "1e-5"}, 20).code == 2);
  BOOST_TEST(run_plat(world.folder, {"evaluate", truth, truth, "--rounds", "1000000000"}, 20).code == 2);
  for (const int signal : {SIGINT, SIGTERM}) {
    std::chrono::steady_clock::time_point asked;
    const auto run = run_plat(world.folder, {"evaluate", truth, truth, "--rounds", "1000000", "--block", "8"}, 60,
                              [&](pid_t program) {
                                std::this_thread::sleep_for(std::chrono::milliseconds(1500));
                                kill(program, signal);
                                asked = std::chrono::steady_clock::now();
                              });
    BOOST_TEST(run.code == 130);
    BOOST_TEST(std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count() < 1.0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
