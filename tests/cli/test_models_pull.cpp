// SPDX-License-Identifier: Apache-2.0
#include "model/files/sha256.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using plat::test::ProgramRun;
using plat::test::read_text;
using plat::test::run_plat;

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

/// A hub of our own that serves an imported model, and a cache of our own that it is loaded into.
class Hub {
 public:
  Hub() {
    if (std::system("command -v python3 >/dev/null 2>&1") != 0) {
      plat::test::skip("no python3 to run the server with");
      return;
    }
    const std::string fixture = std::string(PLAT_SOURCE_DIR) + "/tests/model/import/meta.pth";
    BOOST_TEST_REQUIRE(run_plat(folder, {"models", "import", fixture, "-o", "served"}).code == 0);
    const std::string script = std::string(PLAT_SOURCE_DIR) + "/tests/cli/hub_server.py";
    server_ = fork();
    if (server_ == 0) {
      const std::string served = folder.file("served"), port = folder.file("port");
      execlp("python3", "python3", script.c_str(), served.c_str(), port.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    for (int i = 0; i < 400 && !fs::exists(folder.file("port")); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    BOOST_TEST_REQUIRE(fs::exists(folder.file("port")));
    setenv("HF_ENDPOINT", ("http://127.0.0.1:" + read_text(folder.file("port"))).c_str(), 1);
    setenv("HF_HOME", folder.file("cache").c_str(), 1);
    setenv("XDG_CACHE_HOME", folder.file("user").c_str(), 1);
    for (const char* name : {"HF_TOKEN", "HF_HUB_CACHE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
      unsetenv(name);
    setenv("no_proxy", "127.0.0.1,localhost", 1);
  }
  ~Hub() {
    if (server_ <= 0) return;
    kill(server_, SIGKILL);
    waitpid(server_, nullptr, 0);
  }
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  bool there() const { return server_ > 0; }
  /// Where the server has a single file, as a publisher's own server has it.
  std::string address(const std::string& manner, const std::string& file) const {
    return "http://127.0.0.1:" + read_text(folder.file("port")) + "/store/" + manner + "/" + file;
  }
  fs::path cache(const std::string& organisation) const {
    return folder.path() / "cache" / "hub" / ("models--" + organisation + "--sam");
  }

  plat::test::TemporaryFolder folder;

 private:
  pid_t server_ = 0;
};

void check_same_weights(const Hub& hub, const std::string& model) {
  BOOST_TEST((read_text(hub.folder.file(model + "/model.safetensors")) ==
              read_text(hub.folder.file("served/model.safetensors"))));
}

bool has(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO("the text: " << text);
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(models_pull)

BOOST_AUTO_TEST_CASE(a_repository_comes_into_the_cache_of_the_hub_and_becomes_a_model, PLAT_IF_PRESENT) {
  const Hub hub;
  if (!hub.there()) return;
  const ProgramRun run = run_plat(hub.folder, {"models", "pull", "good/sam", "-o", "sam"});
  BOOST_TEST(run.code == 0, run.err);
  BOOST_TEST(run.out == "sam\n");
  check_same_weights(hub, "sam");
  const fs::path cache = hub.cache("good");
  BOOST_TEST(read_text(cache / "refs" / "main") == kCommit);
  const fs::path link = cache / "snapshots" / kCommit / "model.safetensors";
  BOOST_TEST(fs::is_symlink(link));
  BOOST_TEST(fs::read_symlink(link).parent_path() == "../../blobs");
  BOOST_TEST(fs::read_symlink(link).filename().string().size() == 64U);
  BOOST_TEST(fs::exists(cache / "snapshots" / kCommit / "preprocessor_config.json"));
  // Again: nothing is loaded, and the place in the cache is said.
  const auto before = fs::last_write_time(fs::canonical(link));
  const ProgramRun again = run_plat(hub.folder, {"models", "pull", "good/sam"});
  BOOST_TEST(again.code == 0, again.err);
  BOOST_TEST(again.out == link.parent_path().string() + "\n");
  BOOST_TEST((fs::last_write_time(fs::canonical(link)) == before));
  const ProgramRun refused = run_plat(hub.folder, {"models", "pull", "good/sam", "-o", "sam"});
  BOOST_TEST(refused.code == 3);
  BOOST_TEST(has(refused.err, "--overwrite"));
}

BOOST_AUTO_TEST_CASE(runs_at_once_share_one_download, PLAT_IF_PRESENT) {
  const Hub hub;
  if (!hub.there()) return;
  fs::copy(std::string(PLAT_SOURCE_DIR) + "/tests/model/import/meta.pth", hub.folder.file("served/meta.pth"));
  for (const std::string& name : {std::string("slow/sam"), hub.address("slow", "meta.pth")}) {
    constexpr std::size_t kRuns = 3;
    std::array<plat::test::TemporaryFolder, kRuns> folders;
    std::array<ProgramRun, kRuns> runs;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kRuns; ++i) {
      threads.emplace_back([&, i] { runs[i] = run_plat(folders[i], {"models", "pull", name, "-o", "sam"}); });
    }
    for (std::thread& thread : threads) thread.join();
    std::size_t waited = 0;
    for (std::size_t i = 0; i < kRuns; ++i) {
      BOOST_TEST(runs[i].code == 0, runs[i].err);
      if (runs[i].err.find("another run is loading it") != std::string::npos) ++waited;
      BOOST_TEST((read_text(folders[i].file("sam/model.safetensors")) ==
                  read_text(hub.folder.file("served/model.safetensors"))));
    }
    BOOST_TEST(waited > 0U);
  }
  const fs::path cache = hub.cache("slow");
  BOOST_TEST(read_text(cache / "refs" / "main") == kCommit);
  for (const fs::path& place : {cache, hub.folder.path() / "user"}) {
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
      const std::string name = entry.path().filename().string();
      BOOST_TEST((!name.ends_with(".incomplete") && !name.starts_with(".")), name);
      BOOST_TEST(fs::exists(entry.path()), name);  // a link leads somewhere
    }
  }
}

BOOST_AUTO_TEST_CASE(interrupted_downloads_go_on, PLAT_IF_PRESENT) {
  const Hub hub;
  if (!hub.there()) return;
  for (const std::string organisation : {"cuts", "whole"}) {
    const ProgramRun run = run_plat(hub.folder, {"models", "pull", organisation + "/sam", "-o", organisation});
    BOOST_TEST(run.code == 0, run.err);
    check_same_weights(hub, organisation);
  }
  // A server that always ends early: each run comes further, and the last one completes the file.
  int runs = 0;
  ProgramRun run = run_plat(hub.folder, {"models", "pull", "dies/sam", "-o", "dies"});
  BOOST_TEST(run.code == 3);
  BOOST_TEST(has(run.err, "cannot be loaded"));
  BOOST_TEST(!fs::exists(hub.folder.file("dies")));
  for (; run.code != 0 && runs < 10; ++runs) run = run_plat(hub.folder, {"models", "pull", "dies/sam", "-o", "dies"});
  BOOST_TEST(run.code == 0, run.err);
  check_same_weights(hub, "dies");
}

BOOST_AUTO_TEST_CASE(failures_are_named_and_leave_nothing_under_a_final_name, PLAT_IF_PRESENT) {
  const Hub hub;
  if (!hub.there()) return;
  const ProgramRun wrong = run_plat(hub.folder, {"models", "pull", "wrong/sam", "-o", "out"});
  BOOST_TEST(wrong.code == 5);
  BOOST_TEST(has(wrong.err, "SHA-256"));
  for (const auto& entry : fs::directory_iterator(hub.cache("wrong") / "blobs")) {
    BOOST_TEST(entry.path().filename().string().size() == 40U);  // the two texts
  }
  BOOST_TEST(!fs::exists(hub.folder.file("out")));

  const ProgramRun stranger = run_plat(hub.folder, {"models", "pull", "private/sam"});
  BOOST_TEST(stranger.code == 3);
  BOOST_TEST(has(stranger.err, "set HF_TOKEN"));
  setenv("HF_TOKEN", "abc", 1);
  const ProgramRun known = run_plat(hub.folder, {"models", "pull", "private/sam", "-o", "private"});
  unsetenv("HF_TOKEN");
  BOOST_TEST(known.code == 0, known.err);
  check_same_weights(hub, "private");

  fs::remove(hub.folder.file("served/model.safetensors"));
  const ProgramRun missing = run_plat(hub.folder, {"models", "pull", "other/sam"});
  BOOST_TEST(missing.code == 3);
  BOOST_TEST(has(missing.err, "pytorch_model.bin: the server answered 404"));
  BOOST_TEST(run_plat(hub.folder, {"models", "pull", "no-such-name"}).code == 2);
  BOOST_TEST(run_plat(hub.folder, {"models", "pull", "../etc"}).code == 2);
  setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1);
  const ProgramRun nobody = run_plat(hub.folder, {"models", "pull", "good/sam"});
  BOOST_TEST(nobody.code == 3);
  BOOST_TEST(has(nobody.err, "check the network"));
}

BOOST_AUTO_TEST_CASE(single_files_come_whole_from_servers_that_cut, PLAT_IF_PRESENT) {
  const Hub hub;
  if (!hub.there()) return;
  fs::copy(std::string(PLAT_SOURCE_DIR) + "/tests/model/import/meta.pth", hub.folder.file("served/meta.pth"));
  const std::string sum = plat::sha256_of_file(hub.folder.file("served/meta.pth"));
  for (const std::string manner : {"good", "cuts", "whole"}) {
    const ProgramRun run = run_plat(
        hub.folder, {"models", "pull", hub.address(manner, "meta.pth"), "--sha256", sum, "-o", manner, "--json"});
    BOOST_TEST(run.code == 0, run.err);
    check_same_weights(hub, manner);
  }
  // A server that always ends early: each run comes further.
  const std::string dying = hub.address("dies", "meta.pth");
  int runs = 0;
  ProgramRun run;
  do run = run_plat(hub.folder, {"models", "pull", dying, "--sha256", sum});
  while (run.code == 3 && ++runs < 10);
  BOOST_TEST(run.code == 0, run.err);
  BOOST_TEST(runs > 0);
  const std::string place = run.out.substr(0, run.out.find('\n'));
  BOOST_TEST((read_text(place) == read_text(hub.folder.file("served/meta.pth"))));
  // Again: nothing is loaded, but what lies there is checked.
  fs::remove(hub.folder.file("served/meta.pth"));
  BOOST_TEST(run_plat(hub.folder, {"models", "pull", dying, "--sha256", sum}).code == 0);
  const ProgramRun other = run_plat(hub.folder, {"models", "pull", dying, "--sha256", std::string(64, '0')});
  BOOST_TEST(other.code == 5);
  BOOST_TEST(has(other.err, "remove it to load it again"));
}

BOOST_AUTO_TEST_CASE(single_files_that_are_not_what_was_asked_for_leave_nothing, PLAT_IF_PRESENT) {
  const Hub hub;
  if (!hub.there()) return;
  fs::copy(std::string(PLAT_SOURCE_DIR) + "/tests/model/import/meta.pth", hub.folder.file("served/meta.pth"));
  const std::string sum = plat::sha256_of_file(hub.folder.file("served/meta.pth"));
  const ProgramRun wrong =
      run_plat(hub.folder, {"models", "pull", hub.address("wrong", "meta.pth"), "--sha256", sum, "-o", "out"});
  BOOST_TEST(wrong.code == 5);
  BOOST_TEST(has(wrong.err, "its SHA-256 is not " + sum));
  BOOST_TEST(!fs::exists(hub.folder.file("out")));
  for (const auto& entry : fs::recursive_directory_iterator(hub.folder.file("user"))) {
    BOOST_TEST(entry.is_directory(), entry.path());
  }
  // Without a checksum the import sees that it is no model.
  BOOST_TEST(run_plat(hub.folder, {"models", "pull", hub.address("wrong", "meta.pth"), "-o", "out"}).code == 5);
  BOOST_TEST(!fs::exists(hub.folder.file("out")));
  const ProgramRun missing = run_plat(hub.folder, {"models", "pull", hub.address("good", "none.pth")});
  BOOST_TEST(missing.code == 3);
  BOOST_TEST(run_plat(hub.folder, {"models", "pull", hub.address("good", "")}).code == 2);
  BOOST_TEST(run_plat(hub.folder, {"models", "pull", "good/sam", "--sha256", sum}).code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
