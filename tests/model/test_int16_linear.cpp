// SPDX-License-Identifier: Apache-2.0
#include "model/nn/int16_linear.hpp"

#include "model/nn/vit.hpp"
#include "tests/support/test_data.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <boost/test/unit_test.hpp>

namespace {

// Layers of random values, rounded to 13 bits and more where 20 times the usual size must fit as well.
constexpr double kLayer = 1e-3;
// Four blocks of such layers, each normalised anew.
constexpr double kEncoder = 3e-3;

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return 1;
  return (a - b).square().mean().sqrt().item<double>() / b.square().mean().sqrt().item<double>();
}

bool missing() {
  if (plat::nn::Int16Product::available()) return false;
  plat::test::skip("this processor has no AVX2: the precision int16 is refused");
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(int16_linear)

BOOST_AUTO_TEST_CASE(layers_are_close_to_torchs_and_do_not_depend_on_the_number_of_threads, PLAT_IF_PRESENT) {
  if (missing()) return;
  at::manual_seed(1);
  const at::NoGradGuard no_grad;
  const at::Tensor first = at::randn({300, 70}), second = at::randn({70, 300}), bias = at::randn({300});
  const plat::nn::Int16Linear wide(first, bias), narrow(second, {});
  for (const int64_t rows : {1, 47, 101}) {
    const at::Tensor x = at::randn({2, rows, 70});
    BOOST_TEST(relative_difference(wide.forward(x), at::linear(x, first, bias)) < kLayer);
    BOOST_TEST(relative_difference(wide.forward_gelu(x, narrow),
                                   at::linear(at::gelu(at::linear(x, first, bias)), second)) < kLayer);
    at::set_num_threads(1);
    const at::Tensor linear = wide.forward(x), mlp = wide.forward_gelu(x, narrow);
    at::set_num_threads(3);
    BOOST_TEST(at::equal(wide.forward(x), linear));
    BOOST_TEST(at::equal(wide.forward_gelu(x, narrow), mlp));
    // Rows are rounded one by one, whatever stands beside them.
    BOOST_TEST(at::equal(wide.forward(x[0].slice(0, 0, 1)), linear[0].slice(0, 0, 1)));
  }
}

BOOST_AUTO_TEST_CASE(an_encoder_in_int16_is_close_to_float32_and_gives_its_weights_up, PLAT_IF_PRESENT) {
  if (missing()) return;
  at::manual_seed(2);
  const at::NoGradGuard no_grad;
  plat::VitConfig config;
  config.hidden_size = 64;
  config.num_attention_heads = 2;
  config.num_hidden_layers = 4;
  config.global_attn_indexes = {1, 3};
  config.image_size = 160;
  config.window_size = 4;
  config.mlp_dim = 256;
  config.output_channels = 16;
  for (const bool with_bias : {true, false}) {
    config.qkv_bias = with_bias;
    plat::nn::Vit vit(config);
    for (auto& parameter : vit->parameters()) parameter.add_(at::randn_like(parameter) * 0.05);
    for (const int64_t side : {160, 96}) {
      const at::Tensor pixels = at::randn({1, 3, side, side}), plain = vit->forward(pixels);
      plat::nn::Vit copy(config);
      const auto from = vit->named_parameters();
      for (auto& parameter : copy->named_parameters()) parameter.value().copy_(from[parameter.key()]);
      copy->use_int16();
      const at::Tensor ours = copy->forward(pixels);
      BOOST_TEST_MESSAGE("differs by " << relative_difference(ours, plain));
      BOOST_TEST(relative_difference(ours, plain) < kEncoder);
      BOOST_TEST(!at::equal(ours, plain));
      BOOST_TEST(copy->named_parameters()["layers.0.mlp.lin1.weight"].numel() == 0);
      at::set_num_threads(2);
      BOOST_TEST(at::equal(copy->forward(pixels), ours));
      at::set_num_threads(1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
