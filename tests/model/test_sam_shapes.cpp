// SPDX-License-Identifier: Apache-2.0
#include "model/import/sam_shapes.hpp"

#include "core/error.hpp"
#include "model/nn/sam.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace plat {
namespace {

/// Names and shapes of the network itself, each tensor once, without the counters of batch normalisation.
detail::TensorShapes shapes_of(const SamConfig& config) {
  const nn::Sam sam(config);
  detail::TensorShapes shapes;
  std::set<const void*> seen;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (name.ends_with("num_batches_tracked") || !seen.insert(tensor.unsafeGetTensorImpl()).second) return;
    shapes[name] = tensor.sizes().vec();
  };
  for (const auto& item : sam->named_parameters()) add(item.key(), item.value());
  for (const auto& item : sam->named_buffers()) add(item.key(), item.value());
  return shapes;
}

void check(const SamConfig& config) {
  const detail::TensorShapes found = shapes_of(config);
  BOOST_TEST((found == detail::expected_shapes(config)));
  BOOST_CHECK_NO_THROW(detail::check_shapes(found, config, "the network"));
  BOOST_TEST((detail::config_of(found, "the network") == config));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sam_shapes)

BOOST_AUTO_TEST_CASE(the_expected_tensors_are_those_of_the_network_and_tell_its_configuration) {
  SamConfig vit;
  vit.vision = VitConfig{.hidden_size = 24,
                         .num_hidden_layers = 4,
                         .num_attention_heads = 3,
                         .image_size = 96,
                         .patch_size = 8,
                         .window_size = 5,
                         .global_attn_indexes = {1, 3},
                         .mlp_dim = 30,
                         .output_channels = 32};
  vit.prompt_encoder = {.hidden_size = 32, .image_size = 96, .patch_size = 8, .mask_input_channels = 12};
  vit.mask_decoder = {.hidden_size = 32,
                      .mlp_dim = 40,
                      .num_hidden_layers = 3,
                      .num_multimask_outputs = 2,
                      .iou_head_depth = 4,
                      .iou_head_hidden_dim = 20};
  check(vit);
  std::get<VitConfig>(vit.vision).global_attn_indexes = {};
  std::get<VitConfig>(vit.vision).qkv_bias = false;
  check(vit);

  SamConfig tiny;
  tiny.vision = TinyVitConfig{.embed_dims = {8, 12, 20, 12},
                              .depths = {1, 2, 3, 1},
                              .num_heads = {2, 3, 5, 6},
                              .window_sizes = {4, 4, 6, 3},
                              .mlp_ratio = 2,
                              .mbconv_expand_ratio = 3,
                              .local_conv_size = 5,
                              .output_channels = 32};
  tiny.prompt_encoder = {.hidden_size = 32};
  tiny.mask_decoder = {.hidden_size = 32, .mlp_dim = 40};
  check(tiny);
  check(SamConfig{TinyVitConfig{}, {}, {}, {}, {}});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace plat
