// SPDX-License-Identifier: Apache-2.0
#include "model/sam_config.hpp"

#include "core/error.hpp"

#include <cmath>
#include <string_view>

namespace plat {
namespace {

void require(bool good, std::string_view field, std::string_view what) {
  if (!good) throw ModelError("model configuration: " + std::string(field) + " must " + std::string(what));
}

// Networks beyond these sizes do not exist; a number above them is a damaged file, and would only exhaust memory later.
constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxCount = 1024;

void require_width(int64_t value, std::string_view field) {
  require(value >= 1 && value <= kMaxWidth, field, "lie between 1 and 65536");
}

void require_count(int64_t value, std::string_view field) {
  require(value >= 1 && value <= kMaxCount, field, "lie between 1 and 1024");
}

void validate(const VitConfig& c) {
  require_width(c.hidden_size, "vision_config.hidden_size");
  require_count(c.num_hidden_layers, "vision_config.num_hidden_layers");
  require_count(c.num_attention_heads, "vision_config.num_attention_heads");
  require(c.hidden_size % c.num_attention_heads == 0, "vision_config.hidden_size",
          "be a multiple of num_attention_heads");
  require_count(c.patch_size, "vision_config.patch_size");
  require_width(c.image_size, "vision_config.image_size");
  require(c.image_size % c.patch_size == 0, "vision_config.image_size", "be a multiple of patch_size");
  require(c.window_size >= 0 && c.window_size <= kMaxCount, "vision_config.window_size", "lie between 0 and 1024");
  require_width(c.mlp_dim, "vision_config.mlp_dim");
  require_width(c.output_channels, "vision_config.output_channels");
  require(c.layer_norm_eps > 0, "vision_config.layer_norm_eps", "be positive");
}

void validate(const TinyVitConfig& c) {
  require(c.embed_dims.size() == 4, "vision_config.embed_dims", "have 4 numbers");
  require(c.depths.size() == 4, "vision_config.depths", "have 4 numbers");
  require(c.num_heads.size() == 4, "vision_config.num_heads", "have 4 numbers");
  require(c.window_sizes.size() == 4, "vision_config.window_sizes", "have 4 numbers");
  require(c.strides.size() == 3, "vision_config.strides", "have 3 numbers");
  require(c.mlp_ratio > 0 && c.mlp_ratio <= 64, "vision_config.mlp_ratio", "be positive and at most 64");
  require(c.mbconv_expand_ratio > 0 && c.mbconv_expand_ratio <= 64, "vision_config.mbconv_expand_ratio",
          "be positive and at most 64");
  for (std::size_t i = 0; i < 4; ++i) {
    require_width(c.embed_dims[i], "vision_config.embed_dims");
    require_count(c.depths[i], "vision_config.depths");
    if (i == 0) continue;
    require_count(c.num_heads[i], "vision_config.num_heads");
    require(c.embed_dims[i] % c.num_heads[i] == 0, "vision_config.embed_dims", "be multiples of num_heads");
    require(c.window_sizes[i] >= 1 && c.window_sizes[i] <= 128, "vision_config.window_sizes", "lie between 1 and 128");
  }
  require(c.embed_dims[0] % 2 == 0, "vision_config.embed_dims", "begin with an even number");
  int64_t stride = 4;
  for (const int64_t s : c.strides) {
    require(s == 1 || s == 2, "vision_config.strides", "be 1 or 2 each");
    stride *= s;
  }
  require(stride == 16 && c.strides[0] == 2, "vision_config.strides", "begin with 2 and have the product 4");
  require(c.local_conv_size >= 1 && c.local_conv_size <= 31 && c.local_conv_size % 2 == 1,
          "vision_config.local_conv_size", "be odd and at most 31");
  require(c.drop_path_rate >= 0 && c.drop_path_rate < 1, "vision_config.drop_path_rate", "lie in [0, 1)");
  require_width(c.image_size, "vision_config.image_size");
  require(c.image_size % 32 == 0, "vision_config.image_size", "be a multiple of 32");
  require_width(c.output_channels, "vision_config.output_channels");
}

void validate(const EfficientNetConfig& c) {
  constexpr std::size_t kStages = 7;
  require_width(c.stem_channels, "vision_config.stem_channels");
  const auto list = [](const std::vector<int64_t>& values, int64_t most, const std::string& field) {
    require(values.size() == kStages, field, "have 7 numbers");
    for (const int64_t value : values)
      require(value >= 1 && value <= most, field, "lie between 1 and " + std::to_string(most));
  };
  list(c.channels, kMaxWidth, "vision_config.channels");
  list(c.depths, kMaxCount, "vision_config.depths");
  list(c.kernel_sizes, 31, "vision_config.kernel_sizes");
  list(c.strides, 2, "vision_config.strides");
  list(c.expand_ratios, 64, "vision_config.expand_ratios");
  int64_t stride = 2;
  for (std::size_t i = 0; i < kStages; ++i) {
    require(c.kernel_sizes[i] % 2 == 1 && (c.strides[i] == 1 || c.kernel_sizes[i] > 1), "vision_config.kernel_sizes",
            "be odd, and more than 1 where the stride is 2");
    stride *= c.strides[i];
  }
  require(stride == 32 && c.strides[0] == 1, "vision_config.strides", "begin with 1 and have the product 16");
  require(c.batch_norm_eps > 0, "vision_config.batch_norm_eps", "be positive");
  require_width(c.image_size, "vision_config.image_size");
  require(c.image_size % 32 == 0, "vision_config.image_size", "be a multiple of 32");
  require_width(c.output_channels, "vision_config.output_channels");
}

void validate(const PromptEncoderConfig& c) {
  require_width(c.hidden_size, "prompt_encoder_config.hidden_size");
  require(c.hidden_size % 8 == 0, "prompt_encoder_config.hidden_size", "be a multiple of 8");
  require_count(c.patch_size, "prompt_encoder_config.patch_size");
  require(c.image_size > 0 && c.image_size % c.patch_size == 0, "prompt_encoder_config.image_size",
          "be a multiple of patch_size");
  require(c.mask_input_channels >= 4 && c.mask_input_channels <= kMaxWidth && c.mask_input_channels % 4 == 0,
          "prompt_encoder_config.mask_input_channels", "be a multiple of 4");
  require(c.layer_norm_eps > 0, "prompt_encoder_config.layer_norm_eps", "be positive");
}

void validate(const MaskDecoderConfig& c) {
  require_width(c.hidden_size, "mask_decoder_config.hidden_size");
  require(c.hidden_act == "relu" || c.hidden_act == "gelu", "mask_decoder_config.hidden_act", "be relu or gelu");
  require_width(c.mlp_dim, "mask_decoder_config.mlp_dim");
  require_count(c.num_hidden_layers, "mask_decoder_config.num_hidden_layers");
  require_count(c.num_attention_heads, "mask_decoder_config.num_attention_heads");
  require_count(c.attention_downsample_rate, "mask_decoder_config.attention_downsample_rate");
  require(c.hidden_size % (c.num_attention_heads * c.attention_downsample_rate) == 0, "mask_decoder_config.hidden_size",
          "be a multiple of num_attention_heads times attention_downsample_rate");
  require_count(c.num_multimask_outputs, "mask_decoder_config.num_multimask_outputs");
  require(c.iou_head_depth >= 2 && c.iou_head_depth <= kMaxCount, "mask_decoder_config.iou_head_depth",
          "be at least 2");
  require_width(c.iou_head_hidden_dim, "mask_decoder_config.iou_head_hidden_dim");
  require(c.layer_norm_eps > 0, "mask_decoder_config.layer_norm_eps", "be positive");
}

void validate(const ClassDecoderConfig& c) {
  require(c.classes >= 0 && c.classes <= kMaxCount, "class_decoder.classes", "lie between 0 and 1024");
  if (c.classes == 0) return;
  require_count(c.prompt_tokens, "class_decoder.prompt_tokens");
  require(c.fuse_dims.size() == 3, "class_decoder.fuse_dims", "have 3 numbers");
  require(c.fuse_convs.size() == 3, "class_decoder.fuse_convs", "have 3 numbers");
  require(c.stem_dims.size() == 3, "class_decoder.stem_dims", "have 3 numbers");
  for (std::size_t i = 0; i < 3; ++i) {
    require_width(c.fuse_dims[i], "class_decoder.fuse_dims");
    require_count(c.fuse_convs[i], "class_decoder.fuse_convs");
    require_width(c.stem_dims[i], "class_decoder.stem_dims");
  }
  require(c.subpixel == 1 || c.subpixel == 2, "class_decoder.subpixel", "be 1 or 2");
}

}  // namespace

std::size_t EfficientNetConfig::last_stage(int64_t stride) const {
  int64_t reached = 2;
  std::size_t last = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    reached *= strides[i];
    if (reached == stride) last = i;
  }
  return last;
}

std::string SamConfig::architecture() const {
  if (encoder_only) return "efficientnet-lite";
  if (is_vit()) return "sam-vit";
  return std::holds_alternative<TinyVitConfig>(vision) ? "sam-tinyvit" : "sam-efficientnet";
}

int64_t SamConfig::image_step() const {
  const auto* vit = std::get_if<VitConfig>(&vision);
  return vit != nullptr ? vit->patch_size : 32;
}

std::vector<int64_t> SamConfig::feature_dims() const {
  if (const auto* tiny = std::get_if<TinyVitConfig>(&vision))
    return {tiny->embed_dims[0] / 2, tiny->embed_dims[0], tiny->embed_dims[1]};
  if (const auto* net = std::get_if<EfficientNetConfig>(&vision)) {
    const auto channels = [net](int64_t stride) { return net->channels[net->last_stage(stride)]; };
    return {channels(2), channels(4), channels(8)};
  }
  return {};
}

int64_t SamConfig::image_size() const {
  return std::visit([](const auto& encoder) { return encoder.image_size; }, vision);
}

void SamConfig::validate() const {
  std::visit([](const auto& encoder) { plat::validate(encoder); }, vision);
  plat::validate(prompt_encoder);
  plat::validate(mask_decoder);
  plat::validate(class_decoder);
  const int64_t channels = std::visit([](const auto& encoder) { return encoder.output_channels; }, vision);
  require(channels == prompt_encoder.hidden_size, "vision_config.output_channels",
          "equal prompt_encoder_config.hidden_size");
  require(mask_decoder.hidden_size == prompt_encoder.hidden_size, "mask_decoder_config.hidden_size",
          "equal prompt_encoder_config.hidden_size");
  require(image_size() == prompt_encoder.image_size, "prompt_encoder_config.image_size",
          "equal vision_config.image_size");
  const auto* vit = std::get_if<VitConfig>(&vision);
  require(prompt_encoder.patch_size == (vit != nullptr ? vit->patch_size : 16), "prompt_encoder_config.patch_size",
          "equal the encoder's stride");
  require(vit == nullptr || class_decoder.classes == 0 || vit->patch_size == 16, "vision_config.patch_size",
          "be 16 where there are classes");
  require(adapters.rank >= 0 && adapters.rank <= kMaxCount, "the rank of LoRA", "lie between 0 and 1024");
  require(adapters.bottleneck >= 0 && adapters.bottleneck <= kMaxWidth, "plat.bottleneck", "lie between 0 and 65536");
}

}  // namespace plat
