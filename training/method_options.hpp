// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plat {

/// Which of a network's weights learn, and what it may cost.
struct MethodOptions {
  /// full: all; decoder: nothing of the encoder; lora, adapter: what is put beside it; bias-norm: its biases and norms;
  /// last-blocks:N: its last N blocks and what follows them.
  std::string method = "full";
  /// What learns of the decoders (not with full): tokens of the class, class (all that draws its maps), or all (the mask
  /// decoder too, so that prompts are answered differently); empty: class with lora, adapter and bias-norm, else all.
  std::string decoder;
  int64_t rank = 8;             ///< of LoRA, at least 1
  std::optional<double> alpha;  ///< LoRA adds alpha / rank times its product, > 0; unset: twice the rank
  std::vector<std::string> targets = {"q", "v"};  ///< layers that LoRA adapts: q, k, v, or qkv (as one), proj, mlp
  int64_t bottleneck = 64;                        ///< width of the adapters, at least 1
  bool checkpointing = false;   ///< keep only what lies between the encoder's blocks and compute the rest twice
  int64_t accumulate = 1;       ///< batches a step, at least 1
  std::string device = "auto";  ///< auto, cpu, cuda or cuda:N
  /// Of the encoder's products: float32, or bfloat16 on hardware that has it. float16 would need its losses scaled.
  std::string precision = "float32";
  /// How often the training area is covered by crops that repeat from epoch to epoch; 0: every crop is new; unset: 8 with a
  /// frozen encoder, whose results are then kept on disk, else 0.
  std::optional<int64_t> views;
  std::string cache;                ///< folder of these results; empty: `embeddings` in the run's
  std::string cache_size = "20GB";  ///< most that they may take there
  std::string ram = "90%";          ///< memory that the run may take, as parse_memory reads it

  bool is_full() const { return method == "full"; }
  /// Whether nothing of the encoder learns, so that what it makes of a crop never changes.
  bool frozen_encoder() const { return method == "decoder"; }
  /// N of last-blocks:N, else 0.
  int64_t last_blocks() const;
  std::string decoder_part() const;
  int64_t view_count() const { return views.value_or(frozen_encoder() ? 8 : 0); }
  /// What the method puts beside a network's weights.
  AdapterConfig adapters() const;
  /// Throws UsageError naming the option.
  void validate() const;
};

/// Whether a parameter of a network, by its name, learns. Throws UsageError where last-blocks:N names more blocks than
/// there are.
bool learns(const MethodOptions& options, const SamConfig& config, std::string_view name);

}  // namespace plat
