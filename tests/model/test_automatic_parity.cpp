// SPDX-License-Identifier: Apache-2.0
#include "model/files/model_folder.hpp"
#include "model/files/safetensors.hpp"
#include "model/prompt_segmenter.hpp"
#include "parity/automatic_parity.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>

BOOST_AUTO_TEST_SUITE(automatic_parity)

// A small network made and run by tests/model/parity/automatic_masks.py.
BOOST_AUTO_TEST_CASE(the_masks_are_those_of_segment_anything) {
  const std::string path = std::string(PLAT_SOURCE_DIR) + "/tests/model/parity/automatic_masks.safetensors";
  const plat::test::TemporaryFolder folder;
  std::ofstream(folder.file(plat::kConfigFile)) << plat::SafetensorsFile(path).metadata().at("config.json");
  std::ofstream(folder.file(plat::kPreprocessorFile)) << "{}";
  // The weights alone; the file has the reference's image too.
  const plat::SafetensorsFile file(path);
  auto weights = file.tensors();
  weights.erase("image");
  plat::write_safetensors(folder.file(plat::kWeightsFile), weights);

  const auto model = plat::open_prompt_segmenter(folder.path().string(), "cpu");
  const auto reference = plat::test::read_automatic_reference(path);
  BOOST_TEST(reference.cases.size() == 3U);
  for (const auto& [name, expected] : reference.cases) {
    const auto masks = plat::automatic_masks(*model, reference.image, expected.options);
    const auto agreement = plat::test::compare(expected.masks, masks);
    BOOST_TEST_MESSAGE(name << ": " << agreement.expected << " expected, " << agreement.found << " found, "
                            << agreement.matched << " match, IoU >= " << agreement.worst_iou << ", estimates within "
                            << agreement.worst_estimate << ", stability within " << agreement.worst_stability);
    BOOST_TEST(agreement.expected > 10U);
    BOOST_TEST(agreement.share() >= 0.99, name);
    // Crops are scaled up, which the reference rounds to whole numbers.
    const double loose = expected.options.crop_layers > 0 ? 1e-2 : 1e-4;
    BOOST_TEST(agreement.worst_estimate < loose);
    BOOST_TEST(agreement.worst_stability < 2 * loose);
    bool same_points = masks.size() == expected.masks.size();
    for (std::size_t i = 0; same_points && i < masks.size(); ++i) {
      const auto &a = masks[i].point, &b = expected.masks[i].point;
      same_points = std::abs(a.col - b.col) < 1e-9 && std::abs(a.row - b.row) < 1e-9;
    }
    BOOST_TEST((same_points || expected.options.crop_layers > 0));
  }
}

BOOST_AUTO_TEST_SUITE_END()
