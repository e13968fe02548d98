// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/safetensors.hpp"
#include "model/nn/lora.hpp"
#include "model/nn/recomputed.hpp"
#include "model/nn/sam.hpp"
#include "model/nn/weights.hpp"
#include "model/prompt_segmenter.hpp"
#include "tests/model/small_sam_config.hpp"
#include "tests/support/test_data.hpp"

#include <torch/utils.h>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace plat {
namespace {

namespace fs = std::filesystem;

/// As training would leave them: nothing is zero any more.
std::set<std::string> disturb_adapters(const nn::Sam& sam) {
  const at::NoGradGuard no_gradient;
  std::set<std::string> names;
  for (const auto& item : sam->named_parameters()) {
    if (item.key().find(".lora_") == std::string::npos && item.key().find(".adapter.") == std::string::npos) continue;
    at::Tensor values = item.value();
    values.copy_(at::randn_like(values) * 0.3);
    names.insert(item.key());
  }
  return names;
}

nn::PromptMasks masks_of(const nn::Sam& sam, const at::Tensor& pixels) {
  nn::Prompts prompts;
  prompts.points = at::tensor({20.0F, 30.0F}).view({1, 1, 1, 2});
  prompts.labels = at::ones({1, 1, 1}, at::kLong);
  nn::Sam network = sam;
  return network->forward_prompts(network->encode(pixels).embedding, prompts);
}

std::vector<AdapterConfig> kinds() {
  return {AdapterConfig{2, 8, {"q", "v"}, 0}, AdapterConfig{2, 8, {"q", "k", "v", "proj"}, 0},
          AdapterConfig{3, 3, {"qkv", "mlp"}, 0}, AdapterConfig{0, 16, {}, 5}, AdapterConfig{2, 4, {"k", "mlp"}, 0}};
}

/// A model folder on disk and the network in it.
struct Base {
  Base(int64_t classes, bool vit) : model(test::small_model(classes, vit)) {
    fs::create_directory(folder.path() / "base");
    write_model_folder(model, path());
    torch::manual_seed(5);
    sam = nn::Sam(model.config);
    sam->eval();
    nn::save_weights(*sam, path() + "/" + kWeightsFile);
  }
  std::string path() const { return folder.file("base"); }
  test::TemporaryFolder folder;
  ModelFolder model;
  nn::Sam sam{nullptr};
};

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(adapters)

BOOST_AUTO_TEST_CASE(new_adapters_change_nothing_and_switched_off_ones_leave_the_base_bit_for_bit) {
  const at::NoGradGuard no_gradient;
  for (const bool vit : {false, true}) {
    const Base base(1, vit);
    const at::Tensor pixels = at::randn({1, 3, 64, 64});
    const nn::PromptMasks expected = masks_of(base.sam, pixels);
    for (const AdapterConfig& kind : kinds()) {
      SamConfig config = base.model.config;
      config.adapters = kind;
      nn::Sam tuned(config);
      tuned->eval();
      for (const auto& item : base.sam->named_parameters()) {
        tuned->named_parameters().find(item.key())->copy_(item.value());
      }
      for (const auto& item : base.sam->named_buffers()) tuned->named_buffers().find(item.key())->copy_(item.value());
      BOOST_TEST(at::allclose(masks_of(tuned, pixels).logits, expected.logits, 1e-6, 1e-6));
      BOOST_TEST(!disturb_adapters(tuned).empty());
      BOOST_TEST(!at::allclose(masks_of(tuned, pixels).logits, expected.logits, 1e-3, 1e-3));
      nn::switch_adapters(*tuned, false);
      BOOST_TEST(at::equal(masks_of(tuned, pixels).logits, expected.logits));
      BOOST_TEST(at::equal(masks_of(tuned, pixels).iou, expected.iou));
    }
  }
}

BOOST_AUTO_TEST_CASE(slices_of_a_fused_layer_adapt_their_own_outputs_only) {
  const at::NoGradGuard no_gradient;
  // Outputs as a ViT orders them (query, key, value), and as a TinyViT does (so for each head).
  for (const int64_t groups : {1, 2}) {
    nn::TunedLinear linear(8, 24);
    linear->groups = groups;
    linear->add_lora(2, 6, {0, 2});
    for (at::Tensor factor : {linear->lora_a->weight, linear->lora_b->weight}) factor.copy_(at::randn_like(factor));
    const at::Tensor x = at::randn({5, 8});
    const at::Tensor change = linear->forward(x) - at::linear(x, linear->weight, linear->bias);
    const at::Tensor by_slot = change.view({5, groups, 3, 8 / groups});
    BOOST_TEST(by_slot.select(2, 1).abs().max().item<double>() == 0);
    for (const int64_t pair : {0, 1}) {
      const at::Tensor a = linear->lora_a->weight.narrow(0, 2 * pair, 2);
      const at::Tensor own = at::matmul(at::matmul(x, a.t()), linear->lora_b->weight[pair].t()) * 3;
      BOOST_TEST(at::allclose(by_slot.select(2, 2 * pair).reshape({5, 8}), own, 1e-4, 1e-5));
    }
    const auto [a, b] = linear->factors();
    BOOST_TEST((a.sizes() == at::IntArrayRef({4, 8})));
    BOOST_TEST((b.sizes() == at::IntArrayRef({24, 4})));
    BOOST_TEST(at::allclose(at::matmul(at::matmul(x, a.t()), b.t()) * linear->lora_scale(), change, 1e-4, 1e-5));
    const at::Tensor before = linear->forward(x);
    linear->merge_lora();
    BOOST_TEST(linear->parameters().size() == 2);
    BOOST_TEST(at::allclose(linear->forward(x), before, 1e-4, 1e-5));
  }
}

BOOST_AUTO_TEST_CASE(recomputing_gives_the_same_result_and_the_same_gradients) {
  const Base base(1, true);
  SamConfig config = base.model.config;
  config.adapters = {2, 4, {"q", "v"}, 0};
  nn::Sam sam(config);
  disturb_adapters(sam);
  for (auto& item : sam->named_parameters())
    item.value().set_requires_grad(item.key().find("lora_") != std::string::npos);
  const at::Tensor pixels = at::randn({2, 3, 64, 64});
  const at::Tensor direction = at::randn({2, 16, 4, 4});
  const auto gradients = [&](bool recompute) {
    sam->recompute_blocks(recompute);
    sam->zero_grad();
    const at::Tensor out = (sam->encode_image(pixels).embedding * direction).sum();
    out.backward();
    std::vector<at::Tensor> all = {out.detach()};
    for (const at::Tensor& parameter : sam->parameters()) {
      if (parameter.grad().defined()) all.push_back(parameter.grad().clone());
    }
    return all;
  };
  const auto plain = gradients(false), twice = gradients(true);
  BOOST_TEST(plain.size() == 1 + 2 * 3);
  BOOST_REQUIRE(plain.size() == twice.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    BOOST_TEST(at::allclose(plain[i], twice[i], 1e-4, 1e-5));
    BOOST_TEST(plain[i].abs().max().item<double>() > 0);
  }
}

BOOST_AUTO_TEST_CASE(an_adapter_folder_and_its_base_make_the_tuned_model) {
  const at::NoGradGuard no_gradient;
  for (const bool vit : {false, true}) {
    const Base base(0, vit);
    for (const AdapterConfig& kind : kinds()) {
      SamConfig config = base.model.config;
      config.adapters = kind;
      nn::Sam tuned(config);
      nn::load_model(*tuned, base.path(), [](const std::string& name) {
        return name.find(".lora_") != std::string::npos || name.find(".adapter.") != std::string::npos;
      });
      tuned->eval();
      const std::set<std::string> names = disturb_adapters(tuned);
      const std::string path = base.folder.file("adapter");
      fs::create_directories(path);
      ModelFolder adapter = base.model;
      adapter.config.adapters.bottleneck = kind.bottleneck;
      adapter.base = describe_base(base.path(), path);
      BOOST_TEST(adapter.base->folder == "../base");
      write_model_folder(adapter, path);
      nn::save_adapter(*tuned, names, path + "/" + kAdapterWeightsFile);
      // Written for one pair for all outputs: the scale of a stacked pair is the same.
      if (kind.rank > 0) write_lora_config(path, {kind.rank, kind.alpha, {}, {}, false, {"qkv"}}, *adapter.base);

      nn::Sam loaded = nn::load_sam(path);
      const at::Tensor pixels = at::randn({1, 3, 64, 64});
      BOOST_TEST(at::allclose(masks_of(loaded, pixels).logits, masks_of(tuned, pixels).logits, 1e-3, 1e-4));
      BOOST_TEST(base_of(path) == base.path());
      BOOST_TEST(weight_files(path).size() == 2U);
      BOOST_CHECK_NO_THROW(open_prompt_segmenter(path, "cpu"));
      fs::remove_all(path);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_adapter_of_another_program_takes_its_texts_from_the_base) {
  const Base base(0, true);
  const std::string path = base.folder.file("theirs");
  fs::create_directory(path);
  const at::Tensor a = at::randn({4, 16}), b = at::randn({48, 4});
  const auto view = [](const at::Tensor& t) {
    return TensorView{
        TensorType::Float32, t.sizes().vec(), {static_cast<const std::byte*>(t.const_data_ptr()), t.nbytes()}};
  };
  write_safetensors(path + "/" + kAdapterWeightsFile,
                    {{"base_model.model.vision_encoder.layers.1.attn.qkv.lora_A.weight", view(a)},
                     {"base_model.model.vision_encoder.layers.1.attn.qkv.lora_B.weight", view(b)}});
  std::ofstream(path + "/" + kAdapterConfigFile)
      << R"({"peft_type": "LORA", "r": 4, "lora_alpha": 2, "target_modules": ["qkv"], "bias": "none",
             "alpha_pattern": {"layers.1.attn.qkv": 8}, "base_model_name_or_path": "base", "inference_mode": true})";
  nn::Sam loaded = nn::load_sam(path);
  BOOST_TEST(read_model_folder(path).description.name == "theirs");
  const std::string layer = "vision_encoder.layers.1.attn.qkv.weight";
  const at::Tensor expected = base.sam->named_parameters()[layer] + 2 * at::matmul(b, a);
  BOOST_TEST(at::allclose(loaded->named_parameters()[layer], expected, 1e-5, 1e-5));
}

BOOST_AUTO_TEST_CASE(a_base_that_is_absent_or_another_is_an_error_that_says_so) {
  const Base base(0, true);
  const std::string path = base.folder.file("adapter");
  fs::create_directory(path);
  ModelFolder adapter = base.model;
  adapter.base = describe_base(base.path(), path);
  write_model_folder(adapter, path);
  nn::save_adapter(*base.sam, {"mask_decoder.iou_token.weight"}, path + "/" + kAdapterWeightsFile);
  BOOST_CHECK_NO_THROW(nn::load_sam(path));
  fs::rename(base.path(), base.folder.file("moved"));
  BOOST_TEST(message_of([&] { nn::load_sam(path); }).find("../base', which is not there") != std::string::npos);
  fs::rename(base.folder.file("moved"), base.path());
  nn::save_weights(*nn::Sam(base.model.config), base.path() + "/" + kWeightsFile);
  BOOST_TEST(message_of([&] { nn::load_sam(path); }).find("is another model") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
