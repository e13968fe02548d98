// SPDX-License-Identifier: Apache-2.0
#include "training/memory_plan.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/thread_budget.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace plat {
namespace {

constexpr int64_t kFloat = 4;
constexpr int64_t kTuningBytesPerPixel = 32;  // an area with its maps, and the objects that are found in them

/// Values in a layer of a crop.
double layer(int64_t side, int64_t stride, double channels) {
  const auto across = static_cast<double>(side / stride);
  return across * across * channels;
}

/// What an encoder keeps for the backward pass, in values a crop.
struct EncoderValues {
  double all = 0;      ///< of the blocks that learn
  double largest = 0;  ///< of the largest block
  double between = 0;  ///< of what lies between these blocks
  void add(double block, double in) {
    all += block;
    largest = std::max(largest, block);
    between += in;
  }
};

/// Blocks from this one on keep what they compute.
int64_t first_kept(const MethodOptions& method, int64_t blocks) {
  if (method.frozen_encoder()) return blocks;
  const int64_t last = method.last_blocks();
  return last > 0 ? std::max<int64_t>(0, blocks - last) : 0;
}

EncoderValues values_of(const VitConfig& c, const MethodOptions& method, int64_t size) {
  EncoderValues values;
  const int64_t side = size / c.patch_size;
  const auto tokens = static_cast<double>(side * side);
  const auto width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.mlp_dim);
  for (int64_t i = first_kept(method, c.num_hidden_layers); i < c.num_hidden_layers; ++i) {
    const auto& global = c.global_attn_indexes;
    const bool whole = c.window_size == 0 || std::find(global.begin(), global.end(), i) != global.end();
    const int64_t window = whole ? side : c.window_size;
    const int64_t padded_side = (side + window - 1) / window * window;
    const auto padded = static_cast<double>(padded_side * padded_side);
    // The weights of the attention, its queries, keys and values with their copies by head, both norms, the MLP.
    values.add(static_cast<double>(c.num_attention_heads) * padded * static_cast<double>(window * window) +
                   padded * 6 * width + tokens * (5 * width + 2 * inner),
               tokens * width);
  }
  return values;
}

EncoderValues values_of(const TinyVitConfig& c, const MethodOptions& method, int64_t size) {
  EncoderValues values;
  int64_t blocks = 0;
  for (const int64_t depth : c.depths) blocks += depth;
  const int64_t first = first_kept(method, blocks);
  const auto width = [&c](std::size_t i) { return static_cast<double>(c.embed_dims[i]); };
  // Convolution, normalisation and activation keep what goes into each.
  if (method.is_full()) values.add(3 * layer(size, 2, width(0) / 2) + 3 * layer(size, 4, width(0)), 0);
  int64_t stride = 4, number = 0;
  for (std::size_t i = 0; i < c.depths.size(); ++i) {
    const double in = layer(size, stride, width(i));
    for (int64_t j = 0; j < c.depths[i]; ++j, ++number) {
      if (number < first) continue;
      const auto window = static_cast<double>(c.window_sizes[i] * c.window_sizes[i]);
      const double heads = static_cast<double>(c.num_heads[i]) / width(i);
      values.add(i == 0 ? in * (6 * c.mbconv_expand_ratio + 4) : in * (14 + 2 * c.mlp_ratio + heads * window), in);
    }
    if (i == 3) break;
    stride *= c.strides[i];
    const double out = width(i + 1);
    if (number > first) values.add(3 * layer(size, stride / c.strides[i], out) + 6 * layer(size, stride, out), 0);
  }
  return values;
}

EncoderValues values_of(const EfficientNetConfig& c, const MethodOptions& method, int64_t size) {
  EncoderValues values;
  int64_t blocks = 0;
  for (const int64_t depth : c.depths) blocks += depth;
  const int64_t first = first_kept(method, blocks);
  if (method.is_full()) values.add(3 * layer(size, 2, static_cast<double>(c.stem_channels)), 0);
  int64_t stride = 2, number = 0, in = c.stem_channels;
  for (std::size_t i = 0; i < c.depths.size(); ++i) {
    for (int64_t j = 0; j < c.depths[i]; ++j, ++number) {
      const auto wide = static_cast<double>(in * c.expand_ratios[i]);
      const double before = layer(size, stride, static_cast<double>(in));
      // Convolution, normalisation and activation keep what goes into each.
      double kept = before + (c.expand_ratios[i] > 1 ? 3 * layer(size, stride, wide) : 0);
      if (j == 0) stride *= c.strides[i];
      kept += 3 * layer(size, stride, wide) + 2 * layer(size, stride, static_cast<double>(c.channels[i]));
      in = c.channels[i];
      if (number >= first) values.add(kept, before);
    }
  }
  return values;
}

/// What an encoder that keeps nothing holds at its widest place.
double passing(const SamConfig& config, int64_t size) {
  if (const auto* tiny = std::get_if<TinyVitConfig>(&config.vision)) {
    const auto first = static_cast<double>(tiny->embed_dims[0]);
    return 3 * layer(size, 2, first / 2) + layer(size, 4, 2 * first * (tiny->mbconv_expand_ratio + 1));
  }
  if (const auto* net = std::get_if<EfficientNetConfig>(&config.vision)) {
    const auto wide = static_cast<double>(net->channels[0] * net->expand_ratios[1]);
    return 2 * layer(size, 2, wide) + layer(size, 4, wide);
  }
  const auto& vit = std::get<VitConfig>(config.vision);
  return layer(size, vit.patch_size, static_cast<double>(5 * vit.hidden_size + 2 * vit.mlp_dim));
}

/// What the maps of the class, their losses and the prompted masks of a crop keep.
double decoder_values(const SamConfig& config, const TrainOptions& options) {
  const int64_t size = options.crop.size;
  const ClassDecoderConfig& c = config.class_decoder;
  double values = layer(size, 1, 40);  // three maps in the losses
  if (config.is_vit()) {
    for (std::size_t i = 0; i < c.stem_dims.size(); ++i)
      values += 3 * layer(size, int64_t{2} << i, static_cast<double>(c.stem_dims[i]));
  }
  for (std::size_t i = 0; i < c.fuse_dims.size(); ++i) {
    values += layer(size, int64_t{8} >> i, static_cast<double>(c.fuse_dims[i] * (4 + 3 * c.fuse_convs[i])));
  }
  const MaskDecoderConfig& m = config.mask_decoder;
  const auto width = static_cast<double>(m.hidden_size);
  const double mixing = layer(size, 16, 14 * width * static_cast<double>(m.num_hidden_layers));
  values += mixing;
  if (options.loss.prompt > 0) {
    const double masks = layer(size, 4, 8.0 * static_cast<double>(m.num_multimask_outputs + 1));
    values += static_cast<double>(options.loss.prompts_per_crop) *
              (mixing + 4 * layer(size, 8, width / 4) + 3 * layer(size, 4, width / 8) + masks);
  }
  return values;
}

double activation_values(const SamConfig& config, const TrainOptions& options) {
  const MethodOptions& method = options.method;
  const EncoderValues encoder =
      std::visit([&](const auto& vision) { return values_of(vision, method, options.crop.size); }, config.vision);
  const bool twice = method.checkpointing && (config.is_vit() || !method.is_full());
  const double decoder = decoder_values(config, options), wide = passing(config, options.crop.size);
  if (encoder.all <= 0) return std::max(wide, decoder);
  if (!twice) return encoder.all + decoder;
  // A block is computed again, and its gradients with it, in pieces that do not fit into each other's places. The first one
  // does not fit into those that the decoder leaves.
  constexpr double kAgain = 2.8;
  return encoder.between + std::max(decoder + encoder.largest, kAgain * encoder.largest);
}

std::string gigabytes(int64_t bytes) { return format_memory(bytes); }

/// "10 scenes 53 GB (the largest, a.tif, 5.3 GB), validation areas 3.1 GB, "; parts that are not there are left out.
std::string describe_held(const TrainMemory& plan) {
  std::string text = "crops that wait " + gigabytes(plan.crops) + ", " + std::to_string(plan.data.scenes) +
                     (plan.data.scenes == 1 ? " scene " : " scenes ") + gigabytes(plan.data.scene_bytes);
  if (plan.data.scenes > 1)
    text += " (the largest, " + plan.data.largest + ", " + gigabytes(plan.data.largest_bytes) + ")";
  text += ", ";
  if (plan.data.negatives > 0)
    text += std::to_string(plan.data.negatives) + (plan.data.negatives == 1 ? " image" : " images") +
            " without objects " + gigabytes(plan.data.negative_bytes) + ", ";
  if (plan.data.validation_bytes > 0) text += "validation " + gigabytes(plan.data.validation_bytes) + ", ";
  if (plan.rehearsal > 0) text += "scenes against forgetting " + gigabytes(plan.rehearsal) + ", ";
  if (plan.tuning > 0) text += "threshold tuning " + gigabytes(plan.tuning) + ", ";
  return text;
}

/// Throws the UsageError for data that do not fit.
[[noreturn]] void refuse_data(const TrainMemory& plan, int64_t allowed) {
  const int64_t needed = plan.total();
  constexpr int64_t kMegabyte = 1'000'000;
  std::string text = "the run needs about " + gigabytes(needed) + " (" + describe_held(plan) + "network " +
                     gigabytes(plan.weights + plan.gradients + plan.activations) + ", program and labels " +
                     gigabytes(plan.present) + "), more than the " + gigabytes(allowed) + " that --ram allows; ";
  text += needed <= total_memory() ? "pass --ram " + std::to_string(needed / kMegabyte + 1) + "MB, or "
                                   : "this machine has " + gigabytes(total_memory()) + " in all, so ";
  text += "name fewer scenes, or parts of them (gdal_translate -projwin)";
  throw UsageError(text +
                   ", or pass a coarser --gsd; of a scene only the ground within the bounds of its labels is held");
}

}  // namespace

int64_t TrainMemory::total() const {
  // Between steps the network is measured, and in the end thresholds are chosen.
  const int64_t working = weights + gradients + crops + std::max(activations + data.validation_bytes, tuning);
  return present + held() + std::max(data.loading_bytes, working);
}

TrainMemory TrainMemory::beside_card() const {
  TrainMemory here = *this;
  here.gradients = here.activations = 0;
  return here;
}

int64_t tuning_pixels(int64_t allowed) {
  constexpr int64_t kMost = 16'000'000;  // more tell little more
  constexpr int64_t kShare = 8;
  return std::min(kMost, allowed / kShare / kTuningBytesPerPixel);
}

int64_t tuning_bytes(int64_t pixels) { return pixels * kTuningBytesPerPixel; }

TrainMemory plan_memory(const SamConfig& config, const TrainOptions& options, int64_t parameters, int64_t learned,
                        int64_t present) {
  TrainMemory plan;
  plan.parameters = parameters;
  plan.learned = learned;
  plan.present = present;
  // Network, average and base are all there whole when a run starts, before they share what does not learn.
  plan.weights = (options.forgetting.needs_base() ? 3 : 2) * parameters * kFloat;
  plan.gradients = 3 * learned * kFloat;
  const int threads = ThreadBudget::make(options.threads).total;
  const int64_t at_once = options.batch / options.parts * std::min(threads, options.parts);
  // Freed pages are kept, and pieces of other sizes lie between them.
  constexpr double kFragments = 1.25;
  plan.activations =
      static_cast<int64_t>(kFragments * static_cast<double>(at_once * kFloat) * activation_values(config, options));
  // Colours, labels, three maps and what counts; those of the step are there, and three batches are cut ahead.
  constexpr double kBytesPerPixel = (3 + 3) * kFloat + 4 + 1;
  constexpr double kMost = 1e17;
  const double crops = static_cast<double>(options.batch) * static_cast<double>(3 + options.method.accumulate);
  plan.crops = static_cast<int64_t>(std::min(kMost, crops * layer(options.crop.size, 1, kBytesPerPixel)));
  return plan;
}

std::string describe(const TrainMemory& plan) {
  std::array<char, 96> text{};
  const auto millions = [](int64_t number) { return static_cast<double>(number) / 1e6; };
  std::snprintf(text.data(), text.size(), "trains %.3g M of %.4g M parameters (%.3g %%)", millions(plan.learned),
                millions(plan.parameters),
                100 * static_cast<double>(plan.learned) / std::max(1.0, static_cast<double>(plan.parameters)));
  return text.data() + std::string("; memory: ") + gigabytes(plan.total()) + " expected (weights " +
         gigabytes(plan.weights) + ", gradients and moments " + gigabytes(plan.gradients) + ", between the layers " +
         gigabytes(plan.activations) + ", " + describe_held(plan) + "program and labels " + gigabytes(plan.present) +
         ")";
}

void require_memory(const TrainMemory& plan, const SamConfig& config, const TrainOptions& options, int64_t allowed) {
  if (plan.total() <= allowed) return;
  const auto bytes = [&](const TrainOptions& smaller) {
    TrainMemory changed = plan_memory(config, smaller, plan.parameters, plan.learned, plan.present);
    changed.data = plan.data;
    changed.rehearsal = plan.rehearsal;
    changed.tuning = plan.tuning;
    return changed.total();
  };
  TrainOptions smaller = options;
  std::string proposal;
  const auto fits = [&] { return bytes(smaller) <= allowed; };
  if (!smaller.method.checkpointing && !smaller.method.frozen_encoder() &&
      (config.is_vit() || !smaller.method.is_full())) {
    smaller.method.checkpointing = true;
    proposal = "--checkpointing";
  }
  while (!fits() && smaller.batch > 1) {
    const int64_t half = (smaller.batch + 1) / 2;
    smaller.method.accumulate *= (smaller.batch + half - 1) / half;
    smaller.batch = half;
    smaller.parts = static_cast<int>(std::min<int64_t>(smaller.parts, half));
    while (smaller.batch % smaller.parts != 0) --smaller.parts;
  }
  if (smaller.batch != options.batch) {
    proposal += (proposal.empty() ? "--batch " : " --batch ") + std::to_string(smaller.batch) + " --parts " +
                std::to_string(smaller.parts) + " --accumulate " + std::to_string(smaller.method.accumulate);
  }
  while (!fits() && smaller.crop.size > 128) {
    smaller.crop.size = smaller.crop.size / 2 / 32 * 32;
  }
  if (smaller.crop.size != options.crop.size)
    proposal += (proposal.empty() ? "--crop " : " --crop ") + std::to_string(smaller.crop.size);
  // What the scenes take is then the greater part of it, or leaves not even the smallest network its place.
  const int64_t network = plan.weights + plan.gradients + plan.activations;
  if (!fits() && plan.held() > std::min(network, allowed / 2)) refuse_data(plan, allowed);
  const std::string what = "the run needs about " + gigabytes(plan.total()) + ", more than the " + gigabytes(allowed) +
                           " that --ram allows. ";
  if (!fits())
    throw UsageError(what + "No smaller batch or crop fits: train less of the network, with --method decoder");
  throw UsageError(what + "With " + proposal + " it needs about " + gigabytes(bytes(smaller)) + ".");
}

void require_data_memory(const TrainMemory& plan, int64_t allowed) {
  if (plan.total() > allowed) refuse_data(plan, allowed);
}

}  // namespace plat
