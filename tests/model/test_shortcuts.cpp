// SPDX-License-Identifier: Apache-2.0
// What the network computes in another way where that is faster must be what the plain way gives.
#include "model/nn/mask_decoder.hpp"
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

BOOST_AUTO_TEST_CASE(the_mask_decoder_gives_the_same_with_and_without_gradients) {
  at::manual_seed(3);
  plat::MaskDecoderConfig config;
  config.hidden_size = 128;
  config.mlp_dim = 64;
  config.iou_head_hidden_dim = 32;
  plat::nn::MaskDecoder decoder(config);
  randomise(*decoder);
  for (const auto& [height, width] : {std::pair(8, 8), std::pair(3, 7), std::pair(9, 15)}) {  // 64, 21 and 135 pixels
    for (const int64_t points : {1, 2, 6}) {  // with 6 points all heads' tokens are more than the channels
      for (const int64_t dense : {1, 2}) {
        const at::Tensor embedding = at::randn({2, 128, height, width}), positions = at::randn({1, 128, height, width});
        const at::Tensor sparse = at::randn({2, 3, points, 128}), shift = at::randn({dense, 128, height, width});
        const auto plain = decoder->forward(embedding, positions, sparse, shift);
        const at::NoGradGuard no_grad;
        const auto fast = decoder->forward(embedding, positions, sparse, shift);
        // Softmaxes magnify what float32 rounds off: the measure is what the plain way is wrong by.
        decoder->to(at::kDouble);
        const auto exact = decoder->forward(embedding.to(at::kDouble), positions.to(at::kDouble),
                                            sparse.to(at::kDouble), shift.to(at::kDouble));
        decoder->to(at::kFloat);
        BOOST_TEST_CONTEXT(height << " x " << width << ", " << points << " points") {
          BOOST_TEST(relative_difference(fast.masks, exact.masks) <
                     kRelative + 2 * relative_difference(plain.masks.detach(), exact.masks));
          BOOST_TEST(relative_difference(fast.iou, exact.iou) <
                     kRelative + 2 * relative_difference(plain.iou.detach(), exact.iou));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(masks_that_are_asked_for_are_those_of_the_whole_answer) {
  at::manual_seed(4);
  plat::MaskDecoderConfig config;
  config.hidden_size = 128;
  plat::nn::MaskDecoder decoder(config);
  randomise(*decoder);
  const at::NoGradGuard no_grad;
  const at::Tensor embedding = at::randn({1, 128, 5, 6}), positions = at::randn({1, 128, 5, 6});
  const at::Tensor sparse = at::randn({1, 3, 2, 128}), dense = at::randn({1, 128, 1, 1});
  const auto all = decoder->forward(embedding, positions, sparse, dense);
  const auto decoded = decoder->decode(embedding, positions, sparse, dense);
  const at::Tensor some = decoder->read_masks(decoded, 0, 2, {3, 1});
  BOOST_TEST(at::equal(decoded.iou, all.iou));
  BOOST_TEST(at::equal(some[0], all.masks[0][2][3]));
  BOOST_TEST(at::equal(some[1], all.masks[0][2][1]));
}

BOOST_AUTO_TEST_SUITE_END()
