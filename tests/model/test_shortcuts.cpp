// SPDX-License-Identifier: Apache-2.0
// What the network computes in another way where that is faster must be what the plain way gives.
#include "model/nn/two_way_transformer.hpp"
#include "model/nn/vit.hpp"

#include <boost/test/unit_test.hpp>

#include <utility>

namespace {

constexpr double kRelative = 2e-5;  // of float32 sums in another order

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return 1;
  return (a - b).abs().max().item<double>() / b.abs().max().item<double>();
}

void randomise(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.add_(at::randn_like(parameter) * 0.3);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shortcuts)

BOOST_AUTO_TEST_CASE(the_encoder_gives_the_same_with_and_without_gradients) {
  at::manual_seed(1);
  plat::VitConfig config;
  config.hidden_size = 32;
  config.num_attention_heads = 2;
  config.num_hidden_layers = 2;
  config.global_attn_indexes = {1};
  config.image_size = 96;
  config.window_size = 5;
  config.mlp_dim = 16;
  config.output_channels = 8;
  for (const bool with_bias : {true, false}) {
    config.qkv_bias = with_bias;
    plat::nn::Vit vit(config);
    randomise(*vit);
    for (const auto& [height, width] : {std::pair(96, 96), std::pair(48, 176), std::pair(272, 160)}) {
      const at::Tensor pixels = at::randn({2, 3, height, width});
      const at::Tensor plain = vit->forward(pixels).detach();
      const at::NoGradGuard no_grad;
      BOOST_TEST(relative_difference(vit->forward(pixels), plain) < kRelative);
    }
  }
}

BOOST_AUTO_TEST_CASE(tokens_and_image_exchange_the_same_whichever_is_projected) {
  at::manual_seed(2);
  plat::nn::TokenAttention attention(32, 2, 2);
  randomise(*attention);
  const at::NoGradGuard no_grad;
  const at::Tensor positions = at::randn({1, 1, 30, 32});
  for (const int64_t tokens : {3, 7, 12}) {  // 12 tokens of 2 heads are more than the 16 channels
    for (const int64_t images : {1, 5}) {    // the same image for all prompts, or each its own
      const at::Tensor query = at::randn({2, 5, tokens, 32}), value = at::randn({2, 5, tokens, 32});
      const at::Tensor image = at::randn({2, images, 30, 32});
      BOOST_TEST(relative_difference(attention->read_image(query, image + positions, image),
                                     attention->forward(query, image + positions, image)) < kRelative);
      BOOST_TEST(relative_difference(attention->write_image(image + positions, query, value),
                                     attention->forward(image + positions, query, value)) < kRelative);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
