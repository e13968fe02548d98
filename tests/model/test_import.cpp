// SPDX-License-Identifier: Apache-2.0
#include "model/import/import_model.hpp"

#include "core/error.hpp"
#include "model/files/safetensors.hpp"
#include "model/files/verify_model.hpp"
#include "model/import/zip_archive.hpp"
#include "tests/model/import/torch_writer.hpp"
#include "tests/support/test_data.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace plat {
namespace {

namespace fs = std::filesystem;

std::string fixture(const std::string& name) { return std::string(PLAT_SOURCE_DIR) + "/tests/model/import/" + name; }

std::string bytes_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

nlohmann::json json_of(const std::string& path) { return nlohmann::json::parse(bytes_of_file(path)); }

/// The folder's weights must be those that the reference made of the same file: names, shapes, and every bit.
void check_weights(const std::string& folder, const std::string& expected_file) {
  const nlohmann::json expected = json_of(expected_file);
  const SafetensorsFile file(folder + "/" + kWeightsFile);
  BOOST_TEST(file.metadata().at("format") == "pt");
  BOOST_TEST(file.tensors().size() == expected.size());
  for (const auto& [name, value] : expected.items()) {
    const auto found = file.tensors().find(name);
    BOOST_TEST_REQUIRE((found != file.tensors().end()), name << " is missing");
    BOOST_TEST(found->second.shape == value[0].get<std::vector<int64_t>>());
    BOOST_TEST(detail::crc32(found->second.bytes) == value[1].get<uint32_t>(), name << " has other numbers");
  }
}

std::string complaint(const std::string& source, const std::string& output, const ImportOptions& options = {}) {
  try {
    import_model(source, output, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO("the message: " << text);
  return text.find(part) != std::string::npos;
}

/// Writes the tensors of a model folder that pass the filter, renamed by it; "" leaves one out.
template <typename F>
void write_some(const std::string& from, const std::string& to, const F& rename) {
  const SafetensorsFile file(from);
  std::map<std::string, TensorView> tensors;
  for (const auto& [name, view] : file.tensors()) {
    const std::string other = rename(name);
    if (!other.empty()) tensors[other] = view;
  }
  write_safetensors(to, tensors, {{"format", "pt"}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(import)

BOOST_AUTO_TEST_CASE(a_file_of_metas_becomes_a_model_folder) {
  const test::TemporaryFolder folder;
  const std::string out = folder.file("models/small");
  const auto report = import_model(fixture("meta.pth"), out, {.licence = "apache-2.0", .gsd_m = 0.5});
  check_weights(out, fixture("meta.json"));
  const ModelFolder model = read_model_folder(out);
  BOOST_TEST(model.description.name == "small");
  BOOST_TEST(model.description.architecture == "sam-vit");
  BOOST_TEST(model.description.licence == "apache-2.0");
  BOOST_TEST(model.description.gsd_m.value() == 0.5);
  BOOST_TEST(model.description.tile_size == 48);
  BOOST_TEST(model.description.classes.empty());
  SamConfig expected;
  expected.vision = VitConfig{.hidden_size = 8,
                              .num_hidden_layers = 2,
                              .num_attention_heads = 2,
                              .image_size = 48,
                              .patch_size = 8,
                              .window_size = 4,
                              .global_attn_indexes = {1},
                              .mlp_dim = 12,
                              .output_channels = 16};
  expected.prompt_encoder = {.hidden_size = 16, .image_size = 48, .patch_size = 8, .mask_input_channels = 8};
  expected.mask_decoder = {.hidden_size = 16,
                           .mlp_dim = 24,
                           .num_hidden_layers = 1,
                           .num_multimask_outputs = 1,
                           .iou_head_hidden_dim = 12,
                           .layer_norm_eps = 1e-5};
  BOOST_TEST((model.config == expected));
  BOOST_TEST((report.model.config == expected));
  BOOST_TEST(report.tensors == static_cast<int64_t>(json_of(fixture("meta.json")).size()));
  BOOST_TEST(bytes_of_file(out + "/README.md").find("license: apache-2.0") != std::string::npos);
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

BOOST_AUTO_TEST_CASE(a_training_checkpoint_gives_the_same_weights) {
  // Nested, with a prefix, as parameters, transposed, as views of one storage, and one tensor in double precision.
  const test::TemporaryFolder folder;
  import_model(fixture("training.pth"), folder.file("out"));
  check_weights(folder.file("out"), fixture("meta.json"));
}

BOOST_AUTO_TEST_CASE(a_file_of_mobile_sams_keeps_its_halves_and_loses_its_classifier) {
  const test::TemporaryFolder folder;
  import_model(fixture("mobile.pt"), folder.file("mobile"));
  check_weights(folder.file("mobile"), fixture("mobile.json"));
  const ModelFolder model = read_model_folder(folder.file("mobile"));
  BOOST_TEST(model.description.architecture == "sam-tinyvit");
  const TinyVitConfig expected{.embed_dims = {4, 6, 8, 6},
                               .depths = {1, 1, 1, 1},
                               .num_heads = {2, 2, 4, 3},
                               .window_sizes = {3, 3, 2, 3},
                               .mlp_ratio = 2,
                               .mbconv_expand_ratio = 2,
                               .output_channels = 16};
  BOOST_TEST((std::get<TinyVitConfig>(model.config.vision) == expected));
  BOOST_TEST(model.config.mask_decoder.layer_norm_eps == 1e-5);
}

BOOST_AUTO_TEST_CASE(an_efficient_net_in_the_layout_of_old_torches_becomes_an_encoder) {
  const test::TemporaryFolder folder;
  const auto report = import_model(fixture("efficient_net.pth"), folder.file("lite"), {.licence = "apache-2.0"});
  check_weights(folder.file("lite"), fixture("efficient_net.json"));
  const ModelFolder model = read_model_folder(folder.file("lite"));
  BOOST_TEST(model.config.encoder_only);
  BOOST_TEST(model.description.architecture == "efficientnet-lite");
  BOOST_TEST(model.description.mean[0] == 127);
  BOOST_TEST(model.description.deviation[2] == 128);
  const EfficientNetConfig expected{
      .channels = {4, 6, 8, 10, 12, 14, 16}, .depths = {1, 2, 1, 1, 2, 1, 1}, .expand_ratios = {1, 2, 2, 3, 2, 2, 2}};
  BOOST_TEST((std::get<EfficientNetConfig>(model.config.vision) == expected));
  BOOST_TEST(bytes_of_file(folder.file("lite/README.md")).find("plat train --encoder") != std::string::npos);
  BOOST_TEST(verify_model(folder.file("lite")).architecture == "efficientnet-lite");
}

BOOST_AUTO_TEST_CASE(an_efficient_net_that_is_not_lite_is_refused) {
  const test::TemporaryFolder folder;
  import_model(fixture("efficient_net.pth"), folder.file("lite"));
  const auto written = [&](const std::string& name, const auto& rename) {
    write_some(folder.file("lite/model.safetensors"), folder.file(name), rename);
    return complaint(folder.file(name), folder.file("out"));
  };
  const auto published = [](std::string name) {
    if (name.ends_with("stem.c.weight")) return std::string("_conv_stem.weight");
    return name.ends_with("blocks.0.depthwise.c.weight") ? std::string("_blocks.0._se_reduce.weight") : std::string();
  };
  BOOST_TEST(contains(written("squeezing.safetensors", published), "squeeze-and-excitation"));
  const auto behind_prefix = [&](const std::string& name) {
    const std::string bare = published(name);
    return bare.empty() ? bare : "module." + bare;
  };
  BOOST_TEST(contains(written("module.safetensors", behind_prefix), "squeeze-and-excitation"));
  BOOST_TEST(contains(written("short.safetensors",
                              [](std::string name) { return name.find("blocks.7.") == std::string::npos ? name : ""; }),
                      "stages"));
}

BOOST_AUTO_TEST_CASE(transformers_folders_whole_in_shards_and_as_bin_give_the_same_bytes) {
  const test::TemporaryFolder folder;
  const std::string first = folder.file("first");
  import_model(fixture("meta.pth"), first);
  const std::string weights = bytes_of_file(first + "/model.safetensors");
  // A folder as save_pretrained leaves it, then without its preprocessor, then without any text.
  const std::string second = folder.file("second");
  fs::create_directory(second);
  fs::copy(first + "/model.safetensors", second);
  nlohmann::json config = json_of(first + "/config.json");
  config.erase("plat");
  std::ofstream(second + "/config.json") << config;
  fs::copy(first + "/preprocessor_config.json", second);
  for (const char* lost : {"", "preprocessor_config.json", "config.json"}) {
    if (*lost != '\0') fs::remove(second + "/" + lost);
    import_model(second, folder.file("third"), {.overwrite = true});
    BOOST_TEST(bytes_of_file(folder.file("third") + "/model.safetensors") == weights);
    const double eps = read_model_folder(folder.file("third")).config.mask_decoder.layer_norm_eps;
    BOOST_TEST(eps == (lost == std::string("config.json") ? 1e-6 : 1e-5));
  }

  const std::string sharded = folder.file("sharded");
  fs::create_directory(sharded);
  nlohmann::json index = {{"metadata", nlohmann::json::object()}, {"weight_map", nlohmann::json::object()}};
  for (const int part : {0, 1}) {
    const std::string name = "model-0000" + std::to_string(part + 1) + "-of-00002.safetensors";
    write_some(first + "/model.safetensors", sharded + "/" + name, [&](const std::string& tensor) {
      const bool here = (tensor.starts_with("mask_decoder") ? 1 : 0) == part;
      if (here) index["weight_map"][tensor] = name;
      return here ? tensor : "";
    });
  }
  std::ofstream(sharded + "/model.safetensors.index.json") << index;
  import_model(sharded, folder.file("fourth"));
  BOOST_TEST(bytes_of_file(folder.file("fourth") + "/model.safetensors") == weights);
  index["weight_map"]["x"] = "../first/model.safetensors";
  std::ofstream(sharded + "/model.safetensors.index.json") << index;
  BOOST_TEST(contains(complaint(sharded, folder.file("fifth")), "outside of its own folder"));

  const std::string bin = folder.file("bin");
  fs::create_directory(bin);
  fs::copy_file(fixture("training.pth"), bin + "/pytorch_model.bin");
  import_model(bin, folder.file("sixth"));
  BOOST_TEST(bytes_of_file(folder.file("sixth") + "/model.safetensors") == weights);
  // transformers may keep the tied matrix under its other name, or under both.
  write_some(first + "/model.safetensors", folder.file("tied.safetensors"), [](const std::string& name) {
    return name == "shared_image_embedding.positional_embedding"
               ? std::string("prompt_encoder.shared_embedding.positional_embedding")
               : name;
  });
  import_model(folder.file("tied.safetensors"), folder.file("seventh"));
  BOOST_TEST(bytes_of_file(folder.file("seventh") + "/model.safetensors") == weights);
}

BOOST_AUTO_TEST_CASE(half_precision_rounds_to_the_nearest) {
  const test::TemporaryFolder folder;
  const std::string whole = folder.file("whole"), half = folder.file("half");
  import_model(fixture("meta.pth"), whole);
  const auto report = import_model(fixture("meta.pth"), half, {.half = true});
  BOOST_TEST(report.bytes < 3 * static_cast<int64_t>(fs::file_size(whole + "/model.safetensors")) / 4);
  const SafetensorsFile exact(whole + "/model.safetensors"), rounded(half + "/model.safetensors");
  for (const auto& [name, view] : exact.tensors()) {
    const TensorView& other = rounded.tensors().at(name);
    BOOST_TEST((other.type == TensorType::Float16));
    const auto a = float_values(view), b = float_values(other);
    for (std::size_t i = 0; i < a.size(); ++i) {
      // Half a unit in the last of ten places, or of the smallest half.
      BOOST_TEST_REQUIRE(std::abs(a[i] - b[i]) <= std::max(std::abs(a[i]) * 0x1p-11F, 0x1p-25F));
    }
  }
}

BOOST_AUTO_TEST_CASE(foreign_networks_are_named) {
  const test::TemporaryFolder folder;
  import_model(fixture("meta.pth"), folder.file("sam"));
  const std::string weights = folder.file("sam") + "/model.safetensors", file = folder.file("other.safetensors");
  const auto said = [&](const auto& rename) {
    write_some(weights, file, rename);
    return complaint(file, folder.file("out"));
  };
  const auto keep = [](const std::string& name) { return name; };
  BOOST_TEST(contains(said([&](const std::string& n) {
                        return n == "mask_decoder.iou_token.weight" ? "mask_decoder.hf_token.weight" : keep(n);
                      }),
                      "is HQ-SAM ('mask_decoder.hf_token.weight')"));
  BOOST_TEST(contains(said([&](const std::string& n) {
                        return n == "vision_encoder.pos_embed" ? "memory_attention.layers.0.norm1.weight" : keep(n);
                      }),
                      "is SAM 2"));
  BOOST_TEST(
      contains(said([](const std::string& n) { return n.starts_with("vision") ? "layer1.0." + n.substr(7) : ""; }),
               "is no SAM with a ViT or TinyViT encoder"));
  const std::string missing = said([](const std::string& n) {
    return n.starts_with("mask_decoder.transformer.final") ? "" : n == "vision_encoder.pos_embed" ? "depth_head.w" : n;
  });
  BOOST_TEST(
      contains(missing, "8 tensors are missing ('mask_decoder.transformer.final_attn_token_to_image.k_proj.bias', "));
  BOOST_TEST(contains(missing, "1 tensor is of no SAM that plat knows ('depth_head.w')"));
  BOOST_TEST(contains(said([](const std::string& n) { return n.starts_with("vision") ? n : ""; }), "is missing"));
  BOOST_TEST(!fs::exists(folder.file("out")));
}

BOOST_AUTO_TEST_CASE(outputs_are_replaced_only_on_demand_and_only_where_they_are_models) {
  const test::TemporaryFolder folder;
  const std::string out = folder.file("out");
  fs::create_directory(out);
  BOOST_TEST(contains(complaint(fixture("meta.pth"), out), "--overwrite"));
  BOOST_TEST(complaint(fixture("meta.pth"), out, {.overwrite = true}).empty());
  std::ofstream(out + "/extra.txt") << "x";
  BOOST_TEST(complaint(fixture("mobile.pt"), out + "/", {.name = "other", .overwrite = true}).empty());
  BOOST_TEST(!fs::exists(out + "/extra.txt"));
  BOOST_TEST(read_model_folder(out).description.name == "other");
  fs::create_directory(folder.file("home"));
  std::ofstream(folder.file("home") + "/letter.txt") << "x";
  BOOST_TEST(contains(complaint(fixture("meta.pth"), folder.file("home"), {.overwrite = true}), "is no model folder"));
  BOOST_TEST(fs::exists(folder.file("home") + "/letter.txt"));
  BOOST_TEST(contains(complaint(out, out, {.overwrite = true}), "is what is to be imported"));
  BOOST_TEST(contains(complaint(folder.file("nothing.pth"), folder.file("x")), "no such file"));
  BOOST_TEST(contains(complaint(folder.file("home"), folder.file("x")), "holds no weights"));
  BOOST_CHECK_THROW(import_model(fixture("meta.pth"), folder.file("x"), {.gsd_m = 0}), UsageError);
  BOOST_TEST(!fs::exists(folder.file("x")));
  // Names beside the output are the user's.
  for (const char* name : {"out.part", "out.old"}) {
    fs::create_directory(folder.file(name));
    std::ofstream(folder.file(name) + "/README.md") << "mine";
  }
  BOOST_TEST(complaint(fixture("meta.pth"), out, {.overwrite = true}).empty());
  for (const char* name : {"out.part", "out.old"})
    BOOST_TEST(bytes_of_file(folder.file(name) + "/README.md") == "mine");
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), {}) == 4);
}

BOOST_AUTO_TEST_CASE(damage_anywhere_in_a_real_file_is_noticed_or_harmless) {
  const test::TemporaryFolder folder;
  const std::string good = bytes_of_file(fixture("meta.pth")), path = folder.file("x.pth"), out = folder.file("out");
  BOOST_TEST_REQUIRE(complaint(fixture("meta.pth"), out).empty());
  const std::string weights = bytes_of_file(out + "/model.safetensors");
  const unsigned seed = 5;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    if (round % 3 == 0) {
      bytes.resize(random() % bytes.size());
    } else {
      const std::size_t at = random() % bytes.size();
      bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << (random() % 8)));
    }
    test::write_bytes(path, bytes);
    // A bit in the padding between parts, or in a date, changes nothing; any other is noticed.
    const bool refused = !complaint(path, out, {.overwrite = true}).empty();
    BOOST_TEST_REQUIRE((refused || bytes_of_file(out + "/model.safetensors") == weights), "round " << round);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
