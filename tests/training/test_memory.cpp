// SPDX-License-Identifier: Apache-2.0
#include "tests/training/tuned_world.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "geo/gdal_session.hpp"
#include "training/learn/parameter_count.hpp"
#include "training/memory_plan.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

/// A ViT large enough for its activations to outweigh the program.
ModelFolder middle_model() {
  ModelFolder model = test::small_model(1, true);
  auto& vit = std::get<VitConfig>(model.config.vision);
  vit.hidden_size = 192;
  vit.num_attention_heads = 6;
  vit.num_hidden_layers = 6;
  vit.global_attn_indexes = {2, 5};
  vit.window_size = 7;
  vit.mlp_dim = 768;
  vit.image_size = 512;
  vit.output_channels = 64;
  model.config.prompt_encoder.hidden_size = model.config.mask_decoder.hidden_size = 64;
  model.config.prompt_encoder.image_size = 512;
  model.config.mask_decoder.mlp_dim = 256;
  model.config.class_decoder.fuse_dims = {48, 32, 16};
  model.config.class_decoder.stem_dims = {12, 24, 48};
  model.description.tile_size = 512;
  model.description.overlap = 128;
  return model;
}

struct Measured {
  int64_t estimated = 0, peak = 0;
};

/// Trains in a process of its own, whose peak is that of this run.
Measured measure(const TrainOptions& options) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    Measured measured;
    try {
      measured.estimated = train(options).estimated_bytes;
    } catch (const std::exception&) {
      _exit(1);
    }
    measured.peak = peak_resident_memory();
    _exit(write(ends[1], &measured, sizeof(measured)) == sizeof(measured) ? 0 : 1);
  }
  close(ends[1]);
  Measured measured;
  const auto size = read(ends[0], &measured, sizeof(measured));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  BOOST_REQUIRE(status == 0);
  BOOST_REQUIRE(size == static_cast<ssize_t>(sizeof(measured)));
  return measured;
}

TrainMemory plan_of(const TrainOptions& options) {
  ModelFolder model = test::small_model(1, true);
  model.config.vision = VitConfig{};
  model.config.prompt_encoder = {};
  model.config.mask_decoder = {};
  const ParameterCount count = count_parameters(model.config, options.method);
  return plan_memory(model.config, options, count.all, count.learned, 0);
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(the_plan_is_near_the_measured_peak) {
  test::TunedWorld world;
  const pid_t child = fork();
  if (child == 0) {
    write_model_folder(middle_model(), world.folder.file("base"));
    nn::save_weights(*nn::Sam(middle_model().config), world.folder.file("base") + "/" + kWeightsFile);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  TrainOptions options = world.options;
  options.crop.size = 512;
  options.batch = options.parts = 2;
  options.threads = 2;
  options.steps = 2;
  options.overwrite = true;
  int64_t lora = 0;
  for (const char* method : {"full", "lora", "lora checkpointed", "decoder"}) {
    const std::string name = method;
    options.method.method = name.substr(0, name.find(' '));
    options.method.checkpointing = name.find("checkpointed") != std::string::npos;
    const Measured measured = measure(options);
    BOOST_TEST_MESSAGE(name << ": " << measured.estimated / 1'000'000 << " MB estimated, " << measured.peak / 1'000'000
                            << " MB used");
    const double ratio = static_cast<double>(measured.estimated) / static_cast<double>(measured.peak);
    BOOST_TEST(ratio > 0.75, name);
    BOOST_TEST(ratio < 1.7, name);
    if (name == "lora") lora = measured.peak;
    if (options.method.checkpointing) BOOST_TEST(measured.peak < lora);
  }
}

BOOST_AUTO_TEST_CASE(a_plan_that_does_not_fit_is_refused_with_one_that_does) {
  TrainOptions options;
  options.crop.size = 1024;
  options.batch = 4;
  options.parts = 2;
  options.threads = 2;
  options.method.method = "lora";
  const TrainMemory plan = plan_of(options);
  const SamConfig vit_b = [] {
    SamConfig config;
    config.class_decoder.classes = 1;
    return config;
  }();
  BOOST_CHECK_NO_THROW(require_memory(plan, vit_b, options, plan.total()));
  std::string message;
  try {
    require_memory(plan, vit_b, options, 8'000'000'000);
  } catch (const UsageError& error) {
    message = error.what();
  }
  BOOST_TEST_MESSAGE(message);
  BOOST_TEST(message.find("--checkpointing") != std::string::npos);
  // What is proposed fits, with as many crops a step.
  options.method.checkpointing = true;
  if (message.find("--batch 2") != std::string::npos) options.batch = 2;
  if (message.find("--batch 1") != std::string::npos) options.batch = options.parts = 1;
  BOOST_TEST(message.find("--accumulate " + std::to_string(4 / options.batch)) != std::string::npos);
  BOOST_CHECK_NO_THROW(require_memory(plan_of(options), vit_b, options, 8'000'000'000));
  BOOST_CHECK_THROW(require_memory(plan, vit_b, options, 100'000'000), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
