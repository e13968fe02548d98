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
       {"--output", "--iou",          "--min-area",     "--gsd",         "--scene",       "--area",
        "--bbox",   "--bbox-crs",     "--score",        "--layer",       "--truth-layer", "--value",
        "--block",  "--rounds",       "--seed",         "--overwrite",   "--json",        "--quiet",
        "--task",   "--change-kinds", "--truth-before", "--truth-after", "--threshold"}) {
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

BOOST_AUTO_TEST_CASE(changes_of_a_drawn_pair_are_compared) {
  const plat::test::TemporaryFolder folder;
  const auto drawn = run_plat(folder, {"demo", "--pair", "--size", "768"});
  BOOST_REQUIRE_MESSAGE(drawn.code == 0, drawn.err);
  const auto evaluated = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"evaluate", "--task", "change"});
    arguments.emplace_back("--json");
    const auto run = run_plat(folder, arguments);
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
    BOOST_TEST(run.err.empty());
    return nlohmann::json::parse(run.out);
  };
  const auto same = evaluated({"changes.geojson", "changes.geojson"});
  const auto count = same["objects"]["truth"].get<int64_t>();
  BOOST_TEST_REQUIRE(count > 10);
  BOOST_TEST(same["objects"]["f1"] == 1.0);
  BOOST_TEST(same["pixels"]["iou"] == 1.0);
  BOOST_TEST(same["wrong_kind"] == 0);
  BOOST_TEST(same["unchanged"]["called_changed"] == 0);
  BOOST_TEST(same["unchanged"]["truth"] > 20);

  const auto all = plat::read_features(folder.file("changes.geojson"));
  plat::FeatureWriter fewer(folder.file("fewer.gpkg"), all.crs, {{"kind", plat::FieldType::Text}});
  int missing = 5;
  for (const plat::Feature& feature : all.features) {
    const auto* kind = feature.find("kind");
    if (std::get<std::string>(*kind) != "unchanged" && missing > 0) {
      --missing;
    } else {
      fewer.write({feature.geometry, {{"kind", *kind}}});
    }
  }
  fewer.close();
  const auto part = evaluated({"fewer.gpkg", "changes.geojson"});
  BOOST_TEST(part["objects"]["true_positives"] == count - 5);
  BOOST_TEST(part["objects"]["false_negatives"] == 5);
  BOOST_TEST(part["objects"]["precision"] == 1.0);
  BOOST_TEST(part["pixels"]["recall"] < 1.0);
  const double iou = part["pixels"]["iou"].get<double>();
  BOOST_TEST(part["pixels"]["f1"].get<double>() == 2 * iou / (1 + iou), boost::test_tools::tolerance(1e-12));

  const std::vector<std::string> found{"--truth-before", "before.geojson", "--truth-after", "after.geojson"};
  std::vector<std::string> arguments{"changes.geojson", "--change-kinds", "appeared, vanished"};
  arguments.insert(arguments.end(), found.begin(), found.end());
  const auto both_dates = evaluated(arguments);
  BOOST_TEST(both_dates["objects"]["f1"] == 1.0);
  BOOST_TEST(both_dates["pixels"]["iou"] > 0.99);
  BOOST_TEST(both_dates["kinds"].size() == 2U);
  arguments.erase(arguments.begin() + 1, arguments.begin() + 3);
  BOOST_TEST(evaluated(arguments)["objects"]["f1"] == 1.0);

  const auto text = run_plat(folder, {"evaluate", "--task", "change", "changes.geojson", "changes.geojson"});
  BOOST_TEST(has(text.out, "0 of " + std::to_string(count) + " found objects under a wrong kind"));
  const auto code = [&](std::vector<std::string> wrong, const std::string& word) {
    wrong.insert(wrong.begin(), {"evaluate", "--task", "change"});
    const auto run = run_plat(folder, wrong);
    BOOST_TEST(has(run.err, word), "'" << word << "' is not in: " << run.err);
    return run.code;
  };
  BOOST_TEST(code({"changes.geojson"}, "TRUTH") == 2);
  BOOST_TEST(code({"changes.geojson", "--truth-before", "before.geojson"}, "--truth-after") == 2);
  BOOST_TEST(code({"changes.geojson", "changes.geojson", "--change-kinds", "gone"}, "'gone'") == 2);
  BOOST_TEST(code({"changes.geojson", "changes.geojson", "--threshold", "0.5"}, "threshold") == 2);
  BOOST_TEST(code({"changes.geojson", "before.tif"}, "before.tif") == 4);
  BOOST_TEST(code({"changes.geojson", "absent.geojson"}, "absent.geojson") == 3);
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
  BOOST_TEST(code({"evaluate", truth, truth, "--threshold", "0.5"}, "--task change") == 2);
  BOOST_TEST(code({"evaluate", truth, truth, "--task", "time"}, "--task") == 2);
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
