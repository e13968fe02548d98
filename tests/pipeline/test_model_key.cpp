// SPDX-License-Identifier: Apache-2.0
#include "pipeline/model_key.hpp"

#include "core/error.hpp"
#include "model/files/model_folder.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace plat {

BOOST_AUTO_TEST_SUITE(model_keys)

BOOST_AUTO_TEST_CASE(a_key_names_what_an_embedding_depends_on) {
  const test::TemporaryFolder folder;
  const std::string root = folder.path().string();
  BOOST_CHECK_THROW(model_key(root, "cpu"), ModelError);
  for (const char* name : {kConfigFile, kPreprocessorFile}) {
    std::filesystem::copy(std::filesystem::path(PLAT_SOURCE_DIR) / "data/models/buildings" / name, folder.file(name));
  }
  BOOST_CHECK_THROW(model_key(root, "cpu"), IoError);
  std::ofstream(folder.file(kWeightsFile)) << "weights";
  std::set<std::string> keys = {model_key(root, "cpu"), model_key(root, "cuda"),
                                model_key(root, "cpu", Precision::Int16)};
  BOOST_TEST(keys.size() == 3U);
  BOOST_TEST(keys.contains(model_key(root, "cpu", Precision::Float32)));
  std::ofstream(folder.file(kConfigFile), std::ios::app) << "\n";
  BOOST_TEST(!keys.contains(model_key(root, "cpu")));
}

BOOST_AUTO_TEST_CASE(a_precision_is_written_as_it_is_read) {
  for (const Precision precision :
       {Precision::Auto, Precision::Float32, Precision::BFloat16, Precision::Float16, Precision::Int16}) {
    BOOST_TEST((precision_of(to_text(precision)) == precision));
  }
  BOOST_CHECK_EXCEPTION(precision_of("int8"), UsageError, [](const UsageError& error) {
    return std::string(error.what()).find("none of auto, float32, bfloat16, float16, int16") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
