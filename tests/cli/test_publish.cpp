// SPDX-License-Identifier: Apache-2.0
#include "model/files/model_folder.hpp"
#include "model/files/sha256.hpp"
#include "tests/cli/run_program.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using plat::test::ProgramRun;
using plat::test::read_text;
using plat::test::run_plat;

constexpr const char* kToken = "hf_neverShownAnywhere";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Whether a folder holds anything under a name that is not its last.
bool has_staged(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (has(entry.path().filename().string(), ".plat-")) return true;
  }
  return false;
}

void write_program(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms::owner_all);
}

/// An environment variable that has its value back at the end.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() {
    if (before_.empty()) {
      unsetenv(name_.c_str());
    } else {
      setenv(name_.c_str(), before_.c_str(), 1);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_, before_;
};

/// A run of LoRA on a model of attention, trained for two steps on a drawn scene; made once.
class World {
 public:
  World() {
    BOOST_REQUIRE(run_plat(folder, {"demo", "--size", "384"}).code == 0);
    BOOST_REQUIRE(run_plat(folder, {"train", "--scenes", "demo.tif", "--labels", "demo_buildings.geojson", "--batch",
                                    "2", "--crop", "64", "--prompts", "1", "--steps", "1", "--name", "buildings",
                                    "--attribution", "A drawn town, CC0", "-o", "start"})
                      .code == 0);
    const auto run = run_plat(folder, {"train",
                                       "--scenes",
                                       "demo.tif",
                                       "--labels",
                                       "demo_buildings.geojson",
                                       "--batch",
                                       "2",
                                       "--crop",
                                       "64",
                                       "--prompts",
                                       "1",
                                       "--steps",
                                       "2",
                                       "--log-every",
                                       "1",
                                       "--init",
                                       "start/model",
                                       "--method",
                                       "lora",
                                       "--attribution",
                                       "A drawn scene, CC0",
                                       "-o",
                                       "run"});
    BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  }
  static World& get() {
    static World world;
    return world;
  }
  ProgramRun publish(const std::vector<std::string>& more, const std::string& source = "run") const {
    std::vector<std::string> arguments = {"publish", source, "--repo", "someone/roofs"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_plat(folder, arguments);
  }
  bool is_there(const std::string& name) const { return fs::exists(folder.path() / name); }
  plat::test::TemporaryFolder folder;
};

/// No file below a folder holds the token.
void require_no_token(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) BOOST_TEST(!has(read_text(entry.path().string()), kToken), entry.path());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(publish)

BOOST_AUTO_TEST_CASE(a_run_becomes_a_complete_checked_folder) {
  World& world = World::get();
  const auto run = world.publish({"--json"});
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto summary = nlohmann::json::parse(run.out);
  BOOST_TEST(summary["folder"] == "run/hub");
  BOOST_TEST(summary["uploaded"] == false);
  BOOST_TEST(summary["identical"]["class_maps"] == 6);
  BOOST_TEST(summary["identical"]["prompt_masks"].get<int>() >= 4);
  BOOST_TEST(has(summary["command"].get<std::string>(), "hf upload someone/roofs run/hub ."));
  for (const char* file :
       {"model.safetensors", "config.json", "preprocessor_config.json", "README.md", "training.json", "metrics.jsonl",
        "SHA256SUMS", "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/config.json"}) {
    BOOST_TEST(world.is_there("run/hub/" + std::string(file)), file);
  }
  for (const auto& file : summary["files"]) {
    const std::string path = world.folder.file("run/hub/" + file["name"].get<std::string>());
    BOOST_TEST(plat::sha256_of_file(path) == file["sha256"].get<std::string>());
  }
  const std::string card = read_text(world.folder.file("run/hub/README.md"));
  for (const char* part :
       {"---\nlicense: apache-2.0\nlibrary_name: plat\npipeline_tag: image-segmentation\ntags:\n- plat\n",
        "\nmodel-index:\n- name: model\n", "name: \"validation area of demo.tif\"", "- type: iou\n",
        "A drawn scene, CC0", "plat models pull someone/roofs"}) {
    BOOST_TEST(has(card, part), part);
  }
  BOOST_TEST(!has_staged(world.folder.file("run")));
  // Nothing of this machine's folders is told.
  for (const char* file :
       {"README.md", "config.json", "training.json", "adapter/config.json", "adapter/adapter_config.json"}) {
    const std::string text = read_text(world.folder.file("run/hub/" + std::string(file)));
    BOOST_TEST(!has(text, world.folder.path().string()), file);
    BOOST_TEST(!has(text, PLAT_SOURCE_DIR), file);
    BOOST_TEST(!has(text, ".."), file);
  }

  BOOST_TEST(world.publish({}).code == 3);  // it exists
  const auto again = world.publish({"--overwrite"}, "run/hub");
  BOOST_TEST(again.code == 5, again.err);  // its adapter's base does not lie beside it
  const auto anew = world.publish({"--overwrite"});
  BOOST_TEST(anew.code == 0, anew.err);
  const auto verified = run_plat(world.folder, {"models", "verify", "run/hub"});
  BOOST_TEST(verified.code == 0, verified.err);
}

BOOST_AUTO_TEST_CASE(an_adapter_is_published_with_the_name_of_its_base) {
  World& world = World::get();
  const auto refused = world.publish({"-o", "adapter-hub"}, "run/adapter");
  BOOST_TEST(refused.code == 2);
  BOOST_TEST(has(refused.err, "--base-model"), refused.err);
  const auto run = world.publish({"-o", "adapter-hub", "--base-model", "someone/buildings"}, "run/adapter");
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  const auto config = nlohmann::json::parse(read_text(world.folder.file("adapter-hub/adapter_config.json")));
  BOOST_TEST(config["base_model_name_or_path"] == "someone/buildings");
  const std::string card = read_text(world.folder.file("adapter-hub/README.md"));
  BOOST_TEST(has(card, "library_name: peft\n"));
  BOOST_TEST(has(card, "base_model: someone/buildings\nbase_model_relation: adapter\n"));
  BOOST_TEST(!world.is_there("adapter-hub/model.safetensors"));
  const auto verified = run_plat(world.folder, {"models", "verify", "run/adapter"});
  BOOST_TEST(verified.code == 0, verified.err);
  BOOST_TEST(has(verified.out, "adapter_model.safetensors"), verified.out);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_published_is_refused_and_leaves_nothing) {
  World& world = World::get();
  const auto refused = [&](const std::string& source, const std::vector<std::string>& more, int code,
                           const std::string& word) {
    std::vector<std::string> arguments = {"publish", source, "-o", "refused"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto run = run_plat(world.folder, arguments);
    BOOST_TEST(run.code == code, source << ": " << run.err);
    BOOST_TEST(has(run.err, word), "'" << word << "' is not in: " << run.err);
    BOOST_TEST(!world.is_there("refused"));
    BOOST_TEST(!has_staged(world.folder.path()));
  };
  const std::vector<std::string> repo = {"--repo", "someone/roofs"};
  for (const char* name : {"roofs", "a/b/c", "a--b/c", "a/.git", "a/b.git", "", "a/b c"}) {
    refused("run", {"--repo", name}, 2, "--repo");
  }
  refused("nowhere", repo, 5, "nowhere");
  refused("threshold", repo, 2, "rule");

  const fs::path root = world.folder.path();
  fs::copy(root / "run/model", root / "bare", fs::copy_options::recursive);
  plat::ModelFolder model = plat::read_model_folder((root / "bare").string());
  const auto texts = model.description;
  model.description.licence.clear();
  plat::write_model_folder(model, (root / "bare").string());
  refused("bare", repo, 5, "--licence");
  model.description = texts;
  model.description.training_data.clear();
  plat::write_model_folder(model, (root / "bare").string());
  refused("bare", repo, 5, "--attribution");
  model.description = texts;
  plat::write_model_folder(model, (root / "bare").string());
  fs::resize_file(root / "bare/model.safetensors", fs::file_size(root / "bare/model.safetensors") - 100);
  refused("bare", repo, 5, "model.safetensors");

  fs::create_directory(root / "mine");
  BOOST_TEST(world.publish({"-o", "mine", "--overwrite"}).code == 3);  // was not written by publish
  const Variable token("HF_TOKEN", "A drawn scene");
  refused("run", repo, 5, "HF_TOKEN");
}

BOOST_AUTO_TEST_CASE(the_hubs_client_uploads_and_no_token_is_told) {
  World& world = World::get();
  const fs::path bin = world.folder.path() / "bin";
  fs::create_directory(bin);
  write_program((bin / "hf").string(),
                "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$RECORD\"\ntest -n \"$HF_TOKEN\" && echo has-token >>\"$RECORD\"\n"
                "echo \"token $HF_TOKEN\"\nexit ${HF_CODE:-0}\n");
  const Variable path("PATH", bin.string() + ":" + std::getenv("PATH"));
  const Variable record("RECORD", world.folder.file("argv"));
  const Variable token("HF_TOKEN", kToken);
  const auto run =
      world.publish({"-o", "up", "--upload", "--private", "--revision", "next", "--message", "First one", "--json"});
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(nlohmann::json::parse(run.out)["client"] == "hf");
  BOOST_TEST(read_text(world.folder.file("argv")) ==
             "upload\nsomeone/roofs\nup\n.\n--commit-message\nFirst one\n--revision\nnext\n--private\nhas-token\n");
  BOOST_TEST(!has(run.out + run.err, kToken));
  BOOST_TEST(has(run.err, "token ***"), run.err);
  require_no_token(world.folder.path());

  const Variable code("HF_CODE", "7");
  const auto failed = world.publish({"-o", "up", "--upload", "--overwrite"});
  BOOST_TEST(failed.code == 3);
  BOOST_TEST(has(failed.err, "ended with code 7"), failed.err);
  BOOST_TEST(!has(failed.out + failed.err, kToken));
}

BOOST_AUTO_TEST_CASE(git_uploads_where_the_endpoint_is_a_folder, PLAT_IF_PRESENT) {
  if (std::system("command -v git >/dev/null 2>&1") != 0) {
    plat::test::skip("no git");
    return;
  }
  World& world = World::get();
  const fs::path remote = world.folder.path() / "remote/someone/roofs";
  fs::create_directories(remote);
  BOOST_REQUIRE(std::system(("git init --quiet --bare --initial-branch main '" + remote.string() + "'").c_str()) == 0);
  const Variable endpoint("HF_ENDPOINT", "file://" + world.folder.file("remote"));
  const Variable token("HF_TOKEN", kToken);
  const auto run = world.publish({"-o", "pushed", "--upload", "--json"});
  BOOST_REQUIRE_MESSAGE(run.code == 0, run.err);
  BOOST_TEST(nlohmann::json::parse(run.out)["client"] == "git");
  BOOST_TEST(!has(run.out + run.err, kToken));
  const std::string list = world.folder.file("list");
  BOOST_REQUIRE(std::system(("git -C '" + remote.string() + "' ls-tree -r --name-only main >'" + list + "'").c_str()) ==
                0);
  for (const char* file : {"README.md", "config.json", "model.safetensors", "adapter/adapter_model.safetensors"}) {
    BOOST_TEST(has(read_text(list), file), file);
  }
  require_no_token(world.folder.path());
  // The same once more changes nothing and is no error.
  const auto again = world.publish({"-o", "pushed", "--upload", "--overwrite"});
  BOOST_TEST(again.code == 0, again.err);

  const Variable elsewhere("HF_ENDPOINT", "file://" + world.folder.file("nowhere"));
  const auto failed = world.publish({"-o", "pushed", "--upload", "--overwrite"});
  BOOST_TEST(failed.code == 3);
  BOOST_TEST(has(failed.err, "cannot be cloned"), failed.err);
}

BOOST_AUTO_TEST_SUITE_END()
