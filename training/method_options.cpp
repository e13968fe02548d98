// SPDX-License-Identifier: Apache-2.0
#include "training/method_options.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace plat {
namespace {

constexpr std::string_view kEncoder = "vision_encoder.";
constexpr std::string_view kLastBlocks = "last-blocks:";

void require(bool holds, const std::string& message) {
  if (!holds) throw UsageError(message);
}

template <typename List>
bool contains(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

/// A number at the start of a text.
std::optional<int64_t> leading_number(std::string_view text) {
  int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? std::optional(number) : std::nullopt;
}

/// The place of a block of the encoder in the order of computation, by the rest of a parameter's name behind
/// "vision_encoder."; -1 before the blocks, the number of blocks behind them.
int64_t block_of(const SamConfig& config, std::string_view name, int64_t& blocks) {
  const auto* tiny = std::get_if<TinyVitConfig>(&config.vision);
  const auto* net = std::get_if<EfficientNetConfig>(&config.vision);
  blocks = 0;
  if (net != nullptr) {
    for (const int64_t depth : net->depths) blocks += depth;
  } else if (tiny == nullptr) {
    blocks = std::get<VitConfig>(config.vision).num_hidden_layers;
  } else {
    for (const int64_t depth : tiny->depths) blocks += depth;
  }
  if (name.starts_with("neck.")) return blocks;
  constexpr std::string_view kBlocks = "blocks.";
  if (net != nullptr) return name.starts_with(kBlocks) ? leading_number(name.substr(kBlocks.size())).value_or(0) : -1;
  constexpr std::string_view kLayers = "layers.";
  if (!name.starts_with(kLayers)) return -1;
  name.remove_prefix(kLayers.size());
  const int64_t layer = leading_number(name).value_or(0);
  if (tiny == nullptr) return layer;
  int64_t before = 0;
  for (int64_t i = 0; i < layer; ++i) before += tiny->depths[static_cast<std::size_t>(i)];
  const auto inner = name.find(".blocks.");
  // The step to the next stage belongs to its last block.
  if (inner == std::string_view::npos) return before + tiny->depths[static_cast<std::size_t>(layer)] - 1;
  return before + leading_number(name.substr(inner + 8)).value_or(0);
}

bool is_bias_or_norm(std::string_view name) {
  return name.ends_with(".bias") || name.find("norm") != std::string_view::npos ||
         name.find(".bn.") != std::string_view::npos || name.ends_with("attention_biases") ||
         // TinyViT's neck has numbers for names; the odd ones are norms.
         name.ends_with("neck.1.weight") || name.ends_with("neck.3.weight");
}

bool encoder_learns(const MethodOptions& options, const SamConfig& config, std::string_view name) {
  if (options.method == "lora") return name.find(".lora_") != std::string_view::npos;
  if (options.method == "adapter") return name.find(".adapter.") != std::string_view::npos;
  if (options.method == "bias-norm") return is_bias_or_norm(name);
  const int64_t last = options.last_blocks();
  if (last == 0) return false;
  int64_t blocks = 0;
  const int64_t block = block_of(config, name.substr(kEncoder.size()), blocks);
  require(last <= blocks,
          "--method " + options.method + ": the encoder has " + std::to_string(blocks) + " blocks only");
  return block >= blocks - last;
}

bool decoder_learns(const std::string& part, std::string_view name) {
  const bool of_class = name.starts_with("class_decoder.");
  if (part == "tokens") {
    return of_class && (name.find("_tokens.") != std::string_view::npos || name == "class_decoder.bias");
  }
  return of_class || (part == "all" && name.starts_with("mask_decoder."));
}

}  // namespace

int64_t MethodOptions::last_blocks() const {
  if (!method.starts_with(kLastBlocks)) return 0;
  const std::string text = method.substr(kLastBlocks.size());
  int64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() ? number : 0;
}

std::string MethodOptions::decoder_part() const {
  if (!decoder.empty()) return decoder;
  return method == "lora" || method == "adapter" || method == "bias-norm" ? "class" : "all";
}

AdapterConfig MethodOptions::adapters() const {
  AdapterConfig config;
  if (method == "lora") {
    config.rank = rank;
    config.alpha = alpha.value_or(2 * static_cast<double>(rank));
    config.targets = targets;
  }
  if (method == "adapter") config.bottleneck = bottleneck;
  return config;
}

void MethodOptions::validate() const {
  static constexpr std::array<std::string_view, 5> kMethods = {"full", "decoder", "lora", "adapter", "bias-norm"};
  static constexpr std::array<std::string_view, 6> kTargets = {"q", "k", "v", "qkv", "proj", "mlp"};
  require(contains(kMethods, method) || last_blocks() > 0,
          "--method '" + method + "' is none of full, decoder, lora, adapter, bias-norm and last-blocks:N");
  require(decoder.empty() || decoder == "tokens" || decoder == "class" || decoder == "all",
          "--decoder must be tokens, class or all");
  require(decoder.empty() || !is_full(), "--decoder: with --method full everything learns; name another method");
  require(rank >= 1 && rank <= 1024, "--rank must lie between 1 and 1024");
  require(!alpha || *alpha > 0, "--alpha must be more than 0");
  require(bottleneck >= 1 && bottleneck <= 4096, "--bottleneck must lie between 1 and 4096");
  require(accumulate >= 1 && accumulate <= 65536, "--accumulate must lie between 1 and 65536");
  require(!targets.empty(), "--targets names no layer: give some of q, k, v, qkv, proj and mlp");
  for (const std::string& target : targets) {
    require(contains(kTargets, target), "--targets: '" + target + "' is none of q, k, v, qkv, proj and mlp");
  }
  const bool slices = contains(targets, "q") || contains(targets, "k") || contains(targets, "v");
  require(!(slices && contains(targets, "qkv")),
          "--targets: qkv adapts queries, keys and values as one; give it or some of q, k and v");
  require(view_count() >= 0 && view_count() <= 100'000, "--views must lie between 0 and 100000");
  require(cache.empty() || (frozen_encoder() && view_count() > 0),
          "--cache keeps what a frozen encoder makes of crops that repeat: pass --method decoder and --views");
  if (precision != "float32" && precision != "bfloat16")
    throw UsageError("--precision must be float32 or bfloat16, not '" + precision + "'");
  static_cast<void>(parse_memory(ram));
  static_cast<void>(parse_memory(cache_size));
}

bool learns(const MethodOptions& options, const SamConfig& config, std::string_view name) {
  if (options.is_full()) return true;
  if (name.starts_with(kEncoder)) return encoder_learns(options, config, name);
  return decoder_learns(options.decoder_part(), name);
}

}  // namespace plat
