// SPDX-License-Identifier: Apache-2.0
#include "model/import/sam_shapes.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace plat::detail {
namespace {

/// Writes the shapes of a network down, module by module.
class Plan {
 public:
  TensorShapes shapes;

  void add(const std::string& name, std::vector<int64_t> shape) { shapes[name] = std::move(shape); }
  void linear(const std::string& name, int64_t out, int64_t in, bool bias = true) {
    add(name + ".weight", {out, in});
    if (bias) add(name + ".bias", {out});
  }
  void conv(const std::string& name, int64_t out, int64_t in, int64_t side, bool bias = true) {
    add(name + ".weight", {out, in, side, side});
    if (bias) add(name + ".bias", {out});
  }
  void norm(const std::string& name, int64_t channels) {
    add(name + ".weight", {channels});
    add(name + ".bias", {channels});
  }
  void conv_norm(const std::string& name, int64_t out, int64_t in, int64_t side) {
    conv(name + ".c", out, in, side, false);
    norm(name + ".bn", out);
    add(name + ".bn.running_mean", {out});
    add(name + ".bn.running_var", {out});
  }
  void perceptron(const std::string& name, int64_t in, int64_t hidden, int64_t out, int64_t depth) {
    linear(name + ".proj_in", hidden, in);
    for (int64_t i = 2; i < depth; ++i) linear(name + ".layers." + std::to_string(i - 2), hidden, hidden);
    linear(name + ".proj_out", out, hidden);
  }
};

void plan(Plan& p, const VitConfig& c) {
  const std::string root = "vision_encoder.";
  const int64_t width = c.hidden_size, tokens = c.image_size / c.patch_size;
  p.conv(root + "patch_embed.projection", width, 3, c.patch_size);
  if (c.use_abs_pos) p.add(root + "pos_embed", {1, tokens, tokens, width});
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const std::string layer = root + "layers." + std::to_string(i) + ".";
    const bool global =
        std::find(c.global_attn_indexes.begin(), c.global_attn_indexes.end(), i) != c.global_attn_indexes.end();
    const int64_t side = global || c.window_size == 0 ? tokens : c.window_size;
    p.norm(layer + "layer_norm1", width);
    p.linear(layer + "attn.qkv", 3 * width, width, c.qkv_bias);
    p.linear(layer + "attn.proj", width, width);
    for (const char* axis : {"h", "w"}) {
      if (c.use_rel_pos) p.add(layer + "attn.rel_pos_" + axis, {2 * side - 1, width / c.num_attention_heads});
    }
    p.norm(layer + "layer_norm2", width);
    p.linear(layer + "mlp.lin1", c.mlp_dim, width);
    p.linear(layer + "mlp.lin2", width, c.mlp_dim);
  }
  p.conv(root + "neck.conv1", c.output_channels, width, 1, false);
  p.norm(root + "neck.layer_norm1", c.output_channels);
  p.conv(root + "neck.conv2", c.output_channels, c.output_channels, 3, false);
  p.norm(root + "neck.layer_norm2", c.output_channels);
}

void plan(Plan& p, const TinyVitConfig& c) {
  const std::string root = "vision_encoder.";
  p.conv_norm(root + "patch_embed.seq.0", c.embed_dims[0] / 2, 3, 3);
  p.conv_norm(root + "patch_embed.seq.2", c.embed_dims[0], c.embed_dims[0] / 2, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string stage = root + "layers." + std::to_string(i) + ".";
    const int64_t width = c.embed_dims[i];
    const auto widened = [&](double ratio) { return static_cast<int64_t>(static_cast<double>(width) * ratio); };
    for (int64_t j = 0; j < c.depths[i]; ++j) {
      const std::string block = stage + "blocks." + std::to_string(j) + ".";
      if (i == 0) {
        const int64_t hidden = widened(c.mbconv_expand_ratio);
        p.conv_norm(block + "conv1", hidden, width, 1);
        p.conv_norm(block + "conv2", hidden, 1, 3);
        p.conv_norm(block + "conv3", width, hidden, 1);
        continue;
      }
      const int64_t hidden = widened(c.mlp_ratio);
      p.add(block + "attn.attention_biases", {c.num_heads[i], c.window_sizes[i] * c.window_sizes[i]});
      p.norm(block + "attn.norm", width);
      p.linear(block + "attn.qkv", 3 * width, width);
      p.linear(block + "attn.proj", width, width);
      p.norm(block + "mlp.norm", width);
      p.linear(block + "mlp.fc1", hidden, width);
      p.linear(block + "mlp.fc2", width, hidden);
      p.conv_norm(block + "local_conv", width, 1, c.local_conv_size);
    }
    if (i == 3) continue;
    const int64_t next = c.embed_dims[i + 1];
    p.conv_norm(stage + "downsample.conv1", next, width, 1);
    p.conv_norm(stage + "downsample.conv2", next, 1, 3);
    p.conv_norm(stage + "downsample.conv3", next, next, 1);
  }
  p.conv(root + "neck.0", c.output_channels, c.embed_dims[3], 1, false);
  p.norm(root + "neck.1", c.output_channels);
  p.conv(root + "neck.2", c.output_channels, c.output_channels, 3, false);
  p.norm(root + "neck.3", c.output_channels);
}

void plan(Plan& p, const EfficientNetConfig& c, bool neck) {
  const std::string root = "vision_encoder.";
  p.conv_norm(root + "stem", c.stem_channels, 3, 3);
  int64_t in = c.stem_channels, number = 0;
  for (std::size_t i = 0; i < c.channels.size(); ++i) {
    for (int64_t j = 0; j < c.depths[i]; ++j, ++number) {
      const std::string block = root + "blocks." + std::to_string(number) + ".";
      const int64_t wide = in * c.expand_ratios[i];
      if (c.expand_ratios[i] > 1) p.conv_norm(block + "expand", wide, in, 1);
      p.conv_norm(block + "depthwise", wide, 1, c.kernel_sizes[i]);
      p.conv_norm(block + "project", c.channels[i], wide, 1);
      in = c.channels[i];
    }
  }
  if (!neck) return;
  for (const int64_t stride : {16, 32})
    p.conv(root + "neck.project" + std::to_string(stride), c.output_channels, c.channels[c.last_stage(stride)], 1,
           false);
  p.norm(root + "neck.norm1", c.output_channels);
  p.conv(root + "neck.conv", c.output_channels, c.output_channels, 3, false);
  p.norm(root + "neck.norm2", c.output_channels);
}

void plan(Plan& p, const EfficientNetConfig& c) { plan(p, c, /*neck=*/true); }

void plan(Plan& p, const PromptEncoderConfig& c) {
  const std::string root = "prompt_encoder.";
  p.add("shared_image_embedding.positional_embedding", {2, c.hidden_size / 2});
  for (int64_t i = 0; i < 4; ++i) p.add(root + "point_embed." + std::to_string(i) + ".weight", {1, c.hidden_size});
  p.add(root + "not_a_point_embed.weight", {1, c.hidden_size});
  p.add(root + "no_mask_embed.weight", {1, c.hidden_size});
  const int64_t wide = c.mask_input_channels, narrow = wide / 4;
  p.conv(root + "mask_embed.conv1", narrow, 1, 2);
  p.norm(root + "mask_embed.layer_norm1", narrow);
  p.conv(root + "mask_embed.conv2", wide, narrow, 2);
  p.norm(root + "mask_embed.layer_norm2", wide);
  p.conv(root + "mask_embed.conv3", c.hidden_size, wide, 1);
}

void plan(Plan& p, const MaskDecoderConfig& c) {
  const std::string root = "mask_decoder.";
  const int64_t width = c.hidden_size, masks = c.num_multimask_outputs + 1;
  const auto attention = [&](const std::string& name, int64_t inner) {
    for (const char* part : {"q_proj", "k_proj", "v_proj"}) p.linear(name + "." + part, inner, width);
    p.linear(name + ".out_proj", width, inner);
  };
  const int64_t inner = width / c.attention_downsample_rate;
  p.add(root + "iou_token.weight", {1, width});
  p.add(root + "mask_tokens.weight", {masks, width});
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const std::string layer = root + "transformer.layers." + std::to_string(i) + ".";
    attention(layer + "self_attn", width);
    attention(layer + "cross_attn_token_to_image", inner);
    attention(layer + "cross_attn_image_to_token", inner);
    for (int n = 1; n <= 4; ++n) p.norm(layer + "layer_norm" + std::to_string(n), width);
    p.linear(layer + "mlp.lin1", c.mlp_dim, width);
    p.linear(layer + "mlp.lin2", width, c.mlp_dim);
  }
  attention(root + "transformer.final_attn_token_to_image", inner);
  p.norm(root + "transformer.layer_norm_final_attn", width);
  // Transposed convolutions: what comes in stands first.
  p.add(root + "upscale_conv1.weight", {width, width / 4, 2, 2});
  p.add(root + "upscale_conv1.bias", {width / 4});
  p.norm(root + "upscale_layer_norm", width / 4);
  p.add(root + "upscale_conv2.weight", {width / 4, width / 8, 2, 2});
  p.add(root + "upscale_conv2.bias", {width / 8});
  for (int64_t i = 0; i < masks; ++i) {
    p.perceptron(root + "output_hypernetworks_mlps." + std::to_string(i), width, width, width / 8, 3);
  }
  p.perceptron(root + "iou_prediction_head", width, c.iou_head_hidden_dim, masks, c.iou_head_depth);
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text.empty() ? "a single number" : text;
}

/// "3 tensors are missing ('a', 'b', …)", or nothing.
std::string listed(const std::vector<std::string>& names, const std::string& what) {
  constexpr std::size_t kShown = 3;
  if (names.empty()) return "";
  std::string text = std::to_string(names.size()) + (names.size() == 1 ? " tensor is " : " tensors are ") + what + " (";
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return text + (names.size() > kShown ? ", …)" : ")");
}

}  // namespace

TensorShapes expected_shapes(const SamConfig& config) {
  config.validate();
  Plan p;
  if (config.encoder_only) {
    plan(p, std::get<EfficientNetConfig>(config.vision), /*neck=*/false);
    return std::move(p.shapes);
  }
  std::visit([&](const auto& encoder) { plan(p, encoder); }, config.vision);
  plan(p, config.prompt_encoder);
  plan(p, config.mask_decoder);
  return std::move(p.shapes);
}

void check_shapes(const TensorShapes& found, const SamConfig& config, const std::string& where) {
  const TensorShapes expected = expected_shapes(config);
  std::vector<std::string> missing, unexpected, different;
  for (const auto& [name, shape] : expected) {
    const auto there = found.find(name);
    if (there == found.end()) {
      missing.push_back("'" + name + "'");
    } else if (there->second != shape) {
      different.push_back("'" + name + "': " + text_of(there->second) + " instead of " + text_of(shape));
    }
  }
  for (const auto& [name, shape] : found) {
    if (!expected.contains(name)) unexpected.push_back("'" + name + "'");
  }
  const std::string kind = config.encoder_only ? "EfficientNet-Lite" : "SAM";
  std::string text;
  for (const std::string& part : {listed(missing, "missing"), listed(unexpected, "of no " + kind + " that plat knows"),
                                  listed(different, "of the wrong shape")}) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  }
  if (!text.empty()) throw ModelError(where + ": does not hold a whole, plain " + kind + ": " + text);
}

}  // namespace plat::detail
