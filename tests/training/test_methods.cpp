// SPDX-License-Identifier: Apache-2.0
#include "tests/training/tuned_world.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/files/safetensors.hpp"
#include "model/nn/device.hpp"
#include "model/prompt_segmenter.hpp"
#include "model/segmenter.hpp"
#include "training/learn/encoded_cache.hpp"
#include "training/learn/parameter_count.hpp"
#include "training/learn/train_state.hpp"
#include "training/samples/repeated_samples.hpp"

#include <ATen/ATen.h>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace plat;
using plat::test::changed;
using plat::test::read;
using plat::test::TunedWorld;

namespace {

struct Session {
  GdalSession gdal;
};

bool any(const std::set<std::string>& names, const std::string& part) {
  return std::ranges::any_of(names, [&](const std::string& name) { return name.find(part) != std::string::npos; });
}

/// The names of what learns; also checks that it was counted right.
std::set<std::string> learned(const MethodOptions& method, bool vit) {
  SamConfig config = test::small_model(1, vit).config;
  config.adapters = method.adapters();
  OptimizerOptions optimizer;
  optimizer.learning_rate = 1;
  const nn::TrainState state(config, method, optimizer);
  int64_t all = 0, own = 0;
  for (const auto& item : state.network->named_parameters()) {
    all += item.value().numel();
    if (item.value().requires_grad()) own += item.value().numel();
  }
  const ParameterCount count = count_parameters(config, method);
  BOOST_TEST(count.all == all);
  BOOST_TEST(count.learned == own);
  return state.learned;
}

MethodOptions method(const std::string& name, const std::string& decoder = "") {
  MethodOptions options;
  options.method = name;
  options.decoder = decoder;
  return options;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(methods)

BOOST_AUTO_TEST_CASE(a_method_lets_exactly_its_part_learn) {
  for (const bool vit : {false, true}) {
    const auto count = [vit](const MethodOptions& m) { return learned(m, vit).size(); };
    const std::set<std::string> decoder = learned(method("decoder"), vit),
                                of_class = learned(method("decoder", "class"), vit);
    const std::set<std::string> tokens = learned(method("decoder", "tokens"), vit);
    BOOST_TEST(!any(decoder, "vision_encoder."));
    BOOST_TEST(any(decoder, "mask_decoder."));
    BOOST_TEST(!any(of_class, "mask_decoder."));
    BOOST_TEST((tokens == std::set<std::string>{"class_decoder.bias", "class_decoder.output_tokens.weight",
                                                "class_decoder.prompt_tokens.weight"}));
    const std::set<std::string> lora = learned(method("lora", "tokens"), vit);
    for (const std::string& name : lora)
      BOOST_TEST((name.find(".attn.qkv.lora_") != std::string::npos || tokens.contains(name)), name);
    BOOST_TEST(lora.size() == tokens.size() + 2 * 3);  // both networks have three blocks with attention
    const std::set<std::string> adapter = learned(method("adapter", "tokens"), vit);
    BOOST_TEST(adapter.size() == tokens.size() + 4 * 3);
    const std::set<std::string> biases = learned(method("bias-norm", "tokens"), vit);
    BOOST_TEST(any(biases, "attn.qkv.bias"));
    BOOST_TEST(!any(biases, "attn.qkv.weight"));
    BOOST_TEST(any(biases, vit ? "neck.layer_norm2.weight" : "neck.3.weight"));
    BOOST_TEST(!any(biases, vit ? "neck.conv2.weight" : "neck.2.weight"));
    const std::set<std::string> last = learned(method("last-blocks:1"), vit);
    BOOST_TEST(any(last, vit ? "layers.2.attn" : "layers.3.blocks.0.attn"));
    BOOST_TEST(any(last, ".neck."));
    BOOST_TEST(!any(last, vit ? "vision_encoder.layers.1." : "vision_encoder.layers.2."));
    // A TinyViT's first stage has a block without attention.
    BOOST_TEST(count(method("last-blocks:2")) > count(method("last-blocks:1")));
    BOOST_CHECK_THROW(count(method("last-blocks:9")), UsageError);
    BOOST_TEST(count(method("full")) > count(method(vit ? "last-blocks:3" : "last-blocks:4")));
  }
}

BOOST_AUTO_TEST_CASE(options_that_mean_nothing_are_refused) {
  const auto with = [](auto change) {
    MethodOptions options;
    change(options);
    return options;
  };
  for (const MethodOptions& bad : {method("none"), method("last-blocks:0"), method("last-blocks:2x"),
                                   method("full", "all"), with([](auto& o) { o.rank = 0; }), with([](auto& o) {
                                     o.targets = {"q", "qkv"};
                                   }),
                                   with([](auto& o) { o.targets = {"kv"}; }), with([](auto& o) { o.accumulate = 0; }),
                                   with([](auto& o) { o.precision = "float16"; })}) {
    BOOST_CHECK_THROW(bad.validate(), UsageError);
  }
  BOOST_CHECK_NO_THROW(method("last-blocks:12").validate());
}

BOOST_AUTO_TEST_CASE(an_encoder_in_sixteen_bits_learns_nearly_the_same) {
  // Where a processor has to imitate them the program refuses; the gradients are right all the same.
  const auto gradients = [](const std::string& precision) {
    MethodOptions options;
    options.precision = precision;
    OptimizerOptions optimizer;
    optimizer.learning_rate = 1;
    at::manual_seed(3);
    nn::TrainState state(test::small_model(1, true).config, options, optimizer, nn::device_of("cpu"));
    const int64_t side = state.network->config().image_size();
    const at::Tensor pixels = at::randn({2, 3, side, side});
    state.network->forward_classes(state.network->encode(pixels)).extent.square().mean().backward();
    std::vector<at::Tensor> parts;
    for (const auto& item : state.network->named_parameters()) {
      if (item.value().grad().defined()) parts.push_back(item.value().grad().flatten());
    }
    return at::cat(parts);
  };
  const at::Tensor exact = gradients("float32"), lower = gradients("bfloat16");
  BOOST_TEST(lower.scalar_type() == at::kFloat);
  const double apart = ((lower - exact).norm() / exact.norm()).item<double>();
  BOOST_TEST(apart > 0);
  BOOST_TEST(apart < 0.1);
  BOOST_CHECK_THROW(nn::device_of("tpu"), UsageError);
}

BOOST_AUTO_TEST_CASE(what_does_not_learn_stays_as_it_was_to_the_last_bit) {
  for (const bool vit : {false, true}) {
    TunedWorld world(vit);
    const auto run = [&](const MethodOptions& m) {
      world.options.method = m;
      world.options.overwrite = true;
      train(world.options);
      return changed(world.options.init, world.options.output + "/model");
    };
    for (const std::string& name : run(method("decoder"))) BOOST_TEST(!name.starts_with("vision_encoder."), name);
    const std::set<std::string> lora = run(method("lora"));
    BOOST_TEST(any(lora, "attn.qkv.weight"));
    BOOST_TEST(!any(lora, "attn.qkv.bias"));
    BOOST_TEST(!any(lora, "mlp."));
    BOOST_TEST(!any(lora, "mask_decoder."));
    BOOST_TEST(!any(lora, "vision_encoder.patch_embed"));
    const std::set<std::string> last = run(method("last-blocks:1"));
    BOOST_TEST(any(last, vit ? "layers.2." : "layers.3."));
    BOOST_TEST(!any(last, vit ? "vision_encoder.layers.1." : "vision_encoder.layers.2."));
    const std::set<std::string> adapter = run(method("adapter"));
    BOOST_TEST(any(adapter, "mlp.adapter.up.weight"));
    BOOST_TEST(!any(adapter, "mlp.lin"));
    const std::set<std::string> biases = run(method("bias-norm"));
    BOOST_TEST(any(biases, "qkv.bias"));
    BOOST_TEST(!any(biases, "qkv.weight"));
  }
}

BOOST_AUTO_TEST_CASE(a_plain_sam_learns_a_class_and_its_prompted_masks_come_back_with_the_base) {
  for (const bool vit : {false, true}) {
    TunedWorld world(vit, 0);
    world.options.method = method("lora");
    world.options.class_name = "shed";
    train(world.options);
    const std::string adapter = world.options.output + "/adapter", model = world.options.output + "/model";
    BOOST_TEST(read_model_folder(model).description.classes.front().name == "shed");
    BOOST_TEST(read_model_folder(adapter).description.classes.front().name == "shed");
    for (const char* file : {kAdapterConfigFile, kAdapterWeightsFile, kConfigFile, kPreprocessorFile})
      BOOST_TEST(std::filesystem::exists(adapter + "/" + file), file);

    // The whole model and the adapter on its base map alike.
    Image<float> pixels(64, 64, 3);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<float>(i * 37 % 256);
    const Image<float> whole = open_segmenter(model, "cpu")->segment(pixels);
    const Image<float> adapted = open_segmenter(adapter, "cpu")->segment(pixels);
    double worst = 0;
    for (std::size_t i = 0; i < whole.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<double>(whole.data()[i]) - static_cast<double>(adapted.data()[i])));
    BOOST_TEST(worst < 1e-5);

    // With the adapters off the base answers, as if nothing had been trained.
    const auto mask = [&](const std::string& folder) {
      const std::vector<Prompt> prompts = {{{{20, 30, true}}, {}}};
      return open_prompt_segmenter(folder, "cpu")->embed(pixels)->segment(prompts, false).front().front();
    };
    const PromptMask off = mask(base_of(adapter)), on = mask(adapter), base = mask(world.options.init);
    BOOST_TEST(std::ranges::equal(off.probability.band(0), base.probability.band(0)));
    BOOST_TEST(!std::ranges::equal(on.probability.band(0), base.probability.band(0)));
  }
}

BOOST_AUTO_TEST_CASE(a_run_of_any_method_goes_on_where_it_was) {
  for (const char* name : {"decoder", "lora", "adapter", "bias-norm", "last-blocks:1"}) {
    TunedWorld world(true);
    world.options.method = method(name);
    world.options.method.accumulate = 2;
    world.options.method.checkpointing = true;
    world.options.steps = 6;
    train(world.options);
    TrainOptions resumed = world.options;
    resumed.output = world.folder.file("resumed");
    resumed.progress = [](double done) {
      if (done > 0.45) request_cancel();
    };
    BOOST_CHECK_THROW(train(resumed), Cancelled);
    reset_cancel();
    resumed.progress = {};
    resumed.resume = true;
    train(resumed);
    const auto weights = [](const TrainOptions& o) { return read(o.output + "/model/model.safetensors"); };
    BOOST_TEST((weights(world.options) == weights(resumed)), name);
    // What does not learn is in the base and nowhere else.
    const auto size = [](const std::string& path) { return std::filesystem::file_size(path); };
    if (world.options.method.method == "lora")
      BOOST_TEST(size(resumed.output + "/adapter/adapter_model.safetensors") <
                 size(resumed.output + "/model/model.safetensors"));
  }
}

BOOST_AUTO_TEST_CASE(embeddings_are_computed_once_and_change_nothing) {
  for (const bool vit : {false, true}) {
    TunedWorld world(vit);
    world.options.method = method("decoder");
    world.options.method.views = 1;
    world.options.steps = 8;
    world.options.method.cache = world.folder.file("embeddings");
    const auto files = [&] {
      int64_t count = 0;
      for (const auto& entry : std::filesystem::directory_iterator(world.options.method.cache)) {
        BOOST_TEST(entry.path().extension() == ".safetensors");
        BOOST_TEST(static_cast<int64_t>(entry.file_size()) <= nn::encoded_bytes(world.base.config, 64));
        ++count;
      }
      return count;
    };
    train(world.options);
    const int64_t made = files();
    BOOST_TEST(made > 0);
    BOOST_TEST(made <= 16);
    TrainOptions again = world.options;
    again.output = world.folder.file("again");
    train(again);
    BOOST_TEST(files() == made);
    const auto weights = [](const TrainOptions& o) { return read(o.output + "/model/model.safetensors"); };
    BOOST_TEST((weights(world.options) == weights(again)));
    // Another encoder finds none of them.
    again.init = world.options.output + "/model";
    again.output = world.folder.file("third");
    train(again);
    BOOST_TEST(files() == 2 * made);
    again.method.cache_size = "0.0001MB";
    again.overwrite = true;
    BOOST_CHECK_THROW(train(again), UsageError);
  }
}

BOOST_AUTO_TEST_CASE(encoders_are_told_apart_by_all_that_changes_their_results) {
  const TunedWorld world;
  const std::string base = world.folder.file("base"), other = world.folder.file("other");
  const std::string key = nn::encoder_key(base, "float32", at::kCPU);
  BOOST_TEST(nn::encoder_key(base, "float32", at::kCPU) == key);
  BOOST_TEST(nn::encoder_key(base, "bfloat16", at::kCPU) != key);
  BOOST_TEST(nn::encoder_key(base, "float32", at::Device(at::kCUDA, 0)) != key);
  std::filesystem::copy(base, other);
  BOOST_TEST(nn::encoder_key(other, "float32", at::kCPU) == key);
  std::ofstream(other + "/config.json", std::ios::app) << " ";
  BOOST_TEST(nn::encoder_key(other, "float32", at::kCPU) != key);
}

BOOST_AUTO_TEST_CASE(damaged_embeddings_are_made_again_and_many_may_make_them_at_once) {
  const plat::test::TemporaryFolder folder;
  const std::string kept = folder.file("kept");
  int64_t calls = 0;
  const auto encode = [&calls](const at::Tensor& pixels) {
    ++calls;
    nn::Encoded encoded;
    encoded.embedding = pixels * 2;
    return encoded;
  };
  const at::Tensor crop = at::arange(3 * 32 * 32, at::kFloat).reshape({1, 3, 32, 32}) / 4096;
  const at::Tensor right = nn::EncodedCache(kept, "a").get(crop, encode).embedding;
  const std::string file = std::filesystem::directory_iterator(kept)->path().string();
  const std::string whole = read(file);
  std::vector<std::string> damages = {"", "{}", whole.substr(0, whole.size() / 2), whole, whole + "x"};
  damages[3][whole.size() - 100] ^= 1;
  for (const std::string& damage : damages) {
    std::ofstream(file, std::ios::binary) << damage;
    calls = 0;
    BOOST_TEST(nn::EncodedCache(kept, "a").get(crop, encode).embedding.equal(right));
    BOOST_TEST(calls == 1);
    BOOST_TEST((read(file) == whole));
    BOOST_TEST(nn::EncodedCache(kept, "a").get(crop, encode).embedding.equal(right));
    BOOST_TEST(calls == 1);
  }
  // Another encoder finds none of it.
  nn::EncodedCache(kept, "b").get(crop, encode);
  BOOST_TEST(calls == 2);

  const auto race = [&kept, &crop] {
    nn::EncodedCache cache(kept, "race");
    const auto same = [](const at::Tensor& pixels) {
      nn::Encoded encoded;
      encoded.embedding = pixels;
      return encoded;
    };
    for (int i = 0; i < 40; ++i) cache.get(crop + i, same);
    return cache.found() + cache.made();
  };
  {
    std::vector<std::jthread> others;
    for (int i = 0; i < 3; ++i) others.emplace_back([&race] { race(); });
    BOOST_TEST(race() == 40);
  }
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(kept), {}) == 42);
}

BOOST_AUTO_TEST_CASE(repeating_views_meet_each_sample_once_an_epoch) {
  for (const int64_t count : {1, 2, 12, 97}) {
    const RepeatedSamples views(count, 5);
    std::vector<std::vector<int64_t>> orders;
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int64_t> order;
      for (int64_t i = 0; i < count; ++i) order.push_back(views.sample(epoch * count + i));
      orders.push_back(order);
      std::ranges::sort(order);
      for (int64_t i = 0; i < count; ++i) BOOST_TEST(order[static_cast<std::size_t>(i)] == i);
    }
    if (count > 10) BOOST_TEST((orders[0] != orders[1]));
  }
  BOOST_TEST(RepeatedSamples(0, 5).sample(41) == 41);
}

BOOST_AUTO_TEST_CASE(accumulated_batches_teach_what_they_would_side_by_side) {
  TunedWorld world(true);
  world.options.method = method("lora");
  world.options.parts = 2;
  world.options.batch = 2;
  train(world.options);
  TrainOptions one_by_one = world.options;
  one_by_one.output = world.folder.file("accumulated");
  one_by_one.parts = 1;
  one_by_one.batch = 1;
  one_by_one.method.accumulate = 2;
  train(one_by_one);
  const std::string weights = std::string("/model/") + kWeightsFile;
  const SafetensorsFile left(world.options.output + weights), right(one_by_one.output + weights);
  for (const auto& [name, tensor] : left.tensors()) {
    // Batch normalisation counts its statistics in another order, which training does not look at.
    if (name.find(".running_") != std::string::npos) continue;
    BOOST_TEST(std::ranges::equal(tensor.bytes, right.tensors().at(name).bytes), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
