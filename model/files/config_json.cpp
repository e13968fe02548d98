// SPDX-License-Identifier: Apache-2.0
#include "model/files/config_json.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace plat::detail {
namespace {

using nlohmann::json;

// transformers knows "sam" only with a ViT encoder; another name keeps it from reading a TinyViT as one.
constexpr const char* kVitModel = "sam";
constexpr const char* kTinyVitModel = "sam_tinyvit";
constexpr const char* kEfficientNetModel = "sam_efficientnet";
constexpr const char* kEfficientNetEncoder = "efficientnet_lite";  // without the rest of a SAM

VitConfig read_vit(JsonSection section) {
  VitConfig c;
  section.read("hidden_size", c.hidden_size);
  section.read("num_hidden_layers", c.num_hidden_layers);
  section.read("num_attention_heads", c.num_attention_heads);
  section.read("image_size", c.image_size);
  section.read("patch_size", c.patch_size);
  section.read("window_size", c.window_size);
  section.read("global_attn_indexes", c.global_attn_indexes);
  section.read("output_channels", c.output_channels);
  section.read("qkv_bias", c.qkv_bias);
  section.read("use_abs_pos", c.use_abs_pos);
  section.read("use_rel_pos", c.use_rel_pos);
  section.read("layer_norm_eps", c.layer_norm_eps);
  double mlp_ratio = 4;
  section.read("mlp_ratio", mlp_ratio);
  if (!section.read("mlp_dim", c.mlp_dim)) {
    c.mlp_dim = static_cast<int64_t>(static_cast<double>(c.hidden_size) * mlp_ratio);
  }
  section.require<int64_t>("num_channels", 3);
  section.require<std::string>("hidden_act", "gelu");
  section.require<int64_t>("num_pos_feats", c.output_channels / 2);
  return c;
}

json write_vit(const VitConfig& c) {
  return {{"model_type", "sam_vision_model"},
          {"hidden_size", c.hidden_size},
          {"num_hidden_layers", c.num_hidden_layers},
          {"num_attention_heads", c.num_attention_heads},
          {"num_channels", 3},
          {"num_pos_feats", c.output_channels / 2},
          {"hidden_act", "gelu"},
          {"image_size", c.image_size},
          {"patch_size", c.patch_size},
          {"window_size", c.window_size},
          {"global_attn_indexes", c.global_attn_indexes},
          {"mlp_dim", c.mlp_dim},
          {"mlp_ratio", static_cast<double>(c.mlp_dim) / static_cast<double>(c.hidden_size)},
          {"output_channels", c.output_channels},
          {"qkv_bias", c.qkv_bias},
          {"use_abs_pos", c.use_abs_pos},
          {"use_rel_pos", c.use_rel_pos},
          {"layer_norm_eps", c.layer_norm_eps}};
}

TinyVitConfig read_tiny_vit(JsonSection section) {
  TinyVitConfig c;
  section.read("embed_dims", c.embed_dims);
  section.read("depths", c.depths);
  section.read("num_heads", c.num_heads);
  section.read("window_sizes", c.window_sizes);
  section.read("strides", c.strides);
  section.read("mlp_ratio", c.mlp_ratio);
  section.read("mbconv_expand_ratio", c.mbconv_expand_ratio);
  section.read("local_conv_size", c.local_conv_size);
  section.read("drop_path_rate", c.drop_path_rate);
  section.read("image_size", c.image_size);
  section.read("output_channels", c.output_channels);
  return c;
}

json write_tiny_vit(const TinyVitConfig& c) {
  return {{"model_type", "tinyvit"},
          {"embed_dims", c.embed_dims},
          {"depths", c.depths},
          {"num_heads", c.num_heads},
          {"window_sizes", c.window_sizes},
          {"strides", c.strides},
          {"mlp_ratio", c.mlp_ratio},
          {"mbconv_expand_ratio", c.mbconv_expand_ratio},
          {"local_conv_size", c.local_conv_size},
          {"drop_path_rate", c.drop_path_rate},
          {"image_size", c.image_size},
          {"output_channels", c.output_channels}};
}

EfficientNetConfig read_efficient_net(JsonSection section) {
  EfficientNetConfig c;
  section.read("stem_channels", c.stem_channels);
  section.read("channels", c.channels);
  section.read("depths", c.depths);
  section.read("kernel_sizes", c.kernel_sizes);
  section.read("strides", c.strides);
  section.read("expand_ratios", c.expand_ratios);
  section.read("batch_norm_eps", c.batch_norm_eps);
  section.read("image_size", c.image_size);
  section.read("output_channels", c.output_channels);
  return c;
}

json write_efficient_net(const EfficientNetConfig& c) {
  return {{"model_type", "efficientnet_lite"},
          {"stem_channels", c.stem_channels},
          {"channels", c.channels},
          {"depths", c.depths},
          {"kernel_sizes", c.kernel_sizes},
          {"strides", c.strides},
          {"expand_ratios", c.expand_ratios},
          {"batch_norm_eps", c.batch_norm_eps},
          {"image_size", c.image_size},
          {"output_channels", c.output_channels}};
}

PromptEncoderConfig read_prompt_encoder(JsonSection section) {
  PromptEncoderConfig c;
  section.read("hidden_size", c.hidden_size);
  section.read("image_size", c.image_size);
  section.read("patch_size", c.patch_size);
  section.read("mask_input_channels", c.mask_input_channels);
  section.read("layer_norm_eps", c.layer_norm_eps);
  section.require<int64_t>("num_point_embeddings", 4);
  section.require<std::string>("hidden_act", "gelu");
  return c;
}

json write_prompt_encoder(const PromptEncoderConfig& c) {
  return {{"hidden_size", c.hidden_size},
          {"image_size", c.image_size},
          {"image_embedding_size", c.image_size / c.patch_size},
          {"patch_size", c.patch_size},
          {"mask_input_channels", c.mask_input_channels},
          {"num_point_embeddings", 4},
          {"hidden_act", "gelu"},
          {"layer_norm_eps", c.layer_norm_eps}};
}

MaskDecoderConfig read_mask_decoder(JsonSection section) {
  MaskDecoderConfig c;
  section.read("hidden_size", c.hidden_size);
  section.read("hidden_act", c.hidden_act);
  section.read("mlp_dim", c.mlp_dim);
  section.read("num_hidden_layers", c.num_hidden_layers);
  section.read("num_attention_heads", c.num_attention_heads);
  section.read("attention_downsample_rate", c.attention_downsample_rate);
  section.read("num_multimask_outputs", c.num_multimask_outputs);
  section.read("iou_head_depth", c.iou_head_depth);
  section.read("iou_head_hidden_dim", c.iou_head_hidden_dim);
  section.read("layer_norm_eps", c.layer_norm_eps);
  return c;
}

json write_mask_decoder(const MaskDecoderConfig& c) {
  return {{"hidden_size", c.hidden_size},
          {"hidden_act", c.hidden_act},
          {"mlp_dim", c.mlp_dim},
          {"num_hidden_layers", c.num_hidden_layers},
          {"num_attention_heads", c.num_attention_heads},
          {"attention_downsample_rate", c.attention_downsample_rate},
          {"num_multimask_outputs", c.num_multimask_outputs},
          {"iou_head_depth", c.iou_head_depth},
          {"iou_head_hidden_dim", c.iou_head_hidden_dim},
          {"layer_norm_eps", c.layer_norm_eps}};
}

}  // namespace

SamConfig read_sam_config(JsonSection& config) {
  std::string type;
  if (!config.read("model_type", type)) config.fail("model_type", "is missing; this is not a SAM model");
  SamConfig c;
  if (type == kVitModel) {
    c.vision = read_vit(config.section("vision_config"));
  } else if (type == kTinyVitModel) {
    c.vision = read_tiny_vit(config.section("vision_config"));
  } else if (type == kEfficientNetModel || type == kEfficientNetEncoder) {
    const EfficientNetConfig vision = read_efficient_net(config.section("vision_config"));
    c.vision = vision;
    c.encoder_only = type == kEfficientNetEncoder;
    if (c.encoder_only) {
      c.prompt_encoder.hidden_size = c.mask_decoder.hidden_size = vision.output_channels;
      c.prompt_encoder.image_size = vision.image_size;
      return c;
    }
  } else {
    config.fail("model_type", "is '" + type + "', but plat reads only sam, sam_tinyvit and sam_efficientnet");
  }
  c.prompt_encoder = read_prompt_encoder(config.section("prompt_encoder_config"));
  c.mask_decoder = read_mask_decoder(config.section("mask_decoder_config"));
  return c;
}

json write_sam_config(const SamConfig& config) {
  const char* architecture = "SamModel";
  const char* type = kVitModel;
  json vision;
  if (const auto* tiny = std::get_if<TinyVitConfig>(&config.vision)) {
    architecture = "SamTinyVit";
    type = kTinyVitModel;
    vision = write_tiny_vit(*tiny);
  } else if (const auto* net = std::get_if<EfficientNetConfig>(&config.vision)) {
    architecture = "SamEfficientNet";
    type = kEfficientNetModel;
    vision = write_efficient_net(*net);
  } else {
    vision = write_vit(std::get<VitConfig>(config.vision));
  }
  if (config.encoder_only)
    return {{"architectures", json::array({"EfficientNetLite"})},
            {"model_type", kEfficientNetEncoder},
            {"vision_config", vision}};
  return {{"architectures", json::array({architecture})},
          {"model_type", type},
          {"vision_config", vision},
          {"prompt_encoder_config", write_prompt_encoder(config.prompt_encoder)},
          {"mask_decoder_config", write_mask_decoder(config.mask_decoder)}};
}

ClassDecoderConfig read_class_decoder(JsonSection section) {
  ClassDecoderConfig c;
  section.read("prompt_tokens", c.prompt_tokens);
  section.read("fuse_dims", c.fuse_dims);
  section.read("fuse_convs", c.fuse_convs);
  section.read("subpixel", c.subpixel);
  section.read("stem_dims", c.stem_dims);
  section.reject_unknown();
  return c;
}

json write_class_decoder(const ClassDecoderConfig& c) {
  return {{"prompt_tokens", c.prompt_tokens},
          {"fuse_dims", c.fuse_dims},
          {"fuse_convs", c.fuse_convs},
          {"subpixel", c.subpixel},
          {"stem_dims", c.stem_dims}};
}

}  // namespace plat::detail
