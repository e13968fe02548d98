// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "model/import/sam_shapes.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <variant>
#include <vector>

namespace plat::detail {
namespace {

class Shapes {
 public:
  Shapes(const TensorShapes& shapes, const std::string& where) : shapes_(shapes), where_(where) {}

  [[noreturn]] void fail(const std::string& what) const { throw ModelError(where_ + ": " + what); }

  bool has(const std::string& name) const { return shapes_.contains(name); }

  /// One side of a tensor that every SAM has, of so many dimensions.
  int64_t side(const std::string& name, std::size_t dimensions, std::size_t index) const {
    const auto found = shapes_.find(name);
    if (found == shapes_.end()) fail("is no whole SAM: the tensor '" + name + "' is missing");
    if (found->second.size() != dimensions) fail("is no SAM: the tensor '" + name + "' has a strange shape");
    // Beyond this no network exists, and products of two sides stay small.
    if (found->second[index] < 1 || found->second[index] > 1 << 20) {
      fail("is no SAM: the tensor '" + name + "' has a strange shape");
    }
    return found->second[index];
  }

  /// How many numbers follow each other from 0 in names that begin with `prefix` and go on with `suffix`.
  int64_t count(const std::string& prefix, const std::string& suffix) const {
    int64_t n = 0;
    while (has(prefix + std::to_string(n) + suffix)) ++n;
    return n;
  }

 private:
  const TensorShapes& shapes_;
  const std::string& where_;
};

VitConfig vit_of(const Shapes& s) {
  const std::string root = "vision_encoder.", layers = root + "layers.", rel_pos = ".attn.rel_pos_h";
  VitConfig c;
  c.hidden_size = s.side(root + "patch_embed.projection.weight", 4, 0);
  c.patch_size = s.side(root + "patch_embed.projection.weight", 4, 2);
  c.num_hidden_layers = s.count(layers, ".attn.qkv.weight");
  if (c.num_hidden_layers == 0) s.fail("is no SAM: its encoder has no layers");
  c.mlp_dim = s.side(layers + "0.mlp.lin1.weight", 2, 0);
  c.qkv_bias = s.has(layers + "0.attn.qkv.bias");
  c.output_channels = s.side(root + "neck.conv1.weight", 4, 0);
  if (!s.has(layers + "0" + rel_pos)) {
    s.fail(
        "has no relative positions in its encoder, so its number of heads cannot be told; every published SAM has "
        "them");
  }
  c.num_attention_heads = c.hidden_size / s.side(layers + "0" + rel_pos, 2, 1);
  // Positions relative to each other lie between -(n - 1) and n - 1 for a side of n tokens: windows, or the whole image.
  std::vector<int64_t> reach;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    reach.push_back((s.side(layers + std::to_string(i) + rel_pos, 2, 0) + 1) / 2);
  }
  const auto [least, most] = std::minmax_element(reach.begin(), reach.end());
  c.use_abs_pos = s.has(root + "pos_embed");
  const int64_t tokens = c.use_abs_pos ? s.side(root + "pos_embed", 4, 1) : *most;
  c.global_attn_indexes.clear();
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    if (reach[static_cast<std::size_t>(i)] == tokens) c.global_attn_indexes.push_back(i);
  }
  if (*least != tokens) c.window_size = *least;
  c.image_size = tokens * c.patch_size;
  return c;
}

TinyVitConfig tiny_vit_of(const Shapes& s) {
  const std::string root = "vision_encoder.", layers = root + "layers.";
  TinyVitConfig c;
  c.embed_dims[0] = s.side(root + "patch_embed.seq.2.c.weight", 4, 0);
  c.depths[0] = s.count(layers + "0.blocks.", ".conv1.c.weight");
  const std::string first = layers + "0.blocks.0.conv1.c.weight";
  c.mbconv_expand_ratio = static_cast<double>(s.side(first, 4, 0)) / static_cast<double>(s.side(first, 4, 1));
  for (std::size_t i = 1; i < 4; ++i) {
    const std::string blocks = layers + std::to_string(i) + ".blocks.", block = blocks + "0.";
    c.depths[i] = s.count(blocks, ".attn.qkv.weight");
    c.embed_dims[i] = s.side(block + "attn.proj.weight", 2, 0);
    c.num_heads[i] = s.side(block + "attn.attention_biases", 2, 0);
    const auto distances = static_cast<double>(s.side(block + "attn.attention_biases", 2, 1));
    c.window_sizes[i] = std::llround(std::sqrt(distances));
    c.mlp_ratio = static_cast<double>(s.side(block + "mlp.fc1.weight", 2, 0)) / static_cast<double>(c.embed_dims[i]);
    c.local_conv_size = s.side(block + "local_conv.c.weight", 4, 2);
  }
  c.window_sizes[0] = c.window_sizes[1];  // not used: the first stage has no attention
  c.output_channels = s.side(root + "neck.0.weight", 4, 0);
  return c;
}

EfficientNetConfig efficient_net_of(const Shapes& s) {
  const std::string root = "vision_encoder.", blocks = root + "blocks.";
  EfficientNetConfig c;
  c.stem_channels = s.side(root + "stem.c.weight", 4, 0);
  const auto stages = c.channels.size();
  for (auto* list : {&c.channels, &c.depths, &c.kernel_sizes, &c.expand_ratios}) list->clear();
  int64_t in = c.stem_channels;
  for (int64_t i = 0; i < s.count(blocks, ".project.c.weight"); ++i) {
    const std::string block = blocks + std::to_string(i) + ".";
    const int64_t wide = s.side(block + "depthwise.c.weight", 4, 0), out = s.side(block + "project.c.weight", 4, 0);
    // The width tells stages apart: all blocks of a stage but the first leave it as it is.
    if (c.channels.empty() || c.channels.back() != out) {
      c.channels.push_back(out);
      c.depths.push_back(0);
      c.kernel_sizes.push_back(s.side(block + "depthwise.c.weight", 4, 2));
      c.expand_ratios.push_back(wide / in);
    }
    ++c.depths.back();
    in = out;
  }
  if (c.channels.size() != stages)
    s.fail("is no EfficientNet-Lite: it has " + std::to_string(c.channels.size()) + " stages, not 7");
  if (s.has(root + "neck.conv.weight")) c.output_channels = s.side(root + "neck.conv.weight", 4, 0);
  return c;
}

MaskDecoderConfig mask_decoder_of(const Shapes& s) {
  const std::string root = "mask_decoder.", layers = root + "transformer.layers.";
  MaskDecoderConfig c;
  c.hidden_size = s.side(root + "iou_token.weight", 2, 1);
  c.num_hidden_layers = s.count(layers, ".self_attn.q_proj.weight");
  if (c.num_hidden_layers == 0) s.fail("is no SAM: its mask decoder has no layers");
  c.mlp_dim = s.side(layers + "0.mlp.lin1.weight", 2, 0);
  c.attention_downsample_rate = c.hidden_size / s.side(layers + "0.cross_attn_token_to_image.q_proj.weight", 2, 0);
  c.num_multimask_outputs = s.side(root + "mask_tokens.weight", 2, 0) - 1;
  c.iou_head_depth = 2 + s.count(root + "iou_prediction_head.layers.", ".weight");
  c.iou_head_hidden_dim = s.side(root + "iou_prediction_head.proj_in.weight", 2, 0);
  return c;
}

}  // namespace

SamConfig config_of(const TensorShapes& shapes, const std::string& where) {
  const Shapes s(shapes, where);
  SamConfig c;
  if (s.has("vision_encoder.patch_embed.seq.0.c.weight")) {
    c.vision = tiny_vit_of(s);
  } else if (s.has("vision_encoder.stem.c.weight")) {
    const EfficientNetConfig vision = efficient_net_of(s);
    c.vision = vision;
    c.encoder_only = !s.has("vision_encoder.neck.conv.weight");
    if (c.encoder_only) {
      c.prompt_encoder.hidden_size = c.mask_decoder.hidden_size = vision.output_channels;
      c.prompt_encoder.image_size = vision.image_size;
      return c;
    }
  } else {
    c.vision = vit_of(s);
    c.prompt_encoder.patch_size = std::get<VitConfig>(c.vision).patch_size;
  }
  c.prompt_encoder.image_size = c.image_size();
  c.prompt_encoder.hidden_size = s.side("prompt_encoder.no_mask_embed.weight", 2, 1);
  c.prompt_encoder.mask_input_channels = s.side("prompt_encoder.mask_embed.conv3.weight", 4, 1);
  c.mask_decoder = mask_decoder_of(s);
  try {
    c.validate();
  } catch (const ModelError& error) {
    s.fail("is no SAM that plat can run: " + std::string(error.what()));
  }
  return c;
}

}  // namespace plat::detail
