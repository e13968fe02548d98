// SPDX-License-Identifier: Apache-2.0
#include "tests/training/train_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "model/files/safetensors.hpp"
#include "model/import/import_model.hpp"
#include "training/learn/parameter_count.hpp"
#include "training/learn/train_state.hpp"
#include "training/start_model.hpp"

#include <ATen/ATen.h>
#include <boost/test/unit_test.hpp>

#include <string>

using namespace plat;

namespace {

struct Session {
  GdalSession gdal;
};

/// A drawn scene, and an encoder of others to train around.
struct EncoderWorld : test::World {
  EncoderWorld() {
    import_model(std::string(PLAT_SOURCE_DIR) + "/tests/model/import/efficient_net.pth", folder.file("lite"));
    options.architecture.clear();
    options.encoder = folder.file("lite");
    options.loss.prompts_per_crop = 1;
    options.steps = 2;
  }
};

std::string complaint(const TrainOptions& options) {
  try {
    train(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO("the message: " << text);
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(encoder)

BOOST_AUTO_TEST_CASE(a_network_around_an_encoder_begins_with_its_weights) {
  EncoderWorld world;
  const TrainOptions options = resolved(world.options);
  BOOST_TEST(options.optimizer.encoder_rate.value() == 0.3);
  const ModelFolder model = describe_model(options);
  BOOST_TEST(model.description.architecture == "sam-efficientnet");
  BOOST_TEST(model.description.mean[1] == 127);
  BOOST_TEST(model.description.tile_size == 512);
  nn::TrainState state(model.config, options.method, options.optimizer);
  BOOST_TEST(state.optimizer->param_groups().size() == 4);
  nn::load_start(state, options);
  const SafetensorsFile file(world.folder.file("lite/model.safetensors"));
  const auto parameters = state.average->named_parameters();
  const auto buffers = state.average->named_buffers();
  for (const auto& [name, view] : file.tensors()) {
    const at::Tensor* found = parameters.find(name) != nullptr ? parameters.find(name) : buffers.find(name);
    BOOST_TEST_REQUIRE((found != nullptr), name);
    const std::vector<float> stored = float_values(view);
    const at::Tensor expected = at::tensor(stored).view(found->sizes());
    BOOST_TEST(at::equal(*found, expected), name);
  }
  state.set_rate(0.1);
  BOOST_TEST(state.optimizer->param_groups()[0].options().get_lr() == 0.1);
  BOOST_TEST(state.optimizer->param_groups()[3].options().get_lr() == 0.03, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(the_parameters_of_a_network_around_an_encoder_are_counted) {
  const ModelFolder model = describe_model(resolved(EncoderWorld().options));
  for (const char* name : {"full", "decoder", "bias-norm", "last-blocks:1", "last-blocks:9"}) {
    MethodOptions method;
    method.method = name;
    OptimizerOptions optimizer;
    optimizer.learning_rate = 1;
    const nn::TrainState state(model.config, method, optimizer);
    int64_t own = 0, of_last = 0, of_blocks = 0;
    for (const auto& item : state.network->named_parameters()) {
      const bool learns = item.value().requires_grad();
      own += learns ? item.value().numel() : 0;
      of_last += learns && item.key().starts_with("vision_encoder.blocks.8.") ? 1 : 0;
      of_blocks += learns && item.key().starts_with("vision_encoder.blocks.") ? 1 : 0;
    }
    BOOST_TEST(count_parameters(model.config, method).learned == own, name);
    if (std::string(name) == "last-blocks:1") BOOST_TEST(of_last == of_blocks);
    if (std::string(name) == "last-blocks:1") BOOST_TEST(of_last == 9);
    if (std::string(name) == "bias-norm") BOOST_TEST(of_last == 6);
    if (std::string(name) == "decoder") BOOST_TEST(of_blocks == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_network_around_an_encoder_is_trained_resumed_and_trained_further) {
  EncoderWorld world;
  const TrainSummary first = train(world.options);
  BOOST_TEST(first.steps == 2);
  world.options.resume = true;
  world.options.steps = 3;
  BOOST_TEST(train(world.options).steps == 3);
  const ModelFolder model = read_model_folder(first.model);
  BOOST_TEST(!model.config.encoder_only);
  BOOST_TEST(contains(test::read(first.model + "/README.md"), "the image encoder `lite`"));

  TrainOptions further = world.options;
  further.resume = false;
  further.encoder.clear();
  further.init = first.model;
  further.method.method = "bias-norm";
  further.output = world.folder.file("further");
  BOOST_TEST(train(further).steps == 3);
  // The encoder of any model will do.
  further.init.clear();
  further.encoder = first.model;
  further.method.method = "full";
  further.output = world.folder.file("again");
  BOOST_TEST(train(further).steps == 3);
  further.init = first.model;
  further.encoder.clear();
  further.method.method = "lora";
  further.output = world.folder.file("lora");
  BOOST_TEST(contains(complaint(further), "has convolutions only"));
}

BOOST_AUTO_TEST_CASE(an_encoder_is_not_taken_for_a_model) {
  EncoderWorld world;
  world.options.init = world.options.encoder;
  BOOST_TEST(contains(complaint(world.options), "alone"));
  world.options.encoder.clear();
  BOOST_TEST(contains(complaint(world.options), "start from it with --encoder"));
}

BOOST_AUTO_TEST_CASE(an_encoder_in_the_run_s_own_folder_is_not_overwritten) {
  EncoderWorld world;
  std::filesystem::create_directory(world.folder.path() / "run");
  std::filesystem::rename(world.folder.file("lite"), world.folder.file("run/lite"));
  world.options.encoder = world.folder.file("run/lite");
  world.options.overwrite = true;
  BOOST_TEST(contains(complaint(world.options), "lies in the folder of the run itself"));
  BOOST_TEST(std::filesystem::exists(world.folder.file("run/lite/config.json")));
}

BOOST_AUTO_TEST_SUITE_END()
