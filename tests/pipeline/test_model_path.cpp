// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "pipeline/model_path.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(model_path)

BOOST_AUTO_TEST_CASE(models_are_found_by_path_and_by_name) {
  const plat::test::TemporaryFolder folder;
  fs::create_directories(folder.path() / "mine" / "sheds");
  fs::create_directories(folder.path() / "mine" / "buildings");
  setenv("PLAT_MODELS", ("/nowhere:" + folder.file("mine")).c_str(), 1);
  BOOST_TEST(plat::find_model("sheds") == folder.file("mine/sheds"));
  BOOST_TEST(plat::find_model("") == folder.file("mine/buildings"));
  BOOST_TEST(plat::find_model(folder.file("mine/sheds")) == folder.file("mine/sheds"));
  BOOST_TEST(plat::find_model("threshold") == "threshold");
  try {
    plat::find_model("castles");
    BOOST_ERROR("no ModelError");
  } catch (const plat::ModelError& error) {
    const std::string text = error.what();
    BOOST_TEST(text.find("castles") != std::string::npos);
    BOOST_TEST(text.find(folder.file("mine")) != std::string::npos);
  }
  unsetenv("PLAT_MODELS");
}

BOOST_AUTO_TEST_CASE(a_program_in_a_build_folder_finds_the_models_of_its_source_tree) {
  const fs::path models = fs::path(PLAT_SOURCE_DIR) / "data" / "models";
  BOOST_TEST_REQUIRE(fs::exists(models));
  bool found = false;
  for (const std::string& folder : plat::model_folders()) found = found || fs::equivalent(folder, models);
  BOOST_TEST(found);
}

BOOST_AUTO_TEST_SUITE_END()
