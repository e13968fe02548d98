// SPDX-License-Identifier: Apache-2.0
#include "cli/train_method_arguments.hpp"

#include "core/text.hpp"

namespace plat::cli {

void add_method_options(CLI::App& command, TrainOptions& options, TrainMethodTexts& texts) {
  const std::string group = "Method";
  MethodOptions& method = options.method;
  command
      .add_option(
          "--method", method.method,
          "What learns: full (everything), decoder (the encoder is frozen), lora or adapter (small parts beside the "
          "encoder's layers), bias-norm (its biases and norms), last-blocks:N (its last N blocks); all but full need "
          "--init")
      ->capture_default_str()
      ->group(group);
  command
      .add_option(
          "--decoder", method.decoder,
          "What learns of the decoders: tokens (of the class), class (all that draws its maps), all (prompted masks "
          "too) (default: class with lora, adapter and bias-norm, else all)")
      ->check(CLI::IsMember({"tokens", "class", "all"}))
      ->group(group);
  command.add_option("--rank", method.rank, "Rank of LoRA")->capture_default_str()->group(group);
  command.add_option("--alpha", method.alpha, "LoRA adds alpha / rank times its product (default: twice the rank)")
      ->group(group);
  command
      .add_option("--targets", texts.targets,
                  "Layers that LoRA adapts: any of q, k, v (each for itself), or qkv (as one), proj, mlp")
      ->capture_default_str()
      ->group(group);
  command.add_option("--bottleneck", method.bottleneck, "Width of the adapters")->capture_default_str()->group(group);
  command.add_option("--accumulate", method.accumulate, "Batches a step")->capture_default_str()->group(group);
  command
      .add_flag("--checkpointing", method.checkpointing,
                "Keep only what lies between the encoder's blocks and compute the rest twice: less memory, more time")
      ->group(group);
  command
      .add_option("--device", method.device,
                  "Where the network is trained: auto (a graphics card where there is one), cpu, cuda or cuda:N")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--precision", method.precision,
                  "Of the encoder: float32, or bfloat16 on graphics cards and the CPUs that have it")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option(
          "--views", method.views,
          "How often the area is covered by crops that repeat; with a frozen encoder its results are kept on disk (0: "
          "every crop is new; default: 8 with --method decoder, else 0)")
      ->group(group);
  command.add_option("--cache", method.cache, "Folder of these results (default: embeddings, in the run's)")
      ->group(group);
  command.add_option("--cache-size", method.cache_size, "Most that they may take there")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--ram", method.ram,
                  "Memory that the run may take, as 8GB, 8000 (MB) or 50%; a larger plan is refused")
      ->capture_default_str()
      ->group(group);
}

void add_forgetting_options(CLI::App& command, ForgettingOptions& options) {
  const std::string group = "Against forgetting";
  command.add_option("--l2-sp", options.l2_sp, "Pull of what learns back to the base's values; 0: none")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--wise", options.wise, "The model is this much of the tuned weights, the rest the base's (WiSE-FT)")
      ->capture_default_str()
      ->group(group);
  command.add_option("--distil", options.distil, "Weight of following the base's prompted masks on --distil-data")
      ->capture_default_str()
      ->group(group);
  command.add_option("--distil-data", options.distil_data, "Rasters or folders of them; they need no labels")
      ->group(group)
      ->type_name("PATH ...");
  command.add_option("--replay-scenes", options.replay_scenes, "Rasters like those that the base was trained on")
      ->group(group)
      ->type_name("PATH ...");
  command.add_option("--replay-labels", options.replay_labels, "Their labels")->group(group)->type_name("FILE ...");
  command.add_option("--replay-share", options.replay_share, "Share of the crops that show these")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--retain", options.retain,
                  "Images and labels, as DATA, of other kinds of objects: base and model are asked for them (default: "
                  "drawn shapes)")
      ->group(group)
      ->type_name("PATH ...");
  command
      .add_option("--retain-objects", options.retain_objects,
                  "How many objects base and model are asked for, to tell what was forgotten; 0: none")
      ->capture_default_str()
      ->group(group);
}

void apply(const TrainMethodTexts& texts, TrainOptions& options) { options.method.targets = split(texts.targets, ','); }

}  // namespace plat::cli
