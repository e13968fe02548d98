// SPDX-License-Identifier: Apache-2.0
// The failure matrix: each verb that writes, with each thing that can go wrong under it. Whatever happens, what was there before
// is there afterwards or has been replaced by something whole, and the exit code says which.
#include "core/text.hpp"
#include "run_program.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

namespace {

namespace fs = std::filesystem;
using plat::test::ProgramRun;
using plat::test::run_plat;
using Files = std::map<std::string, std::string>;

constexpr uid_t kNobody = 65534;

struct Verb {
  std::string name;
  std::vector<std::string> arguments;    ///< with "demo.tif" for the scene
  std::string output;                    ///< file or folder
  std::vector<std::string> extras = {};  ///< options that ask for further outputs, and their names
  bool prints = true;
};

/// A folder with a scene, its truth, a damaged copy and an earlier output of each verb.
class World {
 public:
  World() {
    require({"demo", "--size", "1024"});
    fs::rename(folder.file("demo.tif"), folder.file("damaged.tif"));
    damage("damaged.tif");
    require({"demo", "--size", "512", "--overwrite"});
    require({"demo", "--pair", "--size", "1024", "-o", "pair"});
    fs::copy_file(folder.file("pair/after.tif"), folder.file("pair/damaged.tif"));
    damage("pair/damaged.tif");
    fs::copy(PLAT_SOURCE_DIR "/data/models/buildings", folder.file("sound"));
    fs::copy_file(PLAT_SOURCE_DIR "/tests/model/import/meta.pth", folder.file("meta.pth"));
    require({"extract", "demo.tif", "-o", "predicted.gpkg", "--model", "threshold"});
  }
  static World& get() {
    static World world;
    return world;
  }

  std::vector<Verb> verbs() const {
    std::vector<Verb> all = {
        {"extract",
         {"extract", "demo.tif", "-o", "out.geojson", "--model", "threshold"},
         "out.geojson",
         {"--maps", "maps.tif", "--preview", "view.png"}},
        {"change",
         {"change", "pair/before.tif", "pair/after.tif", "-o", "changes.geojson", "--model", "threshold"},
         "changes.geojson",
         {"--maps", "maps.tif", "--preview", "view.png"}},
        {"evaluate",
         {"evaluate", "predicted.gpkg", "demo_buildings.geojson", "-o", "out.gpkg", "--rounds", "50"},
         "out.gpkg"},
        {"demo", {"demo", "-o", "drawn", "--size", "256"}, "drawn/demo.tif"}};
#ifdef PLAT_TEST_TORCH
    all.push_back(
        {"segment",
         {"segment", "demo.tif", "-o", "out.gpkg", "--points", "500020,109990", "--model", "sound", "--no-cache"},
         "out.gpkg",
         {"--preview", "view.png"}});
    all.push_back({"everything",
                   {"segment", "demo.tif", "-o", "out.gpkg", "--everything", "--model", "sound", "--points-per-side",
                    "4", "--iou-threshold", "0", "--stability-threshold", "0"},
                   "out.gpkg",
                   {"--preview", "view.png"}});
    all.push_back({"train",
                   {"train", "demo.tif", "demo_buildings.geojson", "--batch", "2", "--crop", "64", "--prompts", "1",
                    "--steps", "4", "--save-every", "1", "-o", "run"},
                   "run"});
    all.push_back({"publish",
                   {"publish", "sound", "--repo", "someone/roofs", "-o", "hub", "--attribution", "A drawn scene, CC0",
                    "--licence", "apache-2.0"},
                   "hub"});
#endif
    all.push_back({"import", {"models", "import", "meta.pth", "-o", "imported"}, "imported"});
    return all;
  }

  /// All files below the folder but the log of the last run.
  Files files() const {
    Files all;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
      const std::string name = fs::relative(entry.path(), folder.path()).string();
      if (entry.is_regular_file() && name != ".stdout" && name != ".stderr")
        all[name] = plat::test::read_text(entry.path());
    }
    return all;
  }

  /// Overwrites a stretch behind the middle of a file, where blocks of a raster's lower half lie.
  void damage(const std::string& name) const {
    std::fstream file(folder.file(name), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(fs::file_size(folder.file(name)) * 6 / 10));
    file << std::string(2000, '\x55');
  }

  void require(const std::vector<std::string>& arguments) const {
    const ProgramRun run = run_plat(folder, arguments);
    BOOST_REQUIRE_MESSAGE(run.code == 0 || run.code == 6, run.err);
  }

  /// Makes the earlier output that a verb then replaces.
  void make_earlier(const Verb& verb) const {
    if (!fs::exists(folder.path() / verb.output)) require(verb.arguments);
  }

  plat::test::TemporaryFolder folder;
};

bool is_staged(const std::string& name) { return name.find(".plat-") != std::string::npos; }

bool belongs_to(const std::string& file, const Verb& verb) {
  const std::string top = verb.output.substr(0, verb.output.find('/'));
  const bool extra = std::ranges::find(verb.extras, file) != verb.extras.end();
  return extra || file == top || file.starts_with(top + "/");
}

/// Nothing but the verb's own outputs has changed; those only where `replaced`.
void check_kept(const Files& before, const Files& after, const Verb& verb, bool replaced) {
  for (const auto& [name, content] : before) {
    if (is_staged(name)) continue;
    const auto now = after.find(name);
    if (replaced && belongs_to(name, verb)) continue;
    BOOST_TEST((now != after.end()), name << " is gone");
    if (now != after.end()) BOOST_TEST((now->second == content), name << " has changed");
  }
}

/// No half-written file is left, under whatever name.
void check_clean(const Files& before, const Files& after, const Verb& verb) {
  for (const auto& [name, content] : after) {
    BOOST_TEST(!is_staged(name), name << " is left");
    BOOST_TEST((before.contains(name) || belongs_to(name, verb)), name << " is new");
  }
}

std::vector<std::string> overwriting(const Verb& verb, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = verb.arguments;
  arguments.push_back("--overwrite");
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string said(const ProgramRun& run) { return "code " + std::to_string(run.code) + ": " + run.err; }

/// Files may grow no further than this: what a full disk does, but for the message.
std::function<void()> full_disk(rlim_t bytes) {
  return [bytes] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(failures)

BOOST_AUTO_TEST_CASE(a_full_disk_under_the_output_leaves_the_earlier_one) {
  const World& world = World::get();
  for (const Verb& verb : world.verbs()) {
    BOOST_TEST_CONTEXT(verb.name) {
      world.make_earlier(verb);
      const Files before = world.files();
      const ProgramRun run = run_plat(world.folder, overwriting(verb), 120, {}, full_disk(2000));
      BOOST_TEST(run.code == 3, said(run));
      check_kept(before, world.files(), verb, false);
      check_clean(before, world.files(), verb);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_under_a_further_output_costs_only_that_one) {
  const World& world = World::get();
  for (const Verb& verb : world.verbs()) {
    for (std::size_t i = 0; i + 1 < verb.extras.size(); i += 2) {
      BOOST_TEST_CONTEXT(verb.name << " " << verb.extras[i]) {
        const std::vector<std::string> more = {verb.extras[i], verb.extras[i + 1]};
        world.require(overwriting(verb, more));
        const auto main_bytes = fs::file_size(world.folder.file(verb.output));
        const auto extra_bytes = fs::file_size(world.folder.file(verb.extras[i + 1]));
        // Between the two; SQLite writes a little more than its file holds in the end.
        BOOST_TEST_REQUIRE(extra_bytes > main_bytes + 4096);
        const Files before = world.files();
        const ProgramRun run =
            run_plat(world.folder, overwriting(verb, more), 120, {}, full_disk((main_bytes + extra_bytes) / 2));
        BOOST_TEST(run.code == 6, said(run));
        BOOST_TEST(run.err.find(verb.extras[i + 1] + " was not written") != std::string::npos, said(run));
        const Files after = world.files();
        BOOST_TEST((after.at(verb.output) == before.at(verb.output)));
        BOOST_TEST((after.at(verb.extras[i + 1]) == before.at(verb.extras[i + 1])));
        check_clean(before, after, verb);
        fs::remove(world.folder.file(verb.extras[i + 1]));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_input_is_named) {
  const World& world = World::get();
  const std::map<std::string, int> codes = {
      {"extract", 6}, {"change", 6}, {"everything", 6}, {"segment", 0}, {"train", 3}};
  for (Verb verb : world.verbs()) {
    BOOST_TEST_CONTEXT(verb.name) {
      world.make_earlier(verb);
      const Files before = world.files();
      if (codes.contains(verb.name)) {
        std::ranges::replace(verb.arguments, std::string("demo.tif"), std::string("damaged.tif"));
        std::ranges::replace(verb.arguments, std::string("pair/after.tif"), std::string("pair/damaged.tif"));
        std::vector<std::string> more = verb.extras;
        const ProgramRun run = run_plat(world.folder, overwriting(verb, more));
        const int code = codes.at(verb.name);
        BOOST_TEST(run.code == code, said(run));
        if (code == 6) BOOST_TEST(run.err.find("failed and count as nodata") != std::string::npos, said(run));
        const Files after = world.files();
        check_kept(before, after, verb, code != 3);
        check_clean(before, after, verb);
        // The picture of a damaged scene is drawn around the damage.
        for (std::size_t i = 1; i < verb.extras.size(); i += 2) BOOST_TEST(after.contains(verb.extras[i]));
      } else if (verb.name == "publish" || verb.name == "import") {
        const std::string file = verb.name == "import" ? "meta.pth" : "sound/model.safetensors";
        fs::copy_file(world.folder.file(file), world.folder.file("kept"));
        fs::resize_file(world.folder.file(file), fs::file_size(world.folder.file(file)) / 2);
        const ProgramRun run = run_plat(world.folder, overwriting(verb));
        BOOST_TEST(run.code == 5, said(run));
        fs::rename(world.folder.file("kept"), world.folder.file(file));
        check_kept(before, world.files(), verb, false);
        check_clean(before, world.files(), verb);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_told_before_the_work, PLAT_IF_PRESENT) {
  const World& world = World::get();
  // Root may write everywhere: then somebody else tries.
  const auto as_nobody = [] {
    if (geteuid() != 0) return;
    if (setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(126);
  };
  for (const Verb& verb : world.verbs()) world.make_earlier(verb);
  fs::permissions(world.folder.path(), fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                           fs::perms::others_read | fs::perms::others_exec);
  if (run_plat(world.folder, {"--version"}, 60, {}, as_nobody).code != 0)
    return plat::test::skip("nobody but root may run the program here");
  fs::permissions(world.folder.path(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::group_read |
                                           fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec);
  for (const Verb& verb : world.verbs()) {
    BOOST_TEST_CONTEXT(verb.name) {
      const Files before = world.files();
      const ProgramRun run = run_plat(world.folder, overwriting(verb), 120, {}, as_nobody);
      BOOST_TEST(run.code == 3, said(run));
      check_kept(before, world.files(), verb, false);
      check_clean(before, world.files(), verb);
    }
  }
  fs::permissions(world.folder.path(), fs::perms::owner_all);
}

BOOST_AUTO_TEST_CASE(a_summary_that_cannot_be_printed_is_an_error_though_the_output_is_whole) {
  const World& world = World::get();
  for (const Verb& verb : world.verbs()) {
    BOOST_TEST_CONTEXT(verb.name) {
      world.make_earlier(verb);
      const Files before = world.files();
      const auto closed = [] { close(STDOUT_FILENO); };
      const auto full = [] { dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO); };
      for (const auto& prepare : std::vector<std::function<void()>>{closed, full}) {
        const ProgramRun run = run_plat(world.folder, overwriting(verb), 120, {}, prepare);
        BOOST_TEST(run.code == 3, said(run));
        BOOST_TEST(run.err.find("stdout") != std::string::npos, said(run));
        check_kept(before, world.files(), verb, true);
        check_clean(before, world.files(), verb);
        BOOST_TEST(fs::exists(world.folder.path() / verb.output));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stop_loses_nothing_that_was_there) {
  const World& world = World::get();
  for (const Verb& verb : world.verbs()) {
    // The same bytes as the run that is stopped would write: a stop just after its output got its name changes nothing.
    world.require(overwriting(verb));
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGKILL}) {
      for (const int milliseconds : {15, 80, 400}) {
        BOOST_TEST_CONTEXT(verb.name << " signal " << number << " after " << milliseconds) {
          world.make_earlier(verb);
          const Files before = world.files();
          const auto start = std::chrono::steady_clock::now();
          const ProgramRun run = run_plat(world.folder, overwriting(verb), 120, [&](pid_t process) {
            std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
            kill(process, number);
          });
          const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
          const bool done = run.code == 0 || run.code == 6;
          // A signal before the program listens ends it as the system does.
          const int expected = number == SIGKILL ? 128 + SIGKILL : 130;
          BOOST_TEST((done || run.code == expected || run.code == 128 + number), said(run));
          if (number != SIGKILL) BOOST_TEST(seconds.count() < 10);
          const Files after = world.files();
          // A run of training that has done a step has replaced the earlier one, and can be resumed.
          check_kept(before, after, verb, done || verb.name == "train");
          if (number != SIGKILL) check_clean(before, after, verb);
        }
      }
    }
    BOOST_TEST_CONTEXT(verb.name << " again") {
      // What kill -9 left behind is gone after the next run.
      world.require(overwriting(verb));
      for (const auto& [name, content] : world.files()) BOOST_TEST(!is_staged(name), name << " is left");
    }
  }
}

BOOST_AUTO_TEST_CASE(several_runs_to_one_output_leave_a_whole_one) {
  const World& world = World::get();
  const Verb verb = world.verbs().front();
  world.make_earlier(verb);
  const Files before = world.files();
  std::vector<pid_t> others;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const plat::test::TemporaryFolder own;
      std::vector<std::string> arguments = overwriting(verb);
      for (std::string& argument : arguments) {
        if (argument == "demo.tif" || argument == "out.geojson") argument = world.folder.file(argument);
      }
      _exit(run_plat(own, arguments).code);
    }
    others.push_back(child);
  }
  for (const pid_t child : others) {
    int status = 0;
    waitpid(child, &status, 0);
    BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  const Files after = world.files();
  BOOST_TEST((after.at(verb.output) == before.at(verb.output)));
  check_clean(before, after, verb);
}

BOOST_AUTO_TEST_SUITE_END()
