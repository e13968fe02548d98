// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/memory.hpp"
#include "model/files/model_folder.hpp"
#include "model/nn/int16_product.hpp"
#include "model/nn/sam.hpp"
#include "model/nn/weights.hpp"
#include "model/prompt_segmenter.hpp"
#include "model/segmenter.hpp"
#include "tests/support/test_data.hpp"

#include <torch/utils.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace plat {
namespace {

/// A small model with random weights, on disk as a user has it.
ModelFolder write_small_model(const std::string& folder, int64_t classes, bool vit = false) {
  ModelFolder model;
  constexpr int64_t kTile = 64, kChannels = 16;
  if (vit) {
    VitConfig encoder;
    encoder.hidden_size = 16;
    encoder.num_attention_heads = 2;
    encoder.num_hidden_layers = 2;
    encoder.global_attn_indexes = {1};
    encoder.window_size = 3;
    encoder.mlp_dim = 32;
    encoder.image_size = kTile;
    encoder.output_channels = kChannels;
    model.config.vision = encoder;
  } else {
    TinyVitConfig encoder;
    encoder.embed_dims = {8, 12, 16, 16};
    encoder.depths = {1, 1, 1, 1};
    encoder.num_heads = {1, 2, 2, 2};
    encoder.window_sizes = {3, 3, 3, 3};
    encoder.image_size = kTile;
    encoder.output_channels = kChannels;
    model.config.vision = encoder;
  }
  model.config.prompt_encoder.hidden_size = model.config.mask_decoder.hidden_size = kChannels;
  model.config.prompt_encoder.image_size = kTile;
  model.config.mask_decoder.mlp_dim = 32;
  model.config.mask_decoder.num_attention_heads = 2;
  model.config.class_decoder.classes = classes;
  model.config.class_decoder.fuse_dims = {12, 8, 8};
  model.config.class_decoder.stem_dims = {4, 6, 8};
  ModelDescription& d = model.description;
  d.name = "small";
  d.architecture = vit ? "sam-vit" : "sam-tinyvit";
  d.tile_size = kTile;
  d.overlap = 16;
  for (int64_t i = 0; i < classes; ++i) d.classes.push_back({.name = "class" + std::to_string(i), .thresholds = {}});
  write_model_folder(model, folder);
  torch::manual_seed(3);
  const nn::Sam sam(model.config);
  nn::save_weights(*sam, folder + "/" + kWeightsFile);
  return model;
}

Image<float> noise(int64_t side, unsigned seed) {
  std::mt19937 random(seed);
  Image<float> pixels(side, side, 3);
  std::generate_n(pixels.data(), pixels.size(), [&] { return static_cast<float>(random() % 256); });
  return pixels;
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(segmenter)

BOOST_AUTO_TEST_CASE(weights_that_are_no_numbers_are_named_and_no_scene_is_blamed) {
  for (const bool vit : {false, true}) {
    for (const char* part : {"vision_encoder", "mask_decoder", "class_decoder"}) {
      const test::TemporaryFolder folder;
      const ModelFolder model = write_small_model(folder.path().string(), 1, vit);
      nn::Sam sam = nn::load_sam(folder.path().string());
      {
        const at::NoGradGuard no_grad;
        for (auto& item : sam->named_parameters()) {
          if (item.key().starts_with(part)) item.value().fill_(std::numeric_limits<float>::quiet_NaN());
        }
      }
      nn::save_weights(*sam, folder.path().string() + "/" + kWeightsFile);
      const Image<float> pixels = noise(model.description.tile_size, 1);
      const std::string classes = message_of([&] { open_segmenter(folder.path().string(), "cpu")->segment(pixels); });
      const std::string prompts = message_of([&] {
        const auto segmenter = open_prompt_segmenter(folder.path().string(), "cpu");
        const auto tile = segmenter->embed(pixels);
        Prompt point;
        point.points.push_back({10, 10, true});
        tile->segment(std::vector<Prompt>{point}, true);
      });
      const bool shared = part == std::string("vision_encoder");
      if (shared || part == std::string("class_decoder"))
        BOOST_TEST(classes.find("not finite") != std::string::npos, part << ": " << classes);
      if (shared || part == std::string("mask_decoder"))
        BOOST_TEST(prompts.find("not finite") != std::string::npos, part << ": " << prompts);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_segmenter_gives_the_sigmoid_of_what_the_network_gives) {
  for (const bool vit : {false, true}) {
    const test::TemporaryFolder folder;
    write_small_model(folder.path().string(), 2, vit);
    const auto segmenter = open_segmenter(folder.path().string(), "cpu");
    const ModelDescription& d = segmenter->description();
    const Image<float> pixels = noise(d.tile_size, 1);
    const Image<float> maps = segmenter->segment(pixels);
    BOOST_TEST(maps.bands() == 2 * kMapsPerClass);
    BOOST_TEST(maps.width() == d.tile_size);
    BOOST_TEST(maps.height() == d.tile_size);

    const at::NoGradGuard no_grad;
    nn::Sam sam = nn::load_sam(folder.path().string());
    at::Tensor input = at::empty({1, 3, d.tile_size, d.tile_size});
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = 0; r < d.tile_size; ++r) {
        for (int64_t c = 0; c < d.tile_size; ++c) {
          const auto i = static_cast<std::size_t>(b);
          input[0][b][r][c] = (pixels.at(c, r, b) - d.mean[i]) / d.deviation[i];
        }
      }
    }
    const nn::ClassMaps expected = sam->forward_classes(input);
    const std::vector<at::Tensor> by_map = {expected.extent, expected.boundary, expected.distance};
    for (int64_t band = 0; band < maps.bands(); ++band) {
      const at::Tensor map = by_map[static_cast<std::size_t>(band % 3)][0][band / 3].sigmoid().contiguous();
      const auto ours = maps.band(band);
      double worst = 0;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(ours[i] - map.const_data_ptr<float>()[i])));
      }
      BOOST_TEST(worst < 1e-5);  // batch normalisation is folded into the convolutions
    }
  }
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_gives_the_same_bytes) {
  const test::TemporaryFolder folder;
  write_small_model(folder.path().string(), 1);
  const auto segmenter = open_segmenter(folder.path().string(), "cpu");
  std::vector<Image<float>> tiles, alone, together(8);
  for (unsigned i = 0; i < together.size(); ++i) tiles.push_back(noise(64, i));
  for (const auto& tile : tiles) alone.push_back(segmenter->segment(tile));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < tiles.size(); i += 4) together[i] = segmenter->segment(tiles[i]);
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < tiles.size(); ++i) BOOST_TEST((alone[i] == together[i]));
}

BOOST_AUTO_TEST_CASE(prompts_give_masks_as_large_as_the_tile_and_the_best_first) {
  const test::TemporaryFolder folder;
  write_small_model(folder.path().string(), 0);
  const auto segmenter = open_prompt_segmenter(folder.path().string(), "cpu");
  const auto tile = segmenter->embed(noise(64, 1));
  Image<float> rough(16, 16);
  for (int64_t r = 4; r < 12; ++r) std::fill_n(rough.row(r).begin() + 3, 9, 1.0F);
  Image<float> other(8, 8, 1, 0.5F);  // at a resolution that is not the network's
  const std::vector<Prompt> prompts = {{.points = {{10, 12, true}}, .box = {}},
                                       {.points = {}, .box = BoxPrompt{5, 6, 30, 40}},
                                       {.points = {{10, 12, true}, {50, 50, false}}, .box = {}},
                                       {.points = {{40, 20, true}}, .box = {}},
                                       {.points = {{40, 20, true}}, .box = {}, .mask = rough},
                                       {.points = {{40, 20, true}}, .box = {}, .mask = other},
                                       {.points = {}, .box = {}, .mask = rough}};
  const auto all = tile->segment(prompts, true), best = tile->segment(prompts, false);
  BOOST_TEST_REQUIRE(all.size() == prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    BOOST_TEST_REQUIRE(all[i].size() == 4U);
    BOOST_TEST_REQUIRE(best[i].size() == 1U);
    BOOST_TEST((all[i][0].probability == best[i][0].probability));
    BOOST_TEST(all[i][0].iou == best[i][0].iou);
    const bool ambiguous = i == 0 || i == 3;
    for (std::size_t m = ambiguous ? 0 : 1; m + 1 < (ambiguous ? 3U : 4U); ++m)
      BOOST_TEST(all[i][m].iou >= all[i][m + 1].iou);
    for (const auto& mask : all[i]) {
      BOOST_TEST(mask.probability.width() == 64);
      BOOST_TEST(mask.probability.height() == 64);
      const auto [low, high] = std::minmax_element(mask.probability.data(), mask.probability.data() + 64 * 64);
      BOOST_TEST(*low >= 0);
      BOOST_TEST(*high <= 1);
    }
  }
  // A tile made of the embedding answers with the same bits.
  const auto restored = segmenter->restore(tile->embedding())->segment(prompts, true);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    BOOST_TEST_REQUIRE(restored[i].size() == all[i].size());
    for (std::size_t m = 0; m < all[i].size(); ++m) {
      BOOST_TEST((restored[i][m].probability == all[i][m].probability));
      BOOST_TEST(restored[i][m].iou == all[i][m].iou);
    }
  }
  BOOST_TEST(message_of([&] { segmenter->restore(Image<float>(2, 2, 3)); }).find("not made by this model") !=
             std::string::npos);
  BOOST_TEST(segmenter->memory_per_tile() > 0);

  // Each prompt is answered as if it were alone.
  for (const std::size_t p : {3U, 4U, 5U, 6U}) {
    const auto alone = tile->segment(std::vector<Prompt>{prompts[p]}, false);
    double worst = 0;
    for (std::size_t i = 0; i < alone[0][0].probability.size(); ++i) {
      worst = std::max(
          worst, std::abs(static_cast<double>(alone[0][0].probability.data()[i] - best[p][0].probability.data()[i])));
    }
    BOOST_TEST(worst < 1e-5);
  }
  // A mask says something, and not every mask the same.
  for (const auto& [a, b] : {std::pair{3U, 4U}, {4U, 5U}, {4U, 6U}}) {
    BOOST_TEST((all[a].back().probability != all[b].back().probability));
  }
  BOOST_TEST(message_of([&] {
               tile->segment(std::vector<Prompt>{{}}, false);
             }).find("needs a point, a box or a mask") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_work_says_why_in_one_line) {
  const test::TemporaryFolder folder;
  const std::string root = folder.path().string();
  write_small_model(root, 0);
  BOOST_TEST(message_of([&] { open_segmenter(root, "cpu"); }).find("has no classes") != std::string::npos);
  BOOST_TEST(message_of([&] { open_segmenter(root, "tpu"); }).find("none of auto, cpu") != std::string::npos);
  write_small_model(root, 1);
  const auto segmenter = open_segmenter(root, "cpu");
  BOOST_TEST(message_of([&] { segmenter->segment(noise(32, 1)); }).find("takes tiles of 64") != std::string::npos);

  // Weights of another network, damaged weights, no weights.
  const test::TemporaryFolder other;
  write_small_model(other.path().string(), 2);
  const std::filesystem::path weights = folder.file(kWeightsFile);
  std::filesystem::copy_file(other.file(kWeightsFile), weights, std::filesystem::copy_options::overwrite_existing);
  BOOST_TEST(message_of([&] { open_segmenter(root, "cpu"); }).find("has the shape [6]") != std::string::npos);
  std::filesystem::resize_file(weights, 1000);
  BOOST_TEST(message_of([&] { open_segmenter(root, "cpu"); }).find("not a valid safetensors file") !=
             std::string::npos);
  std::filesystem::remove(weights);
  const std::string message = message_of([&] { open_segmenter(root, "cpu"); });
  BOOST_TEST(message.find("cannot be opened") != std::string::npos);
  BOOST_TEST(message.find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(int16_answers_nearly_as_float32_and_is_refused_where_it_cannot_run) {
  const test::TemporaryFolder folder, tiny;
  const std::string root = folder.path().string();
  write_small_model(root, 1, true);
  write_small_model(tiny.path().string(), 1);
  const auto refusal = message_of([&] { open_segmenter(tiny.path().string(), "cpu", Precision::Int16); });
  BOOST_TEST(refusal.find("the precision int16 is for models with SAM's ViT encoder") != std::string::npos);
  if (!nn::Int16Product::available()) {
    const auto without = message_of([&] { open_segmenter(root, "cpu", Precision::Int16); });
    BOOST_TEST(without.find("needs a processor with AVX2") != std::string::npos);
    return;
  }
  const Image<float> pixels = noise(64, 1);
  const Image<float> plain = open_segmenter(root, "cpu")->segment(pixels);
  const Image<float> maps = open_segmenter(root, "auto", Precision::Int16)->segment(pixels);
  const Image<float> embedding = open_prompt_segmenter(root, "cpu", Precision::Int16)->embed(pixels)->embedding();
  const Image<float> other = open_prompt_segmenter(root, "cpu")->embed(pixels)->embedding();
  const auto difference = [](const Image<float>& a, const Image<float>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
    }
    return worst;
  };
  BOOST_TEST(difference(maps, plain) < 2e-3);  // of probabilities
  // Embeddings are normalised, so their usual size is 1.
  BOOST_TEST(difference(embedding, other) < 2e-2);
  BOOST_TEST(difference(embedding, other) > 0);
}

BOOST_AUTO_TEST_CASE(the_estimate_of_memory_is_of_the_right_size) {
  ModelFolder model;
  TinyVitConfig encoder;
  encoder.embed_dims = {48, 96, 160, 192};
  encoder.depths = {1, 2, 4, 2};
  encoder.num_heads = {2, 3, 5, 6};
  encoder.window_sizes = {8, 8, 16, 8};
  encoder.mlp_ratio = encoder.mbconv_expand_ratio = 3;
  encoder.image_size = 512;
  encoder.output_channels = 128;
  model.config.vision = encoder;
  model.config.prompt_encoder.hidden_size = model.config.mask_decoder.hidden_size = 128;
  model.config.prompt_encoder.image_size = 512;
  model.config.mask_decoder.mlp_dim = 384;
  model.config.mask_decoder.num_attention_heads = 4;
  model.config.class_decoder.classes = 1;
  model.description.architecture = "sam-tinyvit";
  model.description.classes = {{.name = "building", .thresholds = {}}};
  const test::TemporaryFolder folder;
  write_model_folder(model, folder.path().string());
  nn::save_weights(*nn::Sam(model.config), folder.file(kWeightsFile));
  const auto segmenter = open_segmenter(folder.path().string(), "cpu");
  const Image<float> pixels = noise(512, 1);
  const int64_t before = peak_resident_memory();
  segmenter->segment(pixels);
  const int64_t taken = peak_resident_memory() - before;
  BOOST_TEST_MESSAGE("estimated " << format_memory(segmenter->memory_per_tile()) << ", taken " << format_memory(taken));
  BOOST_TEST(segmenter->memory_per_tile() > taken * 3 / 4);
  BOOST_TEST(segmenter->memory_per_tile() < 4 * taken);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
