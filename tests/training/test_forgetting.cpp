// SPDX-License-Identifier: Apache-2.0
#include "tests/training/tuned_world.hpp"

#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "model/prompt_segmenter.hpp"
#include "training/forgetting/distillation.hpp"

#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

using namespace plat;
using plat::test::changed;
using plat::test::TunedWorld;

namespace {

struct Session {
  GdalSession gdal;
};

std::string weights_of(const std::string& folder) { return folder + "/" + kWeightsFile; }

/// How far the weights that two models share lie apart.
double distance(const std::string& one, const std::string& other) {
  const SafetensorsFile left(weights_of(one)), right(weights_of(other));
  double sum = 0;
  for (const auto& [name, tensor] : left.tensors()) {
    if (!right.tensors().contains(name) || name.find(".running_") != std::string::npos) continue;
    const std::vector<float> a = test::values(left, name), b = test::values(right, name);
    for (std::size_t i = 0; i < a.size(); ++i)
      sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  }
  return std::sqrt(sum);
}

/// How far prompted masks of two models lie apart, on average.
double disagreement(const std::string& one, const std::string& other) {
  Image<float> pixels(64, 64, 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<float>(i / 7 * 37 % 256);
  std::vector<Prompt> prompts;
  for (double at = 8; at < 64; at += 16) prompts.push_back({{{at, 64 - at, true}}, {}});
  const auto masks = [&](const std::string& folder) {
    return open_prompt_segmenter(folder, "cpu")->embed(pixels)->segment(prompts, true);
  };
  const auto left = masks(one), right = masks(other);
  double sum = 0;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    // The order of alternatives follows their scores; the last is the one mask that has a fixed place.
    const auto a = left[p].back().probability.band(0), b = right[p].back().probability.band(0);
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
  }
  return sum / static_cast<double>(prompts.size() * 64 * 64);
}

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(Session);
BOOST_AUTO_TEST_SUITE(forgetting)

BOOST_AUTO_TEST_CASE(l2_sp_keeps_the_weights_nearer_to_the_base) {
  TunedWorld world;
  world.options.steps = 12;
  world.options.overwrite = true;
  world.options.optimizer.weight_decay = 0;
  const auto moved = [&](double pull) {
    world.options.forgetting.l2_sp = pull;
    train(world.options);
    return distance(world.options.init, world.options.output + "/model");
  };
  const double free = moved(0), pulled = moved(10);
  BOOST_TEST_MESSAGE("distance " << free << " without, " << pulled << " with");
  BOOST_TEST(pulled < 0.8 * free);
}

BOOST_AUTO_TEST_CASE(wise_ft_lies_on_the_line_between_base_and_tuned_weights) {
  for (const char* method : {"full", "lora", "adapter"}) {
    TunedWorld world(true);
    world.options.method.method = method;
    world.options.overwrite = true;
    const std::string model = world.options.output + "/model";
    const auto weights = [&](double share) {
      world.options.forgetting.wise = share;
      train(world.options);
      const SafetensorsFile file(weights_of(model));
      std::map<std::string, std::vector<float>> all;
      for (const auto& [name, tensor] : file.tensors()) all[name] = test::values(file, name);
      return all;
    };
    const auto tuned = weights(1), half = weights(0.5), none = weights(0);
    const SafetensorsFile base(weights_of(world.options.init));
    for (const auto& [name, tensor] : base.tensors()) {
      const std::vector<float> before = test::values(base, name);
      double worst = 0, worst_half = 0;
      for (std::size_t i = 0; i < before.size(); ++i) {
        const double b = before[i], middle = (b + static_cast<double>(tuned.at(name)[i])) / 2;
        worst = std::max(worst, std::abs(b - static_cast<double>(none.at(name)[i])));
        worst_half = std::max(worst_half, std::abs(middle - static_cast<double>(half.at(name)[i])));
      }
      BOOST_TEST(worst == 0, name << ", " << method);
      BOOST_TEST(worst_half < 1e-6, name << ", " << method);
    }
  }
}

BOOST_AUTO_TEST_CASE(distillation_keeps_prompted_masks_nearer_to_the_base) {
  TunedWorld world(true);
  world.options.steps = 30;
  world.options.overwrite = true;
  const auto drift = [&](double weight) {
    world.options.forgetting.distil = weight;
    world.options.forgetting.distil_data.clear();
    if (weight > 0) world.options.forgetting.distil_data = world.options.data.scenes;
    train(world.options);
    return disagreement(world.options.init, world.options.output + "/model");
  };
  const double free = drift(0), followed = drift(20);
  BOOST_TEST_MESSAGE("disagreement " << free << " without, " << followed << " with");
  BOOST_TEST(followed < 0.8 * free);
}

BOOST_AUTO_TEST_CASE(equal_masks_cost_nothing_in_distillation) {
  const nn::PromptMasks masks{at::randn({1, 2, 3, 8, 8}), at::rand({1, 2, 3})};
  BOOST_TEST(std::abs(nn::distillation_loss(masks, masks).item<double>()) < 1e-6);
  const nn::PromptMasks others{at::randn({1, 2, 3, 8, 8}), masks.iou};
  BOOST_TEST(nn::distillation_loss(others, masks).item<double>() > 0.1);
}

BOOST_AUTO_TEST_CASE(replay_shows_the_other_data) {
  TunedWorld world;
  world.draw(9, "old.tif", "old.geojson");
  world.options.forgetting.replay_scenes = {world.folder.file("old.tif")};
  world.options.forgetting.replay_labels = {world.folder.file("old.geojson")};
  world.options.data.val_fraction = 0;
  const auto model = [&](double share, const std::string& name) {
    world.options.forgetting.replay_share = share;
    world.options.output = world.folder.file(name);
    train(world.options);
    return test::read(weights_of(world.options.output + "/model"));
  };
  const std::string all = model(1, "all"), half = model(0.5, "half"), none = model(0, "none");
  BOOST_TEST((half != none));
  world.options.data.scenes = world.options.forgetting.replay_scenes;
  world.options.data.labels = world.options.forgetting.replay_labels;
  world.options.forgetting.replay_scenes.clear();
  world.options.forgetting.replay_labels.clear();
  BOOST_TEST((all == model(0.25, "only theirs")));
}

BOOST_AUTO_TEST_CASE(options_without_what_they_need_are_refused) {
  TunedWorld world;
  const auto refused = [&](auto change) {
    TrainOptions options = world.options;
    change(options);
    BOOST_CHECK_THROW(options.validate(), UsageError);
  };
  refused([](auto& o) { o.forgetting.distil = 1; });
  refused([](auto& o) { o.forgetting.replay_scenes = {"a.tif"}; });
  refused([](auto& o) { o.forgetting.wise = 1.5; });
  refused([](auto& o) {
    o.init.clear();
    o.forgetting.l2_sp = 1;
  });
}

BOOST_AUTO_TEST_SUITE_END()
