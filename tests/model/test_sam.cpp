// SPDX-License-Identifier: Apache-2.0
#include "model/model_folder.hpp"
#include "model/nn/sam.hpp"
#include "model/nn/weights.hpp"
#include "model/safetensors.hpp"
#include "parity/parity.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>

namespace plat {
namespace {

// float32 with sums in another order gives 4e-7 here; a wrong epsilon in a normalisation already gives 1e-5.
constexpr double kRelative = 5e-6;

std::string fixture(const std::string& name) { return std::string(PLAT_SOURCE_DIR) + "/tests/model/parity/" + name; }

/// A network with the configuration and the weights that a fixture carries.
nn::Sam open_fixture(const std::string& path, const test::TemporaryFolder& folder) {
  std::ofstream(folder.file(kConfigFile)) << SafetensorsFile(path).metadata().at("config.json");
  std::ofstream(folder.file(kPreprocessorFile)) << "{}";
  std::filesystem::create_symlink(path, folder.file(kWeightsFile));
  return nn::load_sam(folder.path().string());
}

void check(nn::Sam& sam, const std::string& path, std::size_t comparisons) {
  const auto differences = test::compare_with_reference(sam, path);
  BOOST_TEST(differences.size() == comparisons);
  for (const auto& difference : differences) {
    BOOST_TEST_MESSAGE(difference.what << " " << difference.relative);
    BOOST_TEST(difference.same_shape, difference.what);
    BOOST_TEST(difference.relative < kRelative, difference.what << " differs by " << difference.relative);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sam)

BOOST_AUTO_TEST_CASE(a_vit_gives_what_transformers_gives) {
  const test::TemporaryFolder folder;
  nn::Sam sam = open_fixture(fixture("vit.safetensors"), folder);
  check(sam, fixture("vit.safetensors"), 3);
}

BOOST_AUTO_TEST_CASE(every_kind_of_prompt_gives_what_transformers_gives) {
  const test::TemporaryFolder folder;
  nn::Sam sam = open_fixture(fixture("prompts.safetensors"), folder);
  check(sam, fixture("prompts.safetensors"), 10);
}

BOOST_AUTO_TEST_CASE(a_tiny_vit_with_classes_gives_what_mobile_sam_and_the_reference_give) {
  const test::TemporaryFolder folder;
  nn::Sam sam = open_fixture(fixture("tiny_vit.safetensors"), folder);
  check(sam, fixture("tiny_vit.safetensors"), 6);
  sam->prepare_for_inference();
  check(sam, fixture("tiny_vit.safetensors"), 6);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
