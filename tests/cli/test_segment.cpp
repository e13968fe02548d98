// SPDX-License-Identifier: Apache-2.0
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "model/precision.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using plat::test::run_plat;

namespace {

const plat::GdalSession gdal;
const std::string kScene = std::string(PLAT_SOURCE_DIR) + "/data/scenes/demo.tif";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A folder with the demo scene, and an argument list that uses the model that ships.
struct World {
  World() {
    fs::create_symlink(kScene, folder.file("scene.tif"));
    const plat::RasterReader reader(kScene);
    const plat::Bounds scene = reader.grid().world_bounds();
    middle = text({0.5 * (scene.min_x + scene.max_x), 0.5 * (scene.min_y + scene.max_y)});
    const double x = scene.min_x + 0.3 * (scene.max_x - scene.min_x),
                 y = scene.min_y + 0.3 * (scene.max_y - scene.min_y);
    box = text({x, y, x + 20, y + 20});
  }
  static std::string text(const std::vector<double>& numbers) {
    std::ostringstream out;
    out.precision(12);
    for (std::size_t i = 0; i < numbers.size(); ++i) out << (i > 0 ? "," : "") << numbers[i];
    return out.str();
  }
  std::vector<std::string> arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"segment", "scene.tif", "--cache", "cache"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  plat::test::TemporaryFolder folder;
  std::string middle;
  std::string box;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_segment)

BOOST_AUTO_TEST_CASE(help_shows_every_option) {
  const World world;
  const auto run = run_plat(world.folder, {"segment", "--help"});
  BOOST_TEST(run.code == 0);
  BOOST_TEST(run.err.empty());
  for (const char* option :
       {"--output",      "--points",      "--boxes",      "--one-object", "--prompts", "--prompts-layer",
        "--prompts-crs", "--polygons-as", "--precision",  "--model",      "--bands",   "--gsd",
        "--nodata",      "--bbox",        "--assign-crs", "--regularize", "--cache",   "--simplify",
        "--cache-size",  "--no-cache",    "--preview",    "--threads",    "--ram",     "--device",
        "--overwrite",   "--dry-run",     "--json",       "--quiet",      "--verbose", "--config"}) {
    BOOST_TEST(has(run.out, option), option);
  }
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_went_wrong) {
  const World world;
  const auto code = [&](const std::vector<std::string>& more, const std::string& word) {
    const auto run = run_plat(world.folder, world.arguments(more));
    BOOST_TEST(has(run.err + run.out, word), "'" << word << "' is not in: " << run.err << run.out);
    return run.code;
  };
  std::ofstream(world.folder.file("empty.geojson")) << R"({"type":"FeatureCollection","features":[]})";
  BOOST_TEST(code({"-o", "out.geojson"}, "--points") == 2);
  BOOST_TEST(code({"--points", world.middle}, "--output") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", "1"}, "--points") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", "1,2,3"}, "label") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--boxes", "3,3,1,1"}, "--boxes") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", "1,2", "--prompts", "empty.geojson"}, "--prompts") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", "1,2", "--cache-size", "x"}, "memory") == 2);
  BOOST_TEST(code({"-o", "out.docx", "--points", world.middle}, "docx") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", "1,2", "--polygons-as", "mask"}, "--polygons-as") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--prompts", "empty.geojson", "--polygons-as", "ring"}, "--polygons-as") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--prompts", "none.gpkg"}, "none.gpkg") == 3);
  BOOST_TEST(code({"-o", "out.geojson", "--prompts", "empty.geojson"}, "no points") == 4);
  BOOST_TEST(code({"-o", "out.geojson", "--points", world.middle, "--prompts-crs", "EPSG:1"}, "EPSG:1") == 4);
  BOOST_TEST(code({"-o", "out.geojson", "--points", world.middle, "--precision", "float8"}, "float8") == 2);
  BOOST_TEST(code({"-o", "out.geojson", "--points", world.middle, "--model", "none"}, "none") == 5);
  BOOST_TEST(code({"-o", "out.geojson", "--points", world.middle, "--model", "threshold"}, "prompts") == 5);
  BOOST_TEST(!fs::exists(world.folder.file("out.geojson")));
}

#ifdef PLAT_TEST_TORCH
BOOST_AUTO_TEST_CASE(a_run_on_the_demo_scene_writes_polygons_and_the_next_one_needs_no_encoder) {
  const World world;
  const auto first = run_plat(world.folder, world.arguments({"-o", "out.geojson", "--points", world.middle, "--boxes",
                                                             world.box, "--preview", "out.png", "--json"}));
  BOOST_REQUIRE_MESSAGE(first.code == 0, first.err);
  const auto summary = nlohmann::json::parse(first.out);
  BOOST_TEST(summary["objects"] == 2);
  BOOST_TEST(summary["embedded_tiles"] > 0);
  BOOST_TEST(summary["failed_prompts"].empty());
  BOOST_TEST(plat::read_features(world.folder.file("out.geojson")).features.size() == 2U);
  BOOST_TEST(fs::exists(world.folder.file("out.png")));
  const std::string bytes = plat::test::read_text(world.folder.file("out.geojson"));

  fs::create_directory(world.folder.path() / "again");
  const auto second = run_plat(world.folder, world.arguments({"-o", "again/out.geojson", "--points", world.middle,
                                                              "--boxes", world.box, "--json", "-j", "1"}));
  BOOST_REQUIRE_MESSAGE(second.code == 0, second.err);
  BOOST_TEST(nlohmann::json::parse(second.out)["embedded_tiles"] == 0);
  BOOST_TEST((plat::test::read_text(world.folder.file("again/out.geojson")) == bytes));

  const auto fresh = run_plat(world.folder, world.arguments({"-o", "again/out.geojson", "--points", world.middle,
                                                             "--boxes", world.box, "--overwrite", "--no-cache", "-q"}));
  BOOST_REQUIRE_MESSAGE(fresh.code == 0, fresh.err);
  BOOST_TEST(fresh.err.empty());
  BOOST_TEST((plat::test::read_text(world.folder.file("again/out.geojson")) == bytes));
}

BOOST_AUTO_TEST_CASE(precisions_without_hardware_are_refused) {
  const World world;
  for (const std::string name : {"bfloat16", "float16"}) {
    const bool here = plat::has_hardware_for(plat::precision_of(name));
    const auto run = run_plat(world.folder, world.arguments({"-o", name + ".geojson", "--points", world.middle,
                                                             "--device", "cpu", "--precision", name}));
    BOOST_TEST(run.code == (here ? 0 : 5), run.err);
    BOOST_TEST((here || has(run.err, "has no hardware for " + name)), run.err);
  }
  std::set<std::string> answers;
  for (const std::string name : {"float32", "auto"}) {
    const auto run =
        run_plat(world.folder,
                 world.arguments({"-o", "out.geojson", "--overwrite", "--points", world.middle, "--precision", name}));
    BOOST_TEST(run.code == 0, run.err);
    answers.insert(plat::test::read_text(world.folder.file("out.geojson")));
  }
  BOOST_TEST(answers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(rough_outlines_are_refined) {
  const World world;
  // A diamond in the bounds of a house of the demo, wide of its walls.
  const auto truth = plat::read_features(std::string(PLAT_SOURCE_DIR) + "/data/scenes/demo_buildings.geojson");
  const plat::Bounds house = plat::bounds(truth.features.at(20).geometry);
  const double x = (house.min_x + house.max_x) / 2, y = (house.min_y + house.max_y) / 2;
  std::ostringstream ring;
  ring.precision(12);
  ring << '[' << x << ',' << house.min_y << "],[" << house.max_x << ',' << y << "],[" << x << ',' << house.max_y
       << "],[" << house.min_x << ',' << y << "],[" << x << ',' << house.min_y << ']';
  std::ofstream(world.folder.file("rough.geojson"))
      << R"({"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"house"},)"
      << R"("geometry":{"type":"Polygon","coordinates":[[)" << ring.str() << "]]}}]}";
  std::set<std::string> answers;
  for (const std::string polygons : {"box", "mask", "box+mask"}) {
    const std::string output = "out.geojson";
    const auto run = run_plat(world.folder, world.arguments({"-o", output, "--overwrite", "--prompts", "rough.geojson",
                                                             "--polygons-as", polygons, "--json"}));
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
    const auto found = plat::read_features(world.folder.file(output));
    BOOST_REQUIRE(found.features.size() == 1U);
    BOOST_TEST(std::get<std::string>(*found.features[0].find("id")) == "house");
    answers.insert(plat::test::read_text(world.folder.file(output)));
  }
  BOOST_TEST(answers.size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_imported_sam_sees_the_scene_at_its_own_resolution) {
  const World world;
  const std::string checkpoint = std::string(PLAT_SOURCE_DIR) + "/tests/model/import/meta.pth";
  const auto plan = [&](const std::string& model, const std::vector<std::string>& import) {
    std::vector<std::string> arguments = {"models", "import", checkpoint, "-o", model};
    arguments.insert(arguments.end(), import.begin(), import.end());
    BOOST_TEST_REQUIRE(run_plat(world.folder, arguments).code == 0);
    const auto run = run_plat(world.folder, world.arguments({"-o", "out.geojson", "--points", world.middle, "--model",
                                                             model, "--dry-run", "--json"}));
    BOOST_TEST_REQUIRE(run.code == 0, run.err);
    return nlohmann::json::parse(run.out);
  };
  const auto own = plan("own", {}), fixed = plan("fixed", {"--gsd", "1"});
  BOOST_TEST(own["model_gsd_m"].is_null());
  BOOST_TEST(own["gsd_m"] == own["scene_gsd_m"]);
  BOOST_TEST(fixed["model_gsd_m"] == 1);
  BOOST_TEST(fixed["gsd_m"] == 1);
  const auto text = run_plat(
      world.folder, world.arguments({"-o", "out.geojson", "--points", world.middle, "--model", "own", "--dry-run"}));
  BOOST_TEST(has(text.out, "no resolution of its own"));
}

BOOST_AUTO_TEST_CASE(prompts_outside_the_scene_make_a_partial_result) {
  const World world;
  const auto partial =
      run_plat(world.folder, world.arguments({"-o", "out.geojson", "--points", world.middle, "0,0", "--json"}));
  BOOST_TEST(partial.code == 6);
  BOOST_TEST(has(partial.err, "prompt 2 lies outside the scene"), partial.err);
  BOOST_TEST(nlohmann::json::parse(partial.out)["failed_prompts"][0]["id"] == "2");
  BOOST_TEST(plat::read_features(world.folder.file("out.geojson")).features.size() == 1U);
  const auto none = run_plat(world.folder, world.arguments({"-o", "none.geojson", "--points=-5,-5"}));
  BOOST_TEST(none.code == 4);
  BOOST_TEST(has(none.err, "outside the scene"));
  BOOST_TEST(!fs::exists(world.folder.file("none.geojson")));
}

BOOST_AUTO_TEST_CASE(a_dry_run_and_a_file_of_options) {
  const World world;
  std::ofstream(world.folder.file("run.json"))
      << R"({"points": [")" << world.middle << R"(", "0,0"], "dry-run": true, "json": true})";
  const auto run = run_plat(world.folder, world.arguments({"-o", "out.geojson", "--config", "run.json"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto plan = nlohmann::json::parse(run.out);
  BOOST_TEST(plan["prompts"] == 2);
  BOOST_TEST(plan["tiles"] == 1);
  BOOST_TEST(plan["cached_tiles"] == 0);
  BOOST_TEST(plan["estimated_bytes"] > 0);
  BOOST_TEST(!fs::exists(world.folder.file("out.geojson")));
  BOOST_TEST(!fs::exists(world.folder.file("cache")));
}
#endif

BOOST_AUTO_TEST_SUITE_END()
