// SPDX-License-Identifier: Apache-2.0
#include "training/small_sam.hpp"

namespace plat {

SamConfig small_sam(int64_t classes) {
  constexpr int64_t kTile = 512;
  constexpr int64_t kHidden = 128;
  TinyVitConfig vision;
  vision.embed_dims = {48, 96, 160, 192};
  vision.depths = {1, 2, 4, 2};
  vision.num_heads = {2, 3, 5, 6};
  vision.window_sizes = {8, 8, 16, 8};
  vision.mlp_ratio = 3;
  vision.mbconv_expand_ratio = 3;
  vision.image_size = kTile;
  vision.output_channels = kHidden;
  SamConfig config;
  config.vision = vision;
  config.prompt_encoder.hidden_size = kHidden;
  config.prompt_encoder.image_size = kTile;
  config.mask_decoder.hidden_size = kHidden;
  config.mask_decoder.mlp_dim = 3 * kHidden;
  config.mask_decoder.num_attention_heads = 4;
  config.mask_decoder.iou_head_hidden_dim = kHidden;
  config.class_decoder.classes = classes;
  config.class_decoder.subpixel = 2;
  return config;
}

}  // namespace plat
