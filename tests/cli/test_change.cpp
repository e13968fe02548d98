// SPDX-License-Identifier: Apache-2.0
#include "geo/feature_io.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace fs = std::filesystem;
using plat::test::ProgramRun;
using plat::test::run_plat;

namespace {

const plat::GdalSession gdal;
using Files = std::map<std::string, std::string>;

/// A folder with a drawn pair: before.tif, after.tif, before.geojson, after.geojson, changes.geojson.
struct World {
  explicit World(int64_t size = 384) {
    const ProgramRun run = run_plat(folder, {"demo", "--pair", "-o", ".", "--size", std::to_string(size)});
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  }
  Files files() const {
    Files all;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename();
      if (entry.is_regular_file() && !name.starts_with(".std")) all[name] = plat::test::read_text(entry.path());
    }
    return all;
  }
  plat::test::TemporaryFolder folder;
};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}
std::vector<std::string> change(const std::vector<std::string>& more) {
  return with({"change", "before.tif", "after.tif", "--model", "threshold", "-j", "2"}, more);
}
std::vector<std::string> change_layers(const std::vector<std::string>& more) {
  return with({"change", "before.tif", "after.tif", "--before-objects", "before.geojson", "--after-objects",
               "after.geojson", "-j", "2"},
              more);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

int64_t occurrences(const std::string& text, const std::string& word) {
  int64_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_change)

BOOST_AUTO_TEST_CASE(a_run_writes_changes_and_a_summary) {
  const World world;
  const Files before = world.files();
  const auto run = run_plat(world.folder, change({"-o", "out.gpkg", "--preview", "out.png", "--maps", "maps.tif",
                                                  "--shifts", "shifts.gpkg", "--json"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto summary = nlohmann::json::parse(run.out);
  std::map<std::string, int64_t> kinds;
  for (const auto& feature : plat::read_features(world.folder.file("out.gpkg"), "changes").features)
    ++kinds[std::get<std::string>(*feature.find("kind"))];
  int64_t changes = 0;
  for (const auto& [kind, total] : summary["kinds"].items()) {
    BOOST_TEST(total["count"] == kinds[kind], kind);
    changes += total["count"].get<int64_t>();
    BOOST_TEST((total["area_before_m2"] >= 0 && total["area_after_m2"] >= 0));
  }
  BOOST_TEST(summary["kinds"].size() == 9U);
  BOOST_TEST(changes > 5);
  for (const char* date : {"before", "after"}) {
    const auto objects = plat::read_features(world.folder.file("out.gpkg"), date).features.size();
    BOOST_TEST(summary[std::string(date) + "_objects"] == objects);
    BOOST_TEST(summary.contains(std::string(date) + "_gsd_m"));
  }
  BOOST_TEST(summary["dry_run"] == false);
  BOOST_TEST(summary["shift"]["taken_out"] == true);
  BOOST_TEST(std::abs(summary["shift"]["dx_px"].get<double>() - 2.3) < 0.2);
  BOOST_TEST(std::abs(summary["shift"]["dy_px"].get<double>() + 1.4) < 0.2);
  BOOST_TEST(summary["failed_tiles"] == 0);
  BOOST_TEST(plat::read_features(world.folder.file("shifts.gpkg")).features.size() == summary["shift"]["blocks"]);
  plat::RasterReader maps(world.folder.file("maps.tif"));
  BOOST_TEST(maps.grid().width == summary["width"]);
  BOOST_TEST(maps.grid().height == summary["height"]);
  BOOST_TEST(plat::test::read_text(world.folder.file("out.png")).starts_with("\x89PNG"));
  Files after = world.files();
  for (const char* output : {"out.gpkg", "out.png", "maps.tif", "shifts.gpkg"}) BOOST_TEST(after.erase(output) == 1U);
  BOOST_TEST((after == before));
}

BOOST_AUTO_TEST_CASE(drawn_outlines_give_the_drawn_changes) {
  const World world(1000);
  const auto run = run_plat(world.folder, change_layers({"-o", "out.geojson", "-q"}));
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(run.err.empty());
  for (const char* word : {"appeared", "vanished", "unchanged", "align", "taken out"}) BOOST_TEST(has(run.out, word));
  const auto scored = run_plat(
      world.folder, {"evaluate", "--task", "change", "out.geojson", "changes.geojson", "--json", "--rounds", "20"});
  BOOST_REQUIRE_MESSAGE(scored.code == 0, scored.err);
  const auto score = nlohmann::json::parse(scored.out);
  BOOST_TEST(score["objects"]["true_positives"] > 0);
  BOOST_TEST(score["objects"]["false_positives"] == 0);
  BOOST_TEST(score["objects"]["false_negatives"] == 0);
  BOOST_TEST(score["wrong_kind"] == 0);
  BOOST_TEST(score["unchanged"]["called_changed"] == 0);
}

BOOST_AUTO_TEST_CASE(a_dry_run_writes_nothing) {
  const World world;
  const Files before = world.files();
  for (const auto& arguments : {change({"-o", "out.gpkg", "--dry-run", "--json", "--preview", "a.png"}),
                                change_layers({"-o", "out.gpkg", "--dry-run", "--json"})}) {
    const auto run = run_plat(world.folder, arguments);
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
    const auto plan = nlohmann::json::parse(run.out);
    BOOST_TEST(plan["dry_run"] == true);
    BOOST_TEST(!plan.contains("kinds"));
    BOOST_TEST(plan["shift"]["kind"] == "translation");
    BOOST_TEST((world.files() == before));
  }
}

BOOST_AUTO_TEST_CASE(a_series_tells_each_step_and_what_lasts) {
  const World world(1000);
  fs::copy_file(world.folder.file("before.tif"), world.folder.file("again.tif"));
  const auto run = run_plat(world.folder, {"change", "before.tif", "after.tif", "again.tif", "--objects",
                                           "before.geojson", "--objects", "after.geojson", "--objects",
                                           "before.geojson", "-o", "out.gpkg", "--preview", "out.png", "--json"});
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto summary = nlohmann::json::parse(run.out);
  BOOST_TEST(summary["scenes"].size() == 3U);
  BOOST_TEST(summary["steps"].size() == 2U);
  const auto& there = summary["steps"][0]["kinds"];
  const auto& back = summary["steps"][1]["kinds"];
  BOOST_TEST(there["appeared"]["count"] > 0);
  for (const auto& [kind, mirrored] :
       {std::pair{"appeared", "vanished"}, {"vanished", "appeared"}, {"grown", "shrunk"}})
    BOOST_TEST(there[kind]["count"] == back[mirrored]["count"]);
  BOOST_TEST(summary["tracks"]["count"] ==
             plat::read_features(world.folder.file("out.gpkg"), "tracks").features.size());
  const std::vector<std::string> evaluate = {"evaluate",        "--task", "change",   "out.gpkg",
                                             "changes.geojson", "--json", "--rounds", "20"};
  const auto unclear = run_plat(world.folder, evaluate);
  BOOST_TEST(unclear.code == 4);
  BOOST_TEST(has(unclear.err, "--step"));
  const auto scored = run_plat(world.folder, with(evaluate, {"--step", "1"}));
  BOOST_REQUIRE_MESSAGE(scored.code == 0, scored.err);
  const auto score = nlohmann::json::parse(scored.out);
  BOOST_TEST(score["objects"]["false_positives"] == 0);
  BOOST_TEST(score["objects"]["false_negatives"] == 0);
  BOOST_TEST(run_plat(world.folder, with(evaluate, {"--step", "3"})).code == 4);
  const auto plain = run_plat(world.folder, {"change", "before.tif", "after.tif", "again.tif", "--model", "threshold",
                                             "-j", "2", "-o", "text.geojson", "-q"});
  BOOST_REQUIRE_MESSAGE(plain.code == 0, plain.err);
  for (const char* word : {"through 3 scenes", "step 1, before.tif to after.tif", "step 2"})
    BOOST_TEST(has(plain.out, word), plain.out);
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_went_wrong) {
  const World world;
  std::ofstream(world.folder.file("there.gpkg")) << "x";
  std::ofstream(world.folder.file("empty.tif")) << "";
  std::ofstream(world.folder.file("text.geojson")) << "no json";
  const Files before = world.files();
  const auto code = [&](const std::vector<std::string>& arguments, const std::string& word) {
    const auto run = run_plat(world.folder, arguments);
    BOOST_TEST(has(run.err + run.out, word), "'" << word << "' is not in: " << run.err << run.out);
    BOOST_TEST(occurrences(run.err, "plat: error") <= 1, run.err);
    BOOST_TEST(!has(run.err, "unexpected"), run.err);
    return run.code;
  };
  const auto option = [&](const std::vector<std::string>& more, const std::string& word) {
    return code(with(change({"-o", "out.gpkg"}), more), word);
  };
  BOOST_TEST(code({"change"}, "required") == 2);
  BOOST_TEST(code({"change", "before.tif", "-o", "out.gpkg"}, "after") == 2);
  BOOST_TEST(code(change({}), "--output") == 2);
  BOOST_TEST(code(change({"-o", "out.docx"}), "docx") == 2);
  BOOST_TEST(code({"change", "before.tif", "before.tif", "-o", "out.gpkg", "--model", "threshold"}, "both") == 2);
  BOOST_TEST(option({"--grid", "coarsest"}, "--grid") == 2);
  BOOST_TEST(option({"--shift", "1"}, "--shift") == 2);
  BOOST_TEST(option({"--shift", "1,x"}, "--shift") == 2);
  BOOST_TEST(option({"--shift", "1,2", "--no-align"}, "--no-align") == 2);
  BOOST_TEST(option({"--shift", "nan,2"}, "--shift") == 2);
  BOOST_TEST(option({"--align-block", "32"}, "--align-block") == 2);
  BOOST_TEST(option({"--align-overlap", "256"}, "--align-overlap") == 2);
  BOOST_TEST(option({"--align-peak", "1"}, "--align-peak") == 2);
  BOOST_TEST(option({"--least-change", "-1"}, "--least-change") == 2);
  BOOST_TEST(option({"--tolerance", "-1"}, "--tolerance") == 2);
  BOOST_TEST(option({"--min-change", "1.5"}, "--min-change") == 2);
  BOOST_TEST(option({"--splits-need-ground", "perhaps"}, "splits-need-ground") == 2);
  BOOST_TEST(option({"--gsd", "0"}, "--gsd") == 2);
  BOOST_TEST(option({"--after-bands", "7"}, "7") == 2);
  BOOST_TEST(option({"--after-bands", "1"}, "--bands") == 2);
  BOOST_TEST(option({"--after-crs", "EPSG:0"}, "EPSG:0") == 4);
  BOOST_TEST(option({"--classes", "castle"}, "castle") == 2);
  BOOST_TEST(option({"--ram", "10"}, "--ram") == 2);
  BOOST_TEST(option({"--shifts", "shifts.docx"}, "docx") == 2);
  BOOST_TEST(option({"--shifts", "out.gpkg"}, "two outputs") == 2);
  BOOST_TEST(option({"--bbox", "0,0,1,1"}, "outside the scene") == 4);
  BOOST_TEST(option({"--before-objects", "before.geojson"}, "--after-objects") == 2);
  BOOST_TEST(code(change_layers({"-o", "out.gpkg", "--maps", "maps.tif"}), "--maps") == 2);
  BOOST_TEST(code(change_layers({"-o", "out.gpkg", "--before-layer", "none"}), "none") == 4);
  BOOST_TEST(option({"--before-objects", "text.geojson", "--after-objects", "after.geojson"}, "text.geojson") == 3);
  BOOST_TEST(option({"--before-objects", "none.geojson", "--after-objects", "after.geojson"}, "none.geojson") == 3);
  BOOST_TEST(code(change({"-o", "there.gpkg"}), "--overwrite") == 3);
  BOOST_TEST(code(change({"-o", "missing/out.gpkg"}), "missing") == 3);
  BOOST_TEST(code({"change", "none.tif", "after.tif", "-o", "o.gpkg", "--model", "threshold"}, "none.tif") == 3);
  BOOST_TEST(code({"change", "before.tif", "none.tif", "-o", "o.gpkg", "--model", "threshold"}, "none.tif") == 3);
  BOOST_TEST(code({"change", "before.tif", "empty.tif", "-o", "o.gpkg", "--model", "threshold"}, "empty.tif") == 3);
  BOOST_TEST(code({"change", "before.tif", "after.tif", "-o", "o.gpkg", "--model", "none"}, "none") == 5);
  BOOST_TEST((world.files() == before));
}

BOOST_AUTO_TEST_CASE(no_input_is_replaced) {
  const World world;
  const Files before = world.files();
  const auto refused = [&](const std::vector<std::string>& arguments) {
    const auto run = run_plat(world.folder, with(arguments, {"--overwrite"}));
    BOOST_TEST(run.code == 2, run.err);
    BOOST_TEST(has(run.err, "is what is read"), run.err);
    BOOST_TEST((world.files() == before));
  };
  refused(change_layers({"-o", "before.geojson"}));
  refused(change_layers({"-o", "after.geojson"}));
  refused(change_layers({"-o", "out.gpkg", "--shifts", "after.geojson"}));
  refused(change({"-o", "out.gpkg", "--maps", "before.tif"}));
  refused(change({"-o", "out.gpkg", "--maps", "./after.tif"}));
}

BOOST_AUTO_TEST_CASE(an_interrupt_leaves_no_output) {
  // Large, and with tiles that mostly overlap, so that the run lasts.
  const World world(3000);
  const Files before = world.files();
  for (const int milliseconds : {300, 2500}) {
    const auto run = run_plat(world.folder, change({"-o", "out.gpkg", "--tile-size", "256", "--overlap", "200"}), 120,
                              [&](pid_t child) {
                                std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
                                kill(child, SIGINT);
                              });
    BOOST_TEST(run.code == 130, "after " << milliseconds << " ms: " << run.code << " " << run.err);
    // On a busy machine the first signal may come before the program has begun to listen.
    BOOST_TEST((has(run.err, "interrupted") || run.err.empty()), run.err);
    BOOST_TEST((world.files() == before));
  }
}

BOOST_AUTO_TEST_CASE(every_odd_file_works_or_is_refused_in_one_sentence, PLAT_IF_PRESENT) {
  const auto data = plat::test::shared_data();
  if (!data) return;
  const World world;
  const std::set<int> endings = {0, 2, 3, 4, 6};
  for (const auto& entry : fs::recursive_directory_iterator(*data / "odd")) {
    const std::string extension = entry.path().extension(), name = entry.path().filename();
    if (extension != ".tif" && extension != ".tiff" && extension != ".vrt") continue;
    const std::string odd = entry.path();
    // Beside a scene elsewhere, and beside its own copy, which gets farther.
    std::vector<std::pair<std::string, std::string>> pairs = {{odd, "after.tif"}, {"before.tif", odd}};
    std::error_code ignored;
    fs::create_directory(world.folder.file("twin"), ignored);
    if (extension != ".vrt" && fs::file_size(entry.path()) < 50'000'000) {
      fs::copy_file(entry.path(), world.folder.file("twin/" + name), fs::copy_options::overwrite_existing, ignored);
      pairs.emplace_back(odd, "twin/" + name);
    }
    for (const auto& [first, second] : pairs) {
      const auto run = run_plat(world.folder, {"change", first, second, "-o", "odd.gpkg", "--overwrite", "--model",
                                               "threshold", "--ram", "2GB", "-j", "2"});
      BOOST_TEST_CONTEXT(first << " " << second) {
        BOOST_TEST(endings.contains(run.code), "ends with " << run.code << ": " << run.err);
        BOOST_TEST(occurrences(run.err, "plat: error") == (run.code == 0 ? 0 : 1), run.err);
        BOOST_TEST(occurrences(run.err, "\n") < 16, run.err);
        BOOST_TEST(!has(run.err, "unexpected"), run.err);
        BOOST_TEST(fs::exists(world.folder.path() / "odd.gpkg") == (run.code == 0 || run.code == 6));
        // GDAL's blocks of one pixel weigh more than their pixels.
        BOOST_TEST(run.peak_bytes < plat::test::with_sanitizer(2'400'000'000), "took " << run.peak_bytes << " bytes");
      }
      fs::remove(world.folder.path() / "odd.gpkg");
    }
    fs::remove_all(world.folder.file("twin"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
