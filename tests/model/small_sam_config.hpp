// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/files/model_folder.hpp"

#include <cstdint>
#include <string>

namespace plat::test {

/// The smallest SAM that has every part, for tiles of 64 pixels, with a ViT or a TinyViT.
inline ModelFolder small_model(int64_t classes, bool vit) {
  ModelFolder model;
  constexpr int64_t kTile = 64, kChannels = 16;
  if (vit) {
    VitConfig encoder;
    encoder.hidden_size = 16;
    encoder.num_attention_heads = 2;
    encoder.num_hidden_layers = 3;
    encoder.global_attn_indexes = {1};
    encoder.window_size = 3;
    encoder.mlp_dim = 32;
    encoder.image_size = kTile;
    encoder.output_channels = kChannels;
    model.config.vision = encoder;
  } else {
    TinyVitConfig encoder;
    encoder.embed_dims = {8, 12, 16, 16};
    encoder.depths = {1, 1, 1, 1};
    encoder.num_heads = {1, 2, 2, 2};
    encoder.window_sizes = {3, 3, 3, 3};
    encoder.image_size = kTile;
    encoder.output_channels = kChannels;
    model.config.vision = encoder;
  }
  model.config.prompt_encoder.hidden_size = model.config.mask_decoder.hidden_size = kChannels;
  model.config.prompt_encoder.image_size = kTile;
  model.config.mask_decoder.mlp_dim = 32;
  model.config.mask_decoder.num_attention_heads = 2;
  model.config.mask_decoder.iou_head_hidden_dim = 16;
  model.config.class_decoder.classes = classes;
  model.config.class_decoder.fuse_dims = {12, 8, 8};
  model.config.class_decoder.fuse_convs = {1, 1, 1};
  model.config.class_decoder.stem_dims = {4, 6, 8};
  ModelDescription& d = model.description;
  d.name = "small";
  d.architecture = vit ? "sam-vit" : "sam-tinyvit";
  d.tile_size = kTile;
  d.overlap = 16;
  for (int64_t i = 0; i < classes; ++i) d.classes.push_back({.name = "class" + std::to_string(i), .thresholds = {}});
  return model;
}

}  // namespace plat::test
