// SPDX-License-Identifier: Apache-2.0
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/raster_writer.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
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
    const auto run = run_plat(folder, {"demo", "--size", "384"});
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  }
};

/// The arguments of a run that takes seconds.
std::vector<std::string> small_run(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"train",   "--scenes", "demo.tif", "--labels",    "demo_buildings.geojson",
                                        "--batch", "2",        "--crop",   "64",          "--prompts",
                                        "1",       "-o",       "run",      "--log-every", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(train)

BOOST_AUTO_TEST_CASE(a_model_is_trained_resumed_and_used) {
  const World world;
  const auto first = run_plat(world.folder, small_run({"--steps", "2", "--json", "--name", "mine"}));
  BOOST_REQUIRE_MESSAGE(first.code == 0, first.err);
  const auto summary = nlohmann::json::parse(first.out);
  BOOST_TEST(summary["steps"] == 2);
  BOOST_TEST(summary["model"] == "run/model");
  for (const char* file : {"config.json", "metrics.jsonl", "data.txt", "model/config.json", "model/model.safetensors",
                           "model/README.md", "model/training.json"}) {
    BOOST_TEST(std::filesystem::exists(world.folder.path() / "run" / file), file);
  }
  // Others read the card and the options: they name files, not the folders of who trained.
  BOOST_TEST(!has(read_text(world.folder.file("run/model/training.json")), world.folder.path().string()));

  BOOST_TEST(run_plat(world.folder, small_run({"--steps", "2"})).code == 3);  // it exists
  const auto second = run_plat(world.folder, small_run({"--steps", "3", "--json", "--name", "mine", "--resume"}));
  BOOST_REQUIRE_MESSAGE(second.code == 0, second.err);
  BOOST_TEST(nlohmann::json::parse(second.out)["steps"] == 3);

  const auto used = run_plat(world.folder, {"extract", "demo.tif", "--model", "run/model", "-o", "out.gpkg"});
  BOOST_REQUIRE_MESSAGE(used.code == 0, used.err);
  BOOST_TEST(std::filesystem::exists(world.folder.path() / "out.gpkg"));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_model_is_tuned_and_its_adapter_used) {
  const World world;
  // A network with attention, which LoRA lies beside.
  std::vector<std::string> start = small_run({"--steps", "1"});
  *std::ranges::find(start, "run") = "start";
  BOOST_REQUIRE(run_plat(world.folder, start).code == 0);
  const std::string base = "start/model";
  const auto run = run_plat(world.folder, small_run({"--steps", "2", "--json", "--init", base, "--method", "lora"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(has(run.err, "method lora: trains"), run.err);
  const auto summary = nlohmann::json::parse(run.out);
  BOOST_TEST(summary["adapter"] == "run/adapter");
  BOOST_TEST(summary["learned_parameters"].get<int64_t>() * 2 < summary["parameters"].get<int64_t>());
  BOOST_TEST(summary["peak_bytes"].get<int64_t>() > 0);
  // What was forgotten is measured on drawn shapes, by all ways of asking, and told everywhere.
  const auto report = nlohmann::json::parse(read_text(world.folder.file("run/report.json")))["forgetting"];
  BOOST_TEST((report == summary["forgetting"]));
  BOOST_TEST(report["objects"] == 64);
  BOOST_TEST(report["kinds"].size() == 5U);
  BOOST_TEST(report["base_is_kept"] == true);
  for (const char* way : {"point", "three points", "box"}) {
    const auto& score = report["miou"][way];
    const double change = score["model"].get<double>() - score["base"].get<double>();
    BOOST_TEST(std::abs(score["change"].get<double>() - change) < 1e-9, way);
    BOOST_TEST(score["change_interval"].size() == 2U, way);
    const double sum = report["backward_transfer"][way].get<double>() + report["average_forgetting"][way].get<double>();
    BOOST_TEST(std::abs(sum) < 1e-12, way);
  }
  BOOST_TEST(has(read_text(world.folder.file("run/model/README.md")), "average forgetting"));
  BOOST_TEST(has(run.err, "backward transfer"), run.err);
  const auto used = run_plat(world.folder, {"extract", "demo.tif", "--model", "run/adapter", "-o", "out.gpkg"});
  BOOST_REQUIRE_MESSAGE(used.code == 0, used.err);
  const auto shown = run_plat(world.folder, {"models", "show", "run/adapter"});
  BOOST_TEST(has(shown.out, "adapter for"), shown.out);

  // Little more than the small run was expected to take is not enough for larger crops.
  const std::string ram = std::to_string(summary["estimated_bytes"].get<int64_t>() / 1'000'000 + 60) + "MB";
  const auto refused = run_plat(
      world.folder, {"train", "--scenes", "demo.tif", "--labels", "demo_buildings.geojson", "--steps", "2", "--init",
                     base, "--method", "lora", "--batch", "8", "--crop", "256", "-o", "large", "--ram", ram});
  BOOST_TEST(refused.code == 2);
  BOOST_TEST(has(refused.err, "With --checkpointing"), refused.err);
}

BOOST_AUTO_TEST_CASE(the_figures_of_a_run_are_those_that_extraction_and_evaluation_give) {
  const World world;
  // Several tiles, at another resolution than the model's, and a hole without data that blocks kept out reach into.
  BOOST_REQUIRE(run_plat(world.folder, {"demo", "--size", "800", "--overwrite"}).code == 0);
  const plat::RasterReader drawn(world.folder.file("demo.tif"));
  const plat::Grid grid = drawn.grid();
  const plat::Image<float> values = drawn.clone().read(grid.window()).pixels;
  plat::Image<uint8_t> pixels(values.width(), values.height(), values.bands());
  for (std::size_t i = 0; i < values.size(); ++i)
    pixels.data()[i] = static_cast<uint8_t>(std::max(1.0F, values.data()[i]));
  for (int64_t band = 0; band < pixels.bands(); ++band) {
    for (int64_t row = 300; row < 420; ++row) std::ranges::fill(pixels.row(row, band).subspan(250, 300), uint8_t{0});
  }
  plat::RasterWriteOptions with_hole;
  with_hole.nodata = 0;
  with_hole.overwrite = true;
  plat::write_raster(world.folder.file("demo.tif"), pixels, grid, with_hole);

  const auto run =
      run_plat(world.folder, small_run({"--steps", "2", "--json", "--init", PLAT_SOURCE_DIR "/data/models/buildings",
                                        "--val-fraction", "0.3", "--val-block", "40", "--retain-objects", "0"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto summary = nlohmann::json::parse(run.out);
  const auto used = run_plat(world.folder, {"extract", "demo.tif", "--model", "run/model", "-o", "found.gpkg"});
  BOOST_REQUIRE_MESSAGE(used.code == 0, used.err);
  const auto rated = run_plat(world.folder, {"evaluate", "found.gpkg", "demo_buildings.geojson", "--scene", "demo.tif",
                                             "--area", "run/validation/demo.area.gpkg", "--json"});
  BOOST_REQUIRE_MESSAGE(rated.code == 0, rated.err);
  const auto figures = nlohmann::json::parse(rated.out);
  const auto printed = [](const nlohmann::json& value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", value.get<double>());
    return std::string(text.data());
  };
  BOOST_TEST(summary["object_f1"].get<double>() > 0);
  BOOST_TEST(printed(summary["object_f1"]) == printed(figures["objects"]["f1"]));
  BOOST_TEST(printed(summary["pixel_iou"]) == printed(figures["pixels"]["iou"]));
  const auto report = nlohmann::json::parse(read_text(world.folder.file("run/report.json")))["validation"];
  BOOST_TEST(report["by_extraction"] == true);
  BOOST_TEST(report["object_f1"] == summary["object_f1"]);
  BOOST_TEST(has(read_text(world.folder.file("run/model/README.md")), "by `plat extract` and `plat evaluate`"));
}

BOOST_AUTO_TEST_CASE(a_dry_run_tells_and_writes_nothing) {
  const World world;
  const auto run = run_plat(world.folder, small_run({"--steps", "2", "--dry-run"}));
  BOOST_TEST(run.code == 0);
  BOOST_TEST(has(run.err, "demo.tif"), run.err);
  BOOST_TEST(has(run.err, "for training"), run.err);
  BOOST_TEST(!std::filesystem::exists(world.folder.path() / "run"));
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_went_wrong) {
  const World world;
  const auto code = [&](const std::vector<std::string>& arguments, const std::string& word) {
    const auto run = run_plat(world.folder, arguments);
    BOOST_TEST(has(run.err + run.out, word), "'" << word << "' is not in: " << run.err << run.out);
    BOOST_TEST(!std::filesystem::exists(world.folder.path() / "run"));
    return run.code;
  };
  BOOST_TEST(code(small_run({}), "--steps") == 2);
  BOOST_TEST(code(small_run({"--steps", "0"}), "steps") == 2);
  BOOST_TEST(code(small_run({"--steps", "2", "--val-bbox", "1,2"}), "--val-bbox") == 2);
  BOOST_TEST(code(small_run({"--steps", "2", "--init", "nowhere"}), "nowhere") == 5);
  BOOST_TEST(code(small_run({"--steps", "2", "--method", "lora"}), "--init") == 2);
  BOOST_TEST(code(small_run({"--steps", "2", "--method", "lara"}), "lara") == 2);
  BOOST_TEST(code(small_run({"--steps", "2", "--retain", "demo.tif"}), "--init") == 2);
  BOOST_TEST(code({"train", "--scenes", "none.tif", "--labels", "demo_buildings.geojson", "--steps", "2", "-o", "run"},
                  "none.tif") == 3);
  BOOST_TEST(code({"train", "--scenes", "demo.tif", "--labels", "none.geojson", "--steps", "2", "-o", "run"},
                  "none.geojson") == 3);
}

BOOST_AUTO_TEST_SUITE_END()
