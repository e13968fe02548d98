// SPDX-License-Identifier: Apache-2.0
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_writer.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <set>

namespace fs = std::filesystem;
using plat::test::run_plat;

namespace {

const plat::GdalSession gdal;

/// A folder with a scene of bright roofs on dark ground.
struct World {
  explicit World(int64_t side = 400) {
    plat::Image<uint8_t> scene(side, side, 3, 30);
    for (int64_t r = 0; r < side; ++r) {
      for (int64_t c = 0; c < side; ++c) {
        const bool roof = r % 50 > 20 && c % 60 > 25;
        for (int64_t b = 0; b < 3; ++b) scene.at(c, r, b) = roof ? uint8_t{230} : uint8_t{30};
      }
    }
    const plat::Grid grid{side, side, {500000, 0.3, 0, 3000000, 0, -0.3}, plat::Crs::from_text("EPSG:32645")};
    plat::write_raster(folder.file("scene.tif"), scene, grid);
  }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      if (!entry.path().filename().string().starts_with(".std")) names.insert(entry.path().filename());
    }
    return names;
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder.file(name)) << text; }

  plat::test::TemporaryFolder folder;
};

std::vector<std::string> extract(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"extract", "scene.tif", "--model", "threshold", "-j", "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_extract)

BOOST_AUTO_TEST_CASE(help_shows_every_option_and_its_default) {
  const World world;
  const auto run = run_plat(world.folder, {"extract", "--help"});
  BOOST_TEST(run.code == 0);
  BOOST_TEST(run.err.empty());
  for (const char* option :
       {"--output",    "--model",     "--threads",  "--ram",           "--device",  "--tile-size",  "--overlap",
        "--bbox",      "--bbox-crs",  "--bands",    "--gsd",           "--nodata",  "--assign-crs", "--threshold",
        "--min-area",  "--min-score", "--simplify", "--no-regularize", "--classes", "--maps",       "--preview",
        "--overwrite", "--dry-run",   "--json",     "--quiet",         "--verbose", "--config",     "--precision"}) {
    BOOST_TEST(has(run.out, option), option);
  }
  BOOST_TEST(has(run.out, "50%"));
  BOOST_TEST(has(run.out, "1.25 pixels"));
}

BOOST_AUTO_TEST_CASE(a_run_writes_polygons_and_a_summary) {
  const World world;
  const auto run =
      run_plat(world.folder, extract({"-o", "out.geojson", "--preview", "out.png", "--maps", "maps.tif", "--json"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST((world.files() == std::set<std::string>{"scene.tif", "out.geojson", "out.png", "maps.tif"}));
  const auto summary = nlohmann::json::parse(run.out);
  const auto layer = plat::read_features(world.folder.file("out.geojson"));
  BOOST_TEST(summary["objects"] == layer.features.size());
  BOOST_TEST(layer.features.size() > 20U);
  BOOST_TEST(summary["failed_tiles"] == 0);
  BOOST_TEST(summary["peak_bytes"] > 0);
  BOOST_TEST(has(run.err, "tile"));
  BOOST_TEST(!has(run.err, "warning"), run.err);

  // The file's stem names its layer.
  fs::create_directory(world.folder.path() / "again");
  const auto quiet = run_plat(world.folder, extract({"-o", "again/out.geojson", "-q"}));
  BOOST_TEST(quiet.code == 0);
  BOOST_TEST(quiet.err.empty());
  BOOST_TEST(has(quiet.out, "objects"));
  BOOST_TEST((plat::test::read_text(world.folder.file("out.geojson")) ==
              plat::test::read_text(world.folder.file("again/out.geojson"))));
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_went_wrong) {
  const World world;
  const auto code = [&](std::vector<std::string> arguments, const std::string& word) {
    const auto run = run_plat(world.folder, arguments);
    BOOST_TEST(has(run.err + run.out, word), "'" << word << "' is not in: " << run.err << run.out);
    return run.code;
  };
  world.write("there.geojson", "{}");
  BOOST_TEST(code({"extract", "scene.tif"}, "--output") == 2);
  BOOST_TEST(code({"unknown"}, "unknown") == 2);
  BOOST_TEST(code({}, "extract") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--unknown"}), "--unknown") == 2);
  BOOST_TEST(code(extract({"-o", "out.docx"}), "docx") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--threshold", "2"}), "--threshold") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--threshold", "x"}), "threshold") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--bbox", "1,2,3"}), "--bbox") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--overlap", "9999"}), "overlap") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--tile-size", "64", "--overlap", "63"}), "at most 56") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--ram", "10"}), "--ram") == 2);
  BOOST_TEST(code(extract({"-o", "out.geojson", "--classes", "castle"}), "castle") == 2);
  BOOST_TEST(code(extract({"-o", "there.geojson"}), "--overwrite") == 3);
  BOOST_TEST(code(extract({"-o", "missing/out.geojson"}), "missing") == 3);
  BOOST_TEST(code({"extract", "none.tif", "-o", "out.geojson", "--model", "threshold"}, "none.tif") == 3);
  BOOST_TEST(code({"extract", "scene.tif", "-o", "out.geojson", "--model", "none"}, "none") == 5);
  BOOST_TEST((world.files() == std::set<std::string>{"scene.tif", "there.geojson"}));
  BOOST_TEST(code(extract({"-o", "there.geojson", "--overwrite"}), "objects") == 0);
}

BOOST_AUTO_TEST_CASE(a_dry_run_writes_nothing) {
  const World world;
  const auto run = run_plat(world.folder, extract({"-o", "out.geojson", "--dry-run", "--json"}));
  BOOST_TEST(run.code == 0);
  const auto plan = nlohmann::json::parse(run.out);
  BOOST_TEST(plan["tiles"] > 0);
  BOOST_TEST(plan["estimated_bytes"] > 0);
  BOOST_TEST((world.files() == std::set<std::string>{"scene.tif"}));
}

BOOST_AUTO_TEST_CASE(options_come_from_a_file_too) {
  const World world;
  world.write("run.json",
              R"({"tile-size": 100, "overlap": 20, "dry-run": true, "bbox": [500000, 2999940, 500060, 3000000]})");
  world.write("run.toml", "tile-size = 100\noverlap = 20\ndry-run = true\nbbox = [500000, 2999940, 500060, 3000000]\n");
  world.write("section.ini",
              "[extract]\ntile-size=100\noverlap=20\ndry-run=true\nbbox=\"500000,2999940,500060,3000000\"\n");
  for (const std::string file : {"run.json", "run.toml", "section.ini"}) {
    const auto run = run_plat(world.folder, extract({"-o", "out.geojson", "--json", "--config", file}));
    BOOST_REQUIRE_MESSAGE(run.code == 0, file << ": " << run.err);
    const auto plan = nlohmann::json::parse(run.out);
    BOOST_TEST(plan["dry_run"] == true);
    BOOST_TEST(plan["width"] == 200);
    BOOST_TEST(plan["tiles"] == 9);
    const auto by_hand =
        run_plat(world.folder, extract({"-o", "out.geojson", "--json", "--config=" + file, "--tile-size", "300"}));
    BOOST_TEST(nlohmann::json::parse(by_hand.out)["tiles"] == 1);
  }
  world.write("unknown.json", R"({"tile-size": 100, "colour": "red"})");
  world.write("broken.json", R"({"tile-size": )");
  for (const std::string file : {"unknown.json", "broken.json"}) {
    const auto run = run_plat(world.folder, extract({"-o", "out.geojson", "--config", file}));
    BOOST_TEST(run.code == 2);
    BOOST_TEST(has(run.err, file));
  }
  BOOST_TEST(run_plat(world.folder, extract({"-o", "out.geojson", "--config", "none.json"})).code == 3);
}

BOOST_AUTO_TEST_CASE(an_interrupt_leaves_no_output_and_a_kill_nothing_under_its_name) {
  const World world(6000);
  const auto long_run = extract({"-o", "out.geojson", "--tile-size", "256", "--overlap", "192"});
  const auto stop_with = [](int signal) {
    return [signal](pid_t child) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      kill(child, signal);
    };
  };
  const auto interrupted = run_plat(world.folder, long_run, 120, stop_with(SIGINT));
  BOOST_TEST(interrupted.code == 130);
  BOOST_TEST(has(interrupted.err, "interrupted"));
  BOOST_TEST((world.files() == std::set<std::string>{"scene.tif"}));
  const auto killed = run_plat(world.folder, long_run, 120, stop_with(SIGKILL));
  BOOST_TEST(killed.code == 128 + SIGKILL);
  BOOST_TEST(!fs::exists(world.folder.file("out.geojson")));
  const auto again = run_plat(world.folder, extract({"-o", "out.geojson", "--bbox", "500000,2999900,500100,3000000"}));
  BOOST_TEST(again.code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
