// SPDX-License-Identifier: Apache-2.0
#include "model/files/model_folder.hpp"

#include "core/error.hpp"
#include "model/prompt_segmenter.hpp"
#include "model/segmenter.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace plat {
namespace {

ModelFolder buildings() {
  TinyVitConfig encoder;
  encoder.embed_dims = {48, 96, 160, 192};
  encoder.num_heads = {2, 3, 5, 6};
  encoder.image_size = 512;
  encoder.output_channels = 128;
  ModelFolder model;
  model.config.vision = encoder;
  model.config.prompt_encoder.hidden_size = model.config.mask_decoder.hidden_size = 128;
  model.config.prompt_encoder.image_size = 512;
  model.config.class_decoder.classes = 2;
  ModelDescription& d = model.description;
  d.name = "buildings";
  d.architecture = "sam-tinyvit";
  d.classes = {{"building", {0.45, 0.25, 1.5, 0.2, 0.6, 6.5, 2.5}, false}, {"shed", {}}};
  d.gsd_m = 0.2646;
  d.mean = {100.5F, 90.25F, 80.1F};
  d.deviation = {50.5F, 40.3F, 30.7F};
  d.overlap = 64;
  d.licence = "CC-BY-4.0";
  d.training_data = {"A place, © its people", "another"};
  return model;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ModelError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_folder)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const test::TemporaryFolder folder;
  const ModelFolder written = buildings();
  write_model_folder(written, folder.path().string());
  const ModelFolder found = read_model_folder(folder.path().string());
  BOOST_TEST((found.config == written.config));
  const ModelDescription &a = found.description, &b = written.description;
  BOOST_TEST(a.name == b.name);
  BOOST_TEST(a.architecture == b.architecture);
  BOOST_TEST((a.gsd_m == b.gsd_m));
  BOOST_TEST(a.bands == b.bands);
  BOOST_TEST(a.mean == b.mean);
  BOOST_TEST(a.deviation == b.deviation);
  BOOST_TEST(a.tile_size == b.tile_size);
  BOOST_TEST(a.overlap == b.overlap);
  BOOST_TEST(a.licence == b.licence);
  BOOST_TEST(a.training_data == b.training_data);
  BOOST_TEST_REQUIRE(a.classes.size() == 2U);
  BOOST_TEST(a.classes[0].name == "building");
  BOOST_TEST(a.classes[0].thresholds.extent == 0.45);
  BOOST_TEST(a.classes[0].thresholds.boundary_weight == 0.25);
  BOOST_TEST(a.classes[0].thresholds.smoothing_px == 1.5);
  BOOST_TEST(a.classes[0].thresholds.seed_contrast == 0.2);
  BOOST_TEST(a.classes[0].thresholds.min_score == 0.6);
  BOOST_TEST(a.classes[0].thresholds.min_area_m2 == 6.5);
  BOOST_TEST(a.classes[0].thresholds.close_gap_px == 2.5);
  BOOST_TEST(!a.classes[0].squared);
  BOOST_TEST(a.classes[1].squared);
  const test::TemporaryFolder second;
  write_model_folder(found, second.path().string());
  for (const char* name : {kConfigFile, kPreprocessorFile})
    BOOST_TEST(read(folder.file(name)) == read(second.file(name)));
}

BOOST_AUTO_TEST_CASE(a_folder_of_transformers_has_a_description_without_classes) {
  const test::TemporaryFolder folder;
  // As transformers writes it: keys that change nothing, sub-models that are left at their defaults.
  std::ofstream(folder.file(kConfigFile))
      << R"({"architectures": ["SamModel"], "model_type": "sam", "initializer_range": 0.02,
      "vision_config": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "mlp_dim": null, "mlp_ratio": 4.0,
      "global_attn_indexes": [5, 11, 17, 23], "attention_dropout": 0.0, "num_pos_feats": 128}, "transformers_version": "4.57.6"})";
  std::ofstream(folder.file(kPreprocessorFile)) << R"({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.5]})";
  const ModelFolder model = read_model_folder(folder.path().string() + "/");
  const auto& vit = std::get<VitConfig>(model.config.vision);
  BOOST_TEST(vit.hidden_size == 1024);
  BOOST_TEST(vit.mlp_dim == 4096);
  BOOST_TEST(model.config.class_decoder.classes == 0);
  BOOST_TEST(model.description.architecture == "sam-vit");
  BOOST_TEST(model.description.name == folder.path().filename().string());
  BOOST_TEST(model.description.tile_size == 1024);
  BOOST_TEST(model.description.mean[0] == 127.5F);
  BOOST_TEST(model.description.deviation[2] == 127.5F);
  BOOST_TEST(model.description.classes.empty());
}

BOOST_AUTO_TEST_CASE(each_mistake_is_named) {
  const test::TemporaryFolder folder;
  const std::string root = folder.path().string();
  BOOST_TEST(message_of([&] { read_model_folder(root + "/absent"); }).find("no such model folder") !=
             std::string::npos);
  BOOST_TEST(message_of([&] { read_model_folder(root); }).find("config.json: cannot be read") != std::string::npos);
  write_model_folder(buildings(), root);
  const std::string good = read(folder.file(kConfigFile));
  const std::vector<std::pair<std::pair<std::string, std::string>, std::string>> cases = {
      {{"\"overlap\"", "\"overlapp\""}, "'plat.overlapp' is not a key"},
      {{"\"min_score\"", "\"least_score\""}, "'plat.classes[0].least_score' is not a key"},
      {{"\"fuse_convs\"", "\"fuse_conv\""}, "'plat.class_decoder.fuse_conv' is not a key"},
      {{"\"gsd_m\": 0.2646", "\"gsd_m\": 0"}, "'plat.gsd_m' must be positive"},
      {{"\"gsd_m\": 0.2646", "\"gsd_m\": 1e-9"}, "'plat.gsd_m' must be positive"},
      {{"\"gsd_m\": 0.2646", "\"gsd_m\": \"x\""}, "'plat.gsd_m' has the wrong type"},
      {{"\"overlap\": 64", "\"overlap\": 64.5"}, "'plat.overlap' must be a whole number"},
      {{"\"overlap\": 64", "\"overlap\": 512"}, "'plat.overlap' must lie between"},
      {{"\"tile_size\": 512", "\"tile_size\": 500"}, "multiple of 32"},
      {{"\"extent\": 0.45", "\"extent\": 1.45"}, "'plat.classes[0].extent' must lie"},
      {{"\"format\": 1", "\"format\": 2"}, "'plat.format' is not supported"},
      {{"sam_tinyvit", "yolo"}, "'model_type' is 'yolo'"},
      {{"\"hidden_act\": \"relu\"", "\"hidden_act\": \"tanh\""}, "mask_decoder_config.hidden_act"},
      {{"\"mlp_dim\": 2048", "\"mlp_dim\": -1"}, "mask_decoder_config.mlp_dim"},
      {{"{", "["}, "is not valid JSON"}};
  for (const auto& [change, expected] : cases) {
    std::string text = good;
    const auto place = text.find(change.first);
    BOOST_TEST_REQUIRE(place != std::string::npos, change.first);
    text.replace(place, change.first.size(), change.second);
    std::ofstream(folder.file(kConfigFile), std::ios::trunc) << text;
    const std::string message = message_of([&] { read_model_folder(root); });
    BOOST_TEST(message.find(expected) != std::string::npos, change.second << ": " << message);
    BOOST_TEST(message.find('\n') == std::string::npos);
  }
  std::ofstream(folder.file(kConfigFile), std::ios::trunc) << good;
  std::filesystem::remove(folder.file(kPreprocessorFile));
  BOOST_TEST(message_of([&] { read_model_folder(root); }).find("preprocessor_config.json: cannot be read") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_description_that_contradicts_its_network_is_not_written) {
  const test::TemporaryFolder folder;
  ModelFolder model = buildings();
  model.description.classes.pop_back();
  BOOST_CHECK_THROW(write_model_folder(model, folder.path().string()), ModelError);
  BOOST_TEST(std::filesystem::is_empty(folder.path()));
  BOOST_CHECK_THROW(write_model_folder(buildings(), folder.file("absent")), IoError);
}

BOOST_AUTO_TEST_CASE(a_folder_without_weights_opens_as_nothing) {
  const test::TemporaryFolder folder;
  write_model_folder(buildings(), folder.path().string());
  BOOST_CHECK_THROW(open_segmenter(folder.path().string(), "cpu"), Error);
  BOOST_CHECK_THROW(open_prompt_segmenter(folder.path().string(), "cpu"), Error);
  BOOST_TEST(message_of([] { open_segmenter("/nowhere"); }).find("/nowhere: no such model folder") !=
             std::string::npos);
  BOOST_TEST(message_of([] { open_prompt_segmenter("threshold"); }).find("answers no prompts") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
