// SPDX-License-Identifier: Apache-2.0
#include "model/import/transformers_names.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace plat::detail {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Parts of names, Meta's and transformers'.
constexpr Pair kPromptParts[] = {
    {"pe_layer.positional_encoding_gaussian_matrix", "shared_embedding.positional_embedding"},
    {"point_embeddings.", "point_embed."},
    {"mask_downscaling.0.", "mask_embed.conv1."},
    {"mask_downscaling.1.", "mask_embed.layer_norm1."},
    {"mask_downscaling.3.", "mask_embed.conv2."},
    {"mask_downscaling.4.", "mask_embed.layer_norm2."},
    {"mask_downscaling.6.", "mask_embed.conv3."}};
constexpr Pair kDecoderParts[] = {{"output_upscaling.0.", "upscale_conv1."},
                                  {"output_upscaling.1.", "upscale_layer_norm."},
                                  {"output_upscaling.3.", "upscale_conv2."},
                                  {"norm_final_attn.", "layer_norm_final_attn."}};
constexpr Pair kVitParts[] = {{"patch_embed.proj.", "patch_embed.projection."},
                              {"blocks.", "layers."},
                              {".norm1.", ".layer_norm1."},
                              {".norm2.", ".layer_norm2."},
                              {"neck.0.", "neck.conv1."},
                              {"neck.1.", "neck.layer_norm1."},
                              {"neck.2.", "neck.conv2."},
                              {"neck.3.", "neck.layer_norm2."}};
constexpr std::string_view kMetaEncoder = "image_encoder.", kEncoder = "vision_encoder.";
constexpr std::string_view kPositions = "shared_image_embedding.positional_embedding";
constexpr std::string_view kSamePositions = "prompt_encoder.shared_embedding.positional_embedding";

/// Other networks of the family, by a part of a name that only they have.
constexpr Pair kRelatives[] = {{"hf_mlp", "HQ-SAM"},
                               {"hf_token", "HQ-SAM"},
                               {"compress_vit_feat", "HQ-SAM"},
                               {"hq_token", "HQ-SAM"},
                               {"memory_attention.", "SAM 2"},
                               {"memory_encoder.", "SAM 2"},
                               {"image_encoder.trunk.", "SAM 2"},
                               {"sam_mask_decoder.", "SAM 2"},
                               {"vision_encoder.backbone.", "SAM 2"},
                               {"lora_", "a SAM with LoRA layers that are not merged"},
                               {".Adapter.", "a SAM with adapter layers"}};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void replace(std::string& name, const Pair& pair) {
  const auto at = name.find(pair.first);
  if (at != std::string::npos) name.replace(at, pair.first.size(), pair.second);
}

template <std::size_t N>
void replace_all(std::string& name, const Pair (&pairs)[N]) {
  for (const Pair& pair : pairs) replace(name, pair);
}

[[noreturn]] void refuse(const NamedTensors& tensors, const std::string& where) {
  std::string names;
  int shown = 0;
  for (const auto& [name, tensor] : tensors) {
    if (shown++ == 3) break;
    names += (names.empty() ? "'" : ", '") + name + "'";
  }
  throw ModelError(where + ": is no SAM with a ViT or TinyViT encoder: it has tensors like " + names +
                   "; import a file of Segment Anything or MobileSAM, or an EfficientNet-Lite to train from");
}

constexpr Pair kEfficientNetParts[] = {{"_expand_conv.", "expand.c."},       {"_bn0.", "expand.bn."},
                                       {"_depthwise_conv.", "depthwise.c."}, {"_bn1.", "depthwise.bn."},
                                       {"_project_conv.", "project.c."},     {"_bn2.", "project.bn."}};
constexpr std::string_view kEfficientNetStem = "_conv_stem.", kEfficientNetBlocks = "_blocks.";

/// An EfficientNet-Lite's tensors as those of an encoder; empty where it is none.
NamedTensors efficient_net_encoder(const NamedTensors& tensors, const std::string& where) {
  NamedTensors result;
  const std::string first = std::string(kEfficientNetStem) + "weight";
  const auto stem = std::ranges::find_if(tensors, [&first](const auto& item) { return item.first.ends_with(first); });
  if (stem == tensors.end()) return result;
  const std::string prefix = stem->first.substr(0, stem->first.size() - first.size());
  for (const auto& [whole, tensor] : tensors) {
    if (!whole.starts_with(prefix)) continue;
    const std::string name = whole.substr(prefix.size());
    if (contains(name, "._se_reduce.")) {
      throw ModelError(where +
                       ": is an EfficientNet with squeeze-and-excitation, which plat has no code for; import an "
                       "EfficientNet-Lite");
    }
    std::string renamed(kEncoder);
    if (name.starts_with(kEfficientNetStem)) {
      renamed += "stem.c." + name.substr(kEfficientNetStem.size());
    } else if (name.starts_with("_bn0.")) {
      renamed += "stem.bn." + name.substr(5);
    } else if (name.starts_with(kEfficientNetBlocks)) {
      renamed += "blocks." + name.substr(kEfficientNetBlocks.size());
      replace_all(renamed, kEfficientNetParts);
    } else {
      continue;  // the head that tells classes of photographs apart
    }
    if (!renamed.ends_with(".num_batches_tracked")) result.emplace(renamed, tensor);
  }
  return result;
}

/// What stands before every name of the network.
std::string prefix_of(const NamedTensors& tensors, const std::string& where) {
  for (const auto& [name, tensor] : tensors) {
    for (const std::string_view encoder : {kMetaEncoder, kEncoder}) {
      for (const char* first : {"patch_embed.", "stem."}) {
        const auto at = name.find(std::string(encoder) + first);
        if (at == 0 || (at != std::string::npos && name[at - 1] == '.')) return name.substr(0, at);
      }
    }
  }
  refuse(tensors, where);
}

/// Whether a name says nothing about the network.
bool is_idle(std::string_view name) {
  return name.ends_with(".num_batches_tracked") || name.ends_with(".attention_bias_idxs") ||
         name.ends_with(".attn.ab") || name.starts_with("vision_encoder.norm_head.") ||
         name.starts_with("vision_encoder.head.") || name == "pixel_mean" || name == "pixel_std";
}

/// Meta's perceptrons number their layers; transformers sets the first and the last apart.
void rename_perceptron(std::string& name, const std::map<std::string, int>& last_layers) {
  constexpr std::string_view kLayers = ".layers.";
  const auto at = name.find(kLayers);
  if (at == std::string::npos) return;
  const auto known = last_layers.find(name.substr(0, at));
  const auto begin = at + kLayers.size(), end = name.find('.', begin);
  if (known == last_layers.end() || end == std::string::npos || end - begin != 1) return;
  const int layer = name[begin] - '0';
  const std::string place = layer == 0               ? ".proj_in"
                            : layer == known->second ? ".proj_out"
                                                     : ".layers." + std::to_string(layer - 1);
  name.replace(at, end - at, place);
}

/// The number of the last layer of each of the decoder's perceptrons, by what stands before ".layers."; a network with
/// more than ten layers in one does not exist.
std::map<std::string, int> last_layers_of(const NamedTensors& tensors, std::size_t prefix) {
  std::map<std::string, int> last;
  for (const auto& [whole, tensor] : tensors) {
    if (whole.size() <= prefix) continue;
    const std::string name = whole.substr(prefix);
    if (!contains(name, "output_hypernetworks_mlps.") && !contains(name, "iou_prediction_head.")) continue;
    const auto at = name.find(".layers.");
    if (at == std::string::npos || at + 8 >= name.size() || name[at + 8] < '0' || name[at + 8] > '9') continue;
    int& number = last[name.substr(0, at)];
    number = std::max(number, name[at + 8] - '0');
  }
  return last;
}

std::string renamed(std::string name, bool tiny, const std::map<std::string, int>& last_layers) {
  if (name.starts_with(kMetaEncoder)) {
    name.replace(0, kMetaEncoder.size(), kEncoder);
    if (!tiny) replace_all(name, kVitParts);
  } else if (name.starts_with("prompt_encoder.")) {
    replace_all(name, kPromptParts);
  } else if (name.starts_with("mask_decoder.transformer.layers.")) {
    if (contains(name, ".norm")) replace(name, {".norm", ".layer_norm"});
  } else if (name.starts_with("mask_decoder.")) {
    replace_all(name, kDecoderParts);
    rename_perceptron(name, last_layers);
  }
  return name;
}

}  // namespace

NamedTensors transformers_names(const NamedTensors& tensors, const std::string& where) {
  for (const auto& [name, tensor] : tensors) {
    for (const auto& [part, network] : kRelatives) {
      if (!contains(name, part)) continue;
      throw ModelError(where + ": is " + std::string(network) + " ('" + name +
                       "'), which plat has no code for; import a plain Segment Anything or MobileSAM");
    }
  }
  if (NamedTensors encoder = efficient_net_encoder(tensors, where); !encoder.empty()) return encoder;
  const std::string prefix = prefix_of(tensors, where);
  const bool meta = std::any_of(tensors.begin(), tensors.end(), [&](const auto& item) {
    return item.first.starts_with(prefix + std::string(kMetaEncoder));
  });
  const bool tiny = tensors.contains(prefix + std::string(kMetaEncoder) + "patch_embed.seq.0.c.weight");
  const auto last_layers = meta ? last_layers_of(tensors, prefix.size()) : std::map<std::string, int>();
  NamedTensors result;
  for (const auto& [whole, tensor] : tensors) {
    std::string name = whole.starts_with(prefix) ? whole.substr(prefix.size()) : whole;
    if (meta) name = renamed(std::move(name), tiny, last_layers);
    if (is_idle(name)) continue;
    if (!result.emplace(name, tensor).second) {
      throw ModelError(where + ": has two tensors that both stand for '" + name + "'");
    }
  }
  // One matrix, which transformers knows by two names and may store under either.
  if (auto same = result.extract(std::string(kSamePositions)); !same.empty()) {
    same.key() = kPositions;
    result.insert(std::move(same));
  }
  return result;
}

}  // namespace plat::detail
