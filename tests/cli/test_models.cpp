// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/run_program.hpp"
#include "tests/model/import/torch_writer.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace {

using plat::test::ProgramRun;
using plat::test::run_plat;

std::string fixture(const std::string& name) { return std::string(PLAT_SOURCE_DIR) + "/tests/model/import/" + name; }

/// One line that names the file, and the exit code.
void check_refusal(const ProgramRun& run, int code, const std::string& words) {
  BOOST_TEST(run.code == code, "ended with " << run.code << ": " << run.err);
  BOOST_TEST(run.out.empty());
  BOOST_TEST(run.err.find(words) != std::string::npos, run.err);
  BOOST_TEST(run.err.find('\n') + 1 == run.err.size(), run.err);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(models)

BOOST_AUTO_TEST_CASE(a_checkpoint_becomes_a_model_folder) {
  const plat::test::TemporaryFolder folder;
  const ProgramRun run = run_plat(folder, {"models", "import", fixture("meta.pth"), "-o", "sam"});
  BOOST_TEST(run.code == 0, run.err);
  BOOST_TEST(run.err.empty(), run.err);
  BOOST_TEST(run.out == "sam: sam-vit, ViT of 2 layers, width 8, 11498 parameters in 126 tensors, 0.1 MB\n", run.out);
  BOOST_TEST(std::filesystem::exists(folder.file("sam/model.safetensors")));
  // It was trained at no resolution.
  const auto plain = nlohmann::json::parse(plat::test::read_text(folder.file("sam/config.json")));
  BOOST_TEST(!plain["plat"].contains("gsd_m"));
  BOOST_TEST(run_plat(folder, {"models", "show", "sam"}).out.find("at their own resolution") != std::string::npos);

  check_refusal(run_plat(folder, {"models", "import", fixture("mobile.pt"), "-o", "sam"}), 3, "--overwrite");
  const ProgramRun again =
      run_plat(folder, {"models", "import", fixture("mobile.pt"), "-o", "sam", "--overwrite", "--half", "--name",
                        "mobile", "--licence", "apache-2.0", "--gsd", "0.25", "--json"});
  BOOST_TEST(again.code == 0, again.err);
  const auto json = nlohmann::json::parse(again.out);
  BOOST_TEST(json["architecture"] == "sam-tinyvit");
  BOOST_TEST(json["name"] == "mobile");
  const auto config = nlohmann::json::parse(plat::test::read_text(folder.file("sam/config.json")));
  BOOST_TEST(config["plat"]["gsd_m"] == 0.25);
  BOOST_TEST(config["plat"]["licence"] == "apache-2.0");
  BOOST_TEST(config["model_type"] == "sam_tinyvit");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_imported_ends_with_one_sentence) {
  const plat::test::TemporaryFolder folder;
  check_refusal(run_plat(folder, {"models", "import", "nothing.pth", "-o", "out"}), 3, "nothing.pth: no such file");
  const std::string attack =
      plat::test::global_op("os", "system") + plat::test::tuple_op(plat::test::text_op("touch ran")) + "R";
  plat::test::write_bytes(folder.file("evil.pth"), plat::test::torch_file_of(plat::test::pickle_of(attack)));
  check_refusal(run_plat(folder, {"models", "import", "evil.pth", "-o", "out"}), 5, "evil.pth: asks for os.system");
  BOOST_TEST(!std::filesystem::exists(folder.file("ran")));
  plat::test::write_bytes(folder.file("page.pth"), "<html>Not found</html>");
  check_refusal(run_plat(folder, {"models", "import", "page.pth", "-o", "out"}), 5,
                "check that it was downloaded whole");
  const std::string whole = plat::test::read_text(fixture("meta.pth"));
  plat::test::write_bytes(folder.file("half.pth"), whole.substr(0, whole.size() / 2));
  check_refusal(run_plat(folder, {"models", "import", "half.pth", "-o", "out"}), 5, "a download that was cut off");
  BOOST_TEST(run_plat(folder, {"models"}).code == 2);
  BOOST_TEST(run_plat(folder, {"models", "import", "x.pth"}).code == 2);
  check_refusal(run_plat(folder, {"models", "import", fixture("meta.pth"), "-o", "out", "--gsd", "0"}), 2, "gsd");
  BOOST_TEST(!std::filesystem::exists(folder.file("out")));
}

BOOST_AUTO_TEST_CASE(models_are_listed_shown_and_verified) {
  const plat::test::TemporaryFolder folder;
  const ProgramRun list = run_plat(folder, {"models", "list"});
  BOOST_TEST(list.code == 0, list.err);
  BOOST_TEST(list.out.find("buildings") != std::string::npos);
  BOOST_TEST(list.out.find("https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth") !=
             std::string::npos);
  const auto all = nlohmann::json::parse(run_plat(folder, {"models", "list", "--json"}).out);
  BOOST_TEST(all["public"].size() >= 7U);
  BOOST_TEST(all["local"][0]["name"] == "buildings");

  const ProgramRun show = run_plat(folder, {"models", "show", "buildings"});
  BOOST_TEST(show.code == 0, show.err);
  BOOST_TEST(show.out.find("classes       building\n") != std::string::npos, show.out);
  BOOST_TEST(run_plat(folder, {"models", "import", fixture("meta.pth"), "-o", "sam"}).code == 0);
  const auto shown = nlohmann::json::parse(run_plat(folder, {"models", "show", "./sam", "--json"}).out);
  BOOST_TEST(shown["classes"].empty());
  BOOST_TEST(shown["image_size"] == 48);
  check_refusal(run_plat(folder, {"models", "show", "no-such-model"}), 5, "no model 'no-such-model'");

  const ProgramRun good = run_plat(folder, {"models", "verify", "sam"});
  BOOST_TEST(good.code == 0, good.err);
  BOOST_TEST(good.out.find("in order: sam-vit, 11498 finite numbers in 126 tensors\n") != std::string::npos, good.out);
  const auto json = nlohmann::json::parse(run_plat(folder, {"models", "verify", "sam", "--json"}).out);
  const std::string sum = json["files"][0]["sha256"];
  BOOST_TEST(run_plat(folder, {"models", "verify", "sam", "--sha256", sum}).code == 0);
  check_refusal(run_plat(folder, {"models", "verify", "sam", "--sha256", "0" + sum.substr(1)}), 5, "download it again");
  std::filesystem::resize_file(folder.file("sam/model.safetensors"), 9000);
  check_refusal(run_plat(folder, {"models", "verify", "sam"}), 5, "not a valid safetensors file");
}

BOOST_AUTO_TEST_CASE(help_and_a_file_of_options_work_below_the_verb) {
  const plat::test::TemporaryFolder folder;
  const ProgramRun help = run_plat(folder, {"models", "import", "--help"});
  BOOST_TEST(help.code == 0);
  BOOST_TEST(help.out.find("--half") != std::string::npos);
  plat::test::write_bytes(folder.file("options.json"), R"({"name": "from a file", "half": true, "overwrite": true})");
  const ProgramRun run =
      run_plat(folder, {"models", "import", fixture("meta.pth"), "-o", "sam", "--config", "options.json", "--json"});
  BOOST_TEST(run.code == 0, run.err);
  BOOST_TEST(nlohmann::json::parse(run.out)["name"] == "from a file");
  plat::test::write_bytes(folder.file("options.json"), R"({"epochs": 3})");
  check_refusal(run_plat(folder, {"models", "import", fixture("meta.pth"), "-o", "sam", "--config", "options.json"}), 2,
                "plat models import has no option 'epochs'");
}

BOOST_AUTO_TEST_SUITE_END()
