// SPDX-License-Identifier: Apache-2.0
#include "training/start_model.hpp"

#include "core/error.hpp"
#include "model/files/adapter_folder.hpp"
#include "model/nn/device.hpp"
#include "model/nn/lora.hpp"
#include "model/nn/weights.hpp"
#include "model/precision.hpp"
#include "model/sam_config.hpp"
#include "postprocess/instances.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace plat {
namespace {

constexpr const char* kClassPart = "class_decoder.";
constexpr const char* kEncoderPart = "vision_encoder.";
constexpr const char* kNeckPart = "vision_encoder.neck.";

/// LoRA as the modules of a network have it, in peft's words.
LoraScaling scaling_of(const AdapterConfig& config, bool vit) {
  LoraScaling scaling;
  scaling.rank = config.rank;
  scaling.alpha = config.alpha;
  std::vector<std::string> targets = config.targets;
  const auto slices = std::erase_if(targets, [](const std::string& target) { return target.size() == 1; });
  if (slices > 0) {
    // The pairs of the slices lie stacked in one of a higher rank; with alpha as many times higher the scale stays.
    const auto pairs = static_cast<int64_t>(slices);
    scaling.modules.push_back("qkv");
    scaling.ranks["qkv"] = pairs * config.rank;
    scaling.alphas["qkv"] = static_cast<double>(pairs) * config.alpha;
  }
  for (const std::string& target : targets) {
    if (target == "mlp") {
      for (const char* layer : {vit ? "lin1" : "fc1", vit ? "lin2" : "fc2"}) scaling.modules.push_back(layer);
    } else {
      scaling.modules.push_back(target == "proj" ? "attn.proj" : target);
    }
  }
  for (std::string& module : scaling.modules) {
    // The mask decoder has layers of the same names.
    if (module == "lin1" || module == "lin2") module = "mlp." + module;
  }
  return scaling;
}

// Of the small networks that training builds.
constexpr int64_t kTile = 512;
constexpr int64_t kHidden = 128;

/// The encoder of a network that is told no other.
TinyVitConfig small_tiny_vit() {
  TinyVitConfig vision;
  vision.embed_dims = {48, 96, 160, 192};
  vision.depths = {1, 2, 4, 2};
  vision.num_heads = {2, 3, 5, 6};
  vision.window_sizes = {8, 8, 16, 8};
  vision.mlp_ratio = 3;
  vision.mbconv_expand_ratio = 3;
  vision.image_size = kTile;
  vision.output_channels = kHidden;
  return vision;
}

/// A small SAM around an encoder; with a TinyViT of about 3 million parameters in all, few enough to learn from a few thousand
/// objects on two cores.
SamConfig small_sam(const decltype(SamConfig::vision)& vision, int64_t classes) {
  SamConfig config;
  config.vision = vision;
  const int64_t hidden = std::visit([](const auto& encoder) { return encoder.output_channels; }, vision);
  config.prompt_encoder.hidden_size = hidden;
  config.prompt_encoder.image_size = config.image_size();
  if (const auto* vit = std::get_if<VitConfig>(&vision)) config.prompt_encoder.patch_size = vit->patch_size;
  config.mask_decoder.hidden_size = hidden;
  config.mask_decoder.mlp_dim = 3 * hidden;
  config.mask_decoder.num_attention_heads = 4;
  config.mask_decoder.iou_head_hidden_dim = hidden;
  config.class_decoder.classes = classes;
  config.class_decoder.subpixel = 2;
  return config;
}

/// A new network around the encoder of a folder, and what the encoder expects of pixels.
ModelFolder describe_around_encoder(const std::string& folder) {
  const ModelFolder encoder = read_model_folder(folder);
  ModelFolder model;
  model.description.bands = encoder.description.bands;
  model.description.mean = encoder.description.mean;
  model.description.deviation = encoder.description.deviation;
  model.description.training_data = encoder.description.training_data;
  auto vision = encoder.config.vision;
  // An encoder alone has no neck yet, and no tile that its positions belong to.
  if (auto* net = std::get_if<EfficientNetConfig>(&vision); net != nullptr && encoder.config.encoder_only) {
    net->output_channels = kHidden;
    net->image_size = kTile;
  }
  model.config = small_sam(vision, 1);
  return model;
}

/// Throws ModelError where a method adapts layers that an encoder does not have.
void require_layers_for(const MethodOptions& method, const SamConfig& config) {
  const AdapterConfig adapters = method.adapters();
  if (!std::holds_alternative<EfficientNetConfig>(config.vision) || (adapters.rank == 0 && adapters.bottleneck == 0))
    return;
  throw ModelError("--method " + method.method +
                   " works beside attention, and this model's encoder has convolutions only: use full, last-blocks:N, "
                   "bias-norm or decoder");
}

}  // namespace

ModelFolder describe_model(const TrainOptions& options) {
  ModelFolder model;
  const std::string from = options.init.empty() ? options.architecture : options.init;
  if (!options.encoder.empty()) {
    model = describe_around_encoder(options.encoder);
  } else if (from.empty()) {
    model.config = small_sam(small_tiny_vit(), 1);
  } else {
    model = read_model_folder(from);
    if (model.config.encoder_only) throw ModelError(from + ": is an image encoder alone; start from it with --encoder");
    if (options.init.empty()) model.description = {};
    if (model.config.class_decoder.classes == 0) {
      if (options.method.decoder_part() == "tokens")
        throw UsageError("--decoder tokens: " + from +
                         " draws no class yet; all that does must learn: pass class or all");
      model.config.class_decoder.classes = 1;
    }
    if (model.config.class_decoder.classes != 1) {
      throw ModelError(from + ": training needs a network with one class or none, this one has " +
                       std::to_string(model.config.class_decoder.classes));
    }
  }
  model.base.reset();
  require_layers_for(options.method, model.config);
  const int64_t bottleneck = model.config.adapters.bottleneck;
  model.config.adapters = options.method.adapters();
  if (bottleneck > 0) {
    if (options.method.method == "adapter")
      throw ModelError(from +
                       ": has adapters already; train them further with --method bias-norm, last-blocks:N or full");
    model.config.adapters.bottleneck = bottleneck;
  }
  ModelDescription& about = model.description;
  about.name = options.model_name;
  about.architecture = model.config.architecture();
  if (about.classes.size() != 1) about.classes = {ClassDescription{options.class_name, {}}};
  ClassDescription& about_class = about.classes.front();
  about_class.name = options.class_name;
  about_class.squared = options.squared.value_or(about_class.squared);
  if (options.min_area_m2) about_class.thresholds.min_area_m2 = *options.min_area_m2;
  if (options.close_gap_m) about_class.thresholds.close_gap_px = *options.close_gap_m / options.data.gsd_m;
  if (about_class.thresholds.close_gap_px > kWidestGapPixels)
    throw UsageError("--close-gaps must be at most 20 pixels of the model, " +
                     std::to_string(static_cast<int>(kWidestGapPixels * options.data.gsd_m)) + " m");
  about.gsd_m = options.data.gsd_m;
  // A ViT stretches its positions over the image: its tiles must be as large as the crops that it learned from.
  about.tile_size = model.config.is_vit() ? options.crop.size : model.config.image_size();
  about.overlap = about.tile_size / 4;
  about.licence = options.licence;
  for (const std::string& line : options.attribution) {
    // Data that the start learned from too is named once.
    if (std::ranges::find(about.training_data, line) == about.training_data.end()) about.training_data.push_back(line);
  }
  return model;
}

TrainOptions resolved(TrainOptions options) {
  constexpr double kGsd = 0.3;
  constexpr double kFreshRate = 1.5e-3;
  constexpr double kFurtherRate = 3e-4;
  constexpr double kEncoderRate = 0.3;  // what has learned already learns more slowly than what is new
  constexpr double kBesideRate = 1e-3;  // what lies beside the weights starts from nothing
  const double gsd_m = options.init.empty() ? kGsd : read_model_folder(options.init).description.gsd_m.value_or(kGsd);
  options.data.gsd_m = options.gsd_m.value_or(gsd_m);
  options.data.class_name = options.class_name;
  options.data.seed = options.seed;
  // Half a crop at its widest, so that crops reach the edge of the labelled part as they reach its middle; but no less than
  // validation looks at.
  constexpr double kLeastContext = 128;
  constexpr double kMostContext = 1e6;
  const double half = static_cast<double>(options.crop.size) / options.crop.scale.first / 2;
  options.data.context_px = static_cast<int64_t>(std::ceil(std::clamp(half, kLeastContext, kMostContext)));
  if (!options.optimizer.encoder_rate) options.optimizer.encoder_rate = options.encoder.empty() ? 1 : kEncoderRate;
  if (!options.optimizer.learning_rate) {
    const std::string& method = options.method.method;
    const bool beside = method == "lora" || method == "adapter" || method == "bias-norm";
    options.optimizer.learning_rate = options.init.empty() ? kFreshRate : beside ? kBesideRate : kFurtherRate;
  }
  return options;
}

TrainingDataOptions with_room_for_tiles(TrainingDataOptions options, const ModelDescription& model) {
  options.context_px = std::max(options.context_px, model.tile_size);
  return options;
}

namespace nn {

at::Device training_device(const MethodOptions& method) {
  const at::Device device = device_of(method.device);
  if (method.precision == "bfloat16" && device.is_cpu() && !has_hardware_for(Precision::BFloat16)) {
    throw ModelError(
        "this processor has no hardware for bfloat16 and would take hundreds of times as long as for float32; leave "
        "out --precision");
  }
  return device;
}

void load_start(TrainState& state, const TrainOptions& options) {
  if (options.init.empty()) {
    state.start_attention_from_position();
    if (options.encoder.empty()) return;
    // An encoder alone has no neck.
    const bool alone = read_model_folder(options.encoder).config.encoder_only;
    load_model(*state.network, options.encoder, [alone](const std::string& name) {
      return !name.starts_with(kEncoderPart) || (alone && name.starts_with(kNeckPart));
    });
    state.reset_average();
    return;
  }
  // A base without classes has no tensors for them; what lies beside its layers it never has.
  const bool plain = read_model_folder(options.init).config.class_decoder.classes == 0;
  state.fresh_classes = plain;
  load_model(*state.network, options.init, [&](const std::string& name) {
    const bool beside = name.find(".lora_") != std::string::npos || name.find(".adapter.") != std::string::npos;
    return (beside && state.learned.contains(name)) || (plain && name.starts_with(kClassPart));
  });
  state.reset_average();
  if (options.forgetting.needs_base()) state.remember_base();
}

void mix_with_base(TrainState& state, double share) {
  const at::NoGradGuard no_gradient;
  const auto before = state.base->named_parameters();
  for (auto& item : state.average->named_parameters()) {
    const std::string& name = item.key();
    if (!state.learned.contains(name) || name.find(".lora_A.") != std::string::npos) continue;
    // A is random before training and B zero: with less of B there is less of their product.
    const bool beside = name.find(".lora_B.") != std::string::npos || name.find(".adapter.up.") != std::string::npos;
    if (beside) {
      item.value().mul_(share);
    } else if (state.has_counterpart(name)) {
      item.value().copy_(before[name].lerp(item.value(), share));
    }
  }
  const auto statistics = state.base->named_buffers();
  for (auto& item : state.average->named_buffers()) {
    if (item.value().is_floating_point() && state.has_counterpart(item.key()))
      item.value().copy_(statistics[item.key()].lerp(item.value(), share));
  }
}

void write_results(const TrainState& state, const ModelFolder& model, const TrainOptions& options,
                   const std::string& model_folder, const std::string& adapter_folder) {
  if (!options.method.is_full() && !options.init.empty()) {
    ModelFolder adapter = model;
    adapter.base = describe_base(options.init, adapter_folder);
    save_adapter(*state.average, state.learned, adapter_folder + "/" + kAdapterWeightsFile);
    const AdapterConfig& config = model.config.adapters;
    if (config.rank > 0) write_lora_config(adapter_folder, scaling_of(config, model.config.is_vit()), *adapter.base);
    adapter.config.adapters.rank = 0;
    write_model_folder(adapter, adapter_folder);
  }
  const WeightType type = options.half_precision ? WeightType::Float16 : WeightType::Float32;
  ModelFolder whole = model;
  whole.config.adapters.rank = 0;
  write_model_folder(whole, model_folder);
  // The average shares what does not learn with the network: LoRA is merged into a copy.
  if (model.config.adapters.rank == 0) return save_weights(*state.average, model_folder + "/" + kWeightsFile, type);
  Sam merged(model.config);
  const at::NoGradGuard no_gradient;
  const auto copy = [](const auto& from, const auto& to) {
    for (const auto& item : from) to.find(item.key())->copy_(item.value());
  };
  copy(state.average->named_parameters(), merged->named_parameters());
  copy(state.average->named_buffers(), merged->named_buffers());
  merge_lora(*merged);
  save_weights(*merged, model_folder + "/" + kWeightsFile, type);
}

}  // namespace nn
}  // namespace plat
