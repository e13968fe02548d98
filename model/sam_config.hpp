// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace plat {

/// SAM's own image encoder (a plain vision transformer); the defaults are ViT-B's. Fields carry the names of
/// transformers' SamVisionConfig.
struct VitConfig {
  int64_t hidden_size = 768;         ///< width of the tokens, a multiple of num_attention_heads
  int64_t num_hidden_layers = 12;    ///< blocks
  int64_t num_attention_heads = 12;  ///< heads of each block
  int64_t image_size = 1024;         ///< side of the image that the absolute positions belong to, in pixels
  int64_t patch_size = 16;           ///< side of a token, in pixels
  int64_t window_size = 14;          ///< side of an attention window, in tokens
  std::vector<int64_t> global_attn_indexes = {2, 5, 8, 11};  ///< blocks that attend to the whole image
  int64_t mlp_dim = 3072;                                    ///< width inside a block's MLP
  int64_t output_channels = 256;                             ///< channels of the embedding
  bool qkv_bias = true;
  bool use_abs_pos = true;
  bool use_rel_pos = true;
  double layer_norm_eps = 1e-6;
  bool operator==(const VitConfig&) const = default;
};

/// MobileSAM's image encoder (TinyViT: convolutions, then windowed attention); the defaults are MobileSAM's. Four
/// stages.
struct TinyVitConfig {
  std::vector<int64_t> embed_dims = {64, 128, 160, 320};  ///< channels of each stage, even
  std::vector<int64_t> depths = {2, 2, 6, 2};             ///< blocks of each stage
  std::vector<int64_t> num_heads = {2, 4, 5, 10};         ///< heads of each stage (the first stage has no attention)
  std::vector<int64_t> window_sizes = {7, 7, 14, 7};      ///< side of an attention window, in tokens of that stage
  std::vector<int64_t> strides = {2, 2, 1};               ///< of the steps between the stages; in all 4 · product = 16
  double mlp_ratio = 4;                                   ///< width of a block's MLP over its channels
  double mbconv_expand_ratio = 4;                         ///< width inside a convolutional block over its channels
  int64_t local_conv_size = 3;                            ///< side of the convolution between attention and MLP, odd
  double drop_path_rate = 0;      ///< of the last block while training; grows linearly from 0 at the first
  int64_t image_size = 1024;      ///< side of the tile that positions are measured in, in pixels
  int64_t output_channels = 256;  ///< channels of the embedding
  bool operator==(const TinyVitConfig&) const = default;
};

/// EfficientNet-Lite (convolutions only, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), whose
/// weights learned on ImageNet are public; the defaults are Lite0's. Seven stages of inverted bottlenecks.
struct EfficientNetConfig {
  int64_t stem_channels = 32;                                       ///< of the first convolution, at stride 2
  std::vector<int64_t> channels = {16, 24, 40, 80, 112, 192, 320};  ///< of each stage
  std::vector<int64_t> depths = {1, 2, 2, 3, 3, 4, 1};              ///< blocks of each stage
  std::vector<int64_t> kernel_sizes = {3, 3, 5, 3, 5, 5, 3};  ///< side of each stage's depthwise convolutions, odd
  std::vector<int64_t> strides = {1, 2, 2, 2, 1, 2, 1};  ///< of each stage's first block; with the stem's 32 in all
  std::vector<int64_t> expand_ratios = {1, 6, 6, 6, 6, 6, 6};  ///< width inside a block over what goes into it
  double batch_norm_eps = 1e-3;
  int64_t image_size = 512;       ///< side of the tile that positions are measured in, in pixels
  int64_t output_channels = 256;  ///< channels of the embedding

  /// The last stage at a stride of 2, 4, 8, 16 or 32.
  std::size_t last_stage(int64_t stride) const;
  bool operator==(const EfficientNetConfig&) const = default;
};

/// Fields carry the names of transformers' SamPromptEncoderConfig.
struct PromptEncoderConfig {
  int64_t hidden_size = 256;         ///< channels of the embedding and width of the tokens
  int64_t image_size = 1024;         ///< side of the tile that prompts are measured in, in pixels
  int64_t patch_size = 16;           ///< pixels per token of the embedding
  int64_t mask_input_channels = 16;  ///< channels inside the branch that reads mask prompts, a multiple of 4
  double layer_norm_eps = 1e-6;
  bool operator==(const PromptEncoderConfig&) const = default;
};

/// Fields carry the names of transformers' SamMaskDecoderConfig.
struct MaskDecoderConfig {
  int64_t hidden_size = 256;        ///< width of the tokens, a multiple of 8
  std::string hidden_act = "relu";  ///< inside the blocks' MLP: "relu" or "gelu"
  int64_t mlp_dim = 2048;           ///< width inside the blocks' MLP
  int64_t num_hidden_layers = 2;    ///< two-way blocks
  int64_t num_attention_heads = 8;
  int64_t attention_downsample_rate = 2;  ///< hidden_size over the width inside the cross attentions
  int64_t num_multimask_outputs = 3;      ///< masks per prompt beside the single one
  int64_t iou_head_depth = 3;
  int64_t iou_head_hidden_dim = 256;
  double layer_norm_eps = 1e-6;  ///< Meta's and MobileSAM's own decoders use 1e-5
  bool operator==(const MaskDecoderConfig&) const = default;
};

/// The part that plat adds: maps of classes without a prompt (docs/architecture.md).
struct ClassDecoderConfig {
  int64_t classes = 0;                            ///< 0: a plain SAM without this part
  int64_t prompt_tokens = 4;                      ///< learned prompt tokens per class
  std::vector<int64_t> fuse_dims = {96, 64, 32};  ///< channels after fusing the features at strides 8, 4 and 2
  std::vector<int64_t> fuse_convs = {2, 2, 1};    ///< 3 x 3 convolutions after each fusion
  int64_t subpixel = 2;                           ///< 1: maps at stride 2, enlarged bilinearly; 2: four sub-pixels each
  std::vector<int64_t> stem_dims = {24, 48,
                                    96};  ///< channels at strides 2, 4, 8 of the branch that a ViT needs for detail
  bool operator==(const ClassDecoderConfig&) const = default;
};

/// What lies beside the encoder's own weights for fine-tuning.
struct AdapterConfig {
  int64_t rank = 0;   ///< of low-rank adaptation (LoRA); 0: none
  double alpha = 16;  ///< LoRA's products are scaled by alpha / rank
  std::vector<std::string>
      targets;             ///< layers that LoRA adapts: q, k, v (slices of the fused layer), qkv (as one), proj, mlp
  int64_t bottleneck = 0;  ///< width of the adapters beside the MLPs; 0: none
  bool operator==(const AdapterConfig&) const = default;
};

/// Everything that fixes the shape of a network.
struct SamConfig {
  std::variant<VitConfig, TinyVitConfig, EfficientNetConfig> vision;
  PromptEncoderConfig prompt_encoder;
  MaskDecoderConfig mask_decoder;
  ClassDecoderConfig class_decoder;
  AdapterConfig adapters;
  /// The weights are those of an image encoder alone, without its neck: what a new network can be trained around.
  bool encoder_only = false;

  bool is_vit() const { return std::holds_alternative<VitConfig>(vision); }
  /// "sam-vit", "sam-tinyvit" or "sam-efficientnet"; "efficientnet-lite" for an encoder alone.
  std::string architecture() const;
  int64_t image_size() const;  ///< of the encoder, in pixels
  /// Sides of images are multiples of this, in pixels.
  int64_t image_step() const;
  /// Channels of the encoder's features at strides 2, 4 and 8; empty for a ViT, which has none.
  std::vector<int64_t> feature_dims() const;
  /// Throws ModelError naming the first field that is out of range or contradicts another.
  void validate() const;
  bool operator==(const SamConfig&) const = default;
};

}  // namespace plat
