// SPDX-License-Identifier: Apache-2.0
#include "model/sam_segmenter.hpp"

#include "core/error.hpp"
#include "model/nn/loaded_sam.hpp"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>
#include <variant>

namespace plat {
namespace {

using nn::LoadedSam;
using nn::translated;
using nn::use_one_thread;

// Prompts that pass the decoder at once: each takes some 30 MB at SAM's full size.
constexpr std::size_t kPromptsAtOnce = 16;

Image<float> image_of(const at::Tensor& bands) {
  const at::Tensor values = bands.to(at::kCPU, at::kFloat).contiguous();
  Image<float> image(values.size(2), values.size(1), values.size(0));
  std::copy_n(values.const_data_ptr<float>(), values.numel(), image.data());
  return image;
}

/// Values in a layer of a tile.
double layer_floats(int64_t side, int64_t stride, double channels) {
  const auto across = static_cast<double>(side / stride);
  return across * across * channels;
}

/// Values of the features at strides 2, 4 and 8.
double early_floats(const SamConfig& c, int64_t side) {
  double values = 0;
  int64_t stride = 2;
  for (const int64_t channels : c.feature_dims()) {
    values += layer_floats(side, stride, static_cast<double>(channels));
    stride *= 2;
  }
  return values;
}

/// Values that the encoder holds at once: its widest layers have input, output and one intermediate result.
double encoder_floats(const SamConfig& c, int64_t side) {
  if (const auto* tiny = std::get_if<TinyVitConfig>(&c.vision)) {
    const auto first = static_cast<double>(tiny->embed_dims[0]);
    return std::max(3 * layer_floats(side, 2, first / 2),
                    layer_floats(side, 4, 2 * first * (tiny->mbconv_expand_ratio + 1))) +
           early_floats(c, side);
  }
  if (const auto* net = std::get_if<EfficientNetConfig>(&c.vision)) {
    // Its widest layers are those of the first block at stride 4, which begins at stride 2.
    const auto wide = static_cast<double>(net->channels[0] * net->expand_ratios[1]);
    return 2 * layer_floats(side, 2, std::max(wide, static_cast<double>(net->stem_channels))) +
           layer_floats(side, 4, wide) + early_floats(c, side);
  }
  const auto& vit = std::get<VitConfig>(c.vision);
  return layer_floats(side, vit.patch_size, static_cast<double>(5 * vit.hidden_size + 2 * vit.mlp_dim)) +
         (48 << 20) / 4.0;
}

/// The factor covers the library's own buffers and is checked against the measured peak in the tests.
int64_t bytes_of_floats(double count) { return static_cast<int64_t>(1.5 * static_cast<double>(sizeof(float)) * count); }

/// Damaged weights give NaN for whatever scene, and must not pass for one without objects.
void require_numbers(const at::Tensor& values, const LoadedSam& sam) {
  if (at::isfinite(values).all().item<bool>()) return;
  throw ModelError(sam.description().name +
                   ": the network gives numbers that are not finite; its weights are damaged (plat models verify says "
                   "which), or --precision is too low for it");
}

class SamSegmenter : public Segmenter {
 public:
  SamSegmenter(const std::string& folder, const std::string& device, Precision precision)
      : sam_(folder, device, precision) {
    if (sam_.description().classes.empty()) {
      throw ModelError(folder +
                       ": the model has no classes and answers prompts only; use plat segment, or train classes");
    }
  }

  const ModelDescription& description() const override { return sam_.description(); }

  Image<float> segment(const Image<float>& pixels) const override {
    return translated(sam_.description().name, [&] {
      const c10::InferenceMode inference;
      use_one_thread();
      const nn::ClassMaps maps = sam_.network().forward_classes(sam_.normalised(pixels));
      for (const at::Tensor* map : {&maps.extent, &maps.boundary, &maps.distance}) require_numbers(*map, sam_);
      // Band 3 · class + map, as ClassMap counts them.
      return image_of(at::stack({maps.extent[0], maps.boundary[0], maps.distance[0]}, 1).flatten(0, 1).sigmoid_());
    });
  }

  int64_t memory_per_tile() const override;
  bool on_card() const override { return !sam_.device().is_cpu(); }

 private:
  LoadedSam sam_;
};

int64_t SamSegmenter::memory_per_tile() const {
  const SamConfig& c = sam_.config();
  const int64_t side = sam_.description().tile_size;
  const double widest = encoder_floats(c, side);
  const auto& d = c.class_decoder;
  const double decoder = layer_floats(side, 2, 4.0 * static_cast<double>(d.fuse_dims[2])) +
                         layer_floats(side, 4, 3.0 * static_cast<double>(d.fuse_dims[1])) +
                         layer_floats(side, 1, 2.0 * kMapsPerClass * static_cast<double>(d.classes));
  return bytes_of_floats(std::max(widest, decoder + widest / 3));
}

/// Prompts that can pass the decoder together: equally many points, and each of the others or none.
struct PromptKind {
  std::size_t points = 0;
  bool box = false;
  bool mask = false;
  auto operator<=>(const PromptKind&) const = default;
};

/// What SAM's mask prompts are: the logits of an earlier mask, from the share of each cell of its grid that belongs to it.
/// A trained network is sure of most pixels, at logits of this size.
at::Tensor mask_logits(const Image<float>& mask, int64_t rows, int64_t cols) {
  constexpr double kSure = 1e-3;
  const at::Tensor shares =
      at::from_blob(const_cast<float*>(mask.data()), {1, 1, mask.height(), mask.width()}, at::kFloat);
  return at::adaptive_avg_pool2d(shares, {rows, cols}).logit(kSure);
}

class SamPromptTile : public PromptTile {
 public:
  SamPromptTile(const LoadedSam& sam, at::Tensor embedding) : sam_(sam), embedding_(std::move(embedding)) {}

  Image<float> embedding() const override { return image_of(embedding_[0]); }

  std::vector<std::vector<PromptMask>> segment(std::span<const Prompt> prompts, bool alternatives) const override {
    std::map<PromptKind, std::vector<std::size_t>> kinds;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const PromptKind kind{prompts[i].points.size(), prompts[i].box.has_value(), !prompts[i].mask.empty()};
      if (kind == PromptKind{}) throw ModelError("a prompt needs a point, a box or a mask");
      kinds[kind].push_back(i);
    }
    std::vector<std::vector<PromptMask>> results(prompts.size());
    translated(sam_.description().name, [&] {
      const c10::InferenceMode inference;
      use_one_thread();
      for (const auto& [kind, members] : kinds) {
        for (std::size_t from = 0; from < members.size(); from += kPromptsAtOnce) {
          const auto count = std::min(kPromptsAtOnce, members.size() - from);
          decode(prompts, std::span(members).subspan(from, count), kind, alternatives, results);
        }
      }
    });
    return results;
  }

  std::vector<PointMask> segment_points(std::span<const PointPrompt> points, double min_iou) const override {
    std::vector<PointMask> results;
    translated(sam_.description().name, [&] {
      const c10::InferenceMode inference;
      use_one_thread();
      for (std::size_t from = 0; from < points.size(); from += kPromptsAtOnce) {
        decode(points.subspan(from, std::min(kPromptsAtOnce, points.size() - from)), from, min_iou, results);
      }
    });
    return results;
  }

 private:
  void decode(std::span<const PointPrompt> points, std::size_t first, double min_iou,
              std::vector<PointMask>& results) const {
    const auto count = static_cast<int64_t>(points.size());
    nn::Prompts batch;
    batch.points = at::empty({1, count, 1, 2}, at::kFloat);
    batch.labels = at::empty({1, count, 1}, at::kLong);
    auto* place = batch.points.data_ptr<float>();
    auto* label = batch.labels.data_ptr<int64_t>();
    for (const PointPrompt& point : points) {
      *place++ = static_cast<float>(point.col);
      *place++ = static_cast<float>(point.row);
      *label++ = point.object ? 1 : 0;
    }
    batch.points = batch.points.to(sam_.device());
    batch.labels = batch.labels.to(sam_.device());
    const nn::DecodedPrompts decoded = sam_.network().decode_prompts(embedding_, batch);
    const at::Tensor iou = decoded.iou[0].to(at::kCPU, at::kFloat).contiguous();
    require_numbers(iou, sam_);
    const auto* estimate = iou.const_data_ptr<float>();
    const int64_t alternatives = iou.size(1);
    for (int64_t p = 0; p < count; ++p) {
      std::vector<int64_t> good;
      for (int64_t m = alternatives > 1 ? 1 : 0; m < alternatives; ++m) {
        if (estimate[p * alternatives + m] > static_cast<float>(min_iou)) good.push_back(m);
      }
      if (good.empty()) continue;
      const at::Tensor logits = sam_.network().read_masks(decoded, 0, p, good);
      require_numbers(logits, sam_);
      for (std::size_t i = 0; i < good.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        results.push_back({first + static_cast<std::size_t>(p),
                           static_cast<double>(estimate[p * alternatives + good[i]]),
                           image_of(logits.slice(0, at, at + 1))});
      }
    }
  }

  void decode(std::span<const Prompt> prompts, std::span<const std::size_t> members, PromptKind kind, bool alternatives,
              std::vector<std::vector<PromptMask>>& results) const {
    const auto count = static_cast<int64_t>(members.size()), points = static_cast<int64_t>(kind.points);
    nn::Prompts batch;
    if (points > 0) {
      batch.points = at::empty({1, count, points, 2}, at::kFloat);
      batch.labels = at::empty({1, count, points}, at::kLong);
      auto* place = batch.points.data_ptr<float>();
      auto* label = batch.labels.data_ptr<int64_t>();
      for (const std::size_t i : members) {
        for (const auto& point : prompts[i].points) {
          *place++ = static_cast<float>(point.col);
          *place++ = static_cast<float>(point.row);
          *label++ = point.object ? 1 : 0;
        }
      }
      batch.points = batch.points.to(sam_.device());
      batch.labels = batch.labels.to(sam_.device());
    }
    if (kind.box) {
      batch.boxes = at::empty({1, count, 4}, at::kFloat);
      auto* side = batch.boxes.data_ptr<float>();
      for (const std::size_t i : members) {
        const BoxPrompt& box = *prompts[i].box;
        for (const double value : {box.left, box.top, box.right, box.bottom}) *side++ = static_cast<float>(value);
      }
      batch.boxes = batch.boxes.to(sam_.device());
    }
    if (kind.mask) {
      std::vector<at::Tensor> rough;
      for (const std::size_t i : members) {
        rough.push_back(mask_logits(prompts[i].mask, 4 * embedding_.size(2), 4 * embedding_.size(3)));
      }
      batch.masks = at::cat(rough, 1).to(sam_.device());
    }
    const nn::DecodedPrompts decoded = sam_.network().decode_prompts(embedding_, batch);
    const bool ambiguous = points == 1 && !kind.box && !kind.mask;
    const at::Tensor iou = decoded.iou[0].to(at::kCPU).contiguous();
    require_numbers(iou, sam_);
    const int64_t side = sam_.description().tile_size;
    for (int64_t p = 0; p < count; ++p) {
      const auto* estimates = iou[p].const_data_ptr<float>();
      std::vector<int64_t> order(static_cast<std::size_t>(iou.size(1)));
      std::iota(order.begin(), order.end(), 0);
      // The first mask is meant for prompts with one meaning: first there, last where a point may mean several things.
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        if (a == 0 || b == 0) return ambiguous ? b == 0 && a != 0 : a == 0 && b != 0;
        return estimates[a] > estimates[b];
      });
      if (!alternatives) order.resize(1);
      const at::Tensor logits = sam_.network().read_masks(decoded, 0, p, order).unsqueeze(1);
      require_numbers(logits, sam_);
      for (std::size_t i = 0; i < order.size(); ++i) {
        const at::Tensor enlarged = at::upsample_bilinear2d(logits[static_cast<int64_t>(i)].unsqueeze(0), {side, side},
                                                            /*align_corners=*/false);
        results[members[static_cast<std::size_t>(p)]].push_back(
            {image_of(enlarged[0].sigmoid()), static_cast<double>(estimates[order[i]])});
      }
    }
  }

  const LoadedSam& sam_;
  at::Tensor embedding_;
};

class SamPromptSegmenter : public PromptSegmenter {
 public:
  SamPromptSegmenter(const std::string& folder, const std::string& device, Precision precision)
      : sam_(folder, device, precision) {}

  const ModelDescription& description() const override { return sam_.description(); }

  std::unique_ptr<PromptTile> embed(const Image<float>& pixels) const override {
    return translated(sam_.description().name, [&]() -> std::unique_ptr<PromptTile> {
      const c10::InferenceMode inference;
      use_one_thread();
      // In the order that a restored embedding has: the order of memory may choose other kernels, with other last digits.
      at::Tensor embedding =
          sam_.network().encode(sam_.normalised(pixels)).embedding.contiguous(at::MemoryFormat::Contiguous);
      require_numbers(embedding, sam_);
      return std::make_unique<SamPromptTile>(sam_, std::move(embedding));
    });
  }

  std::unique_ptr<PromptTile> restore(const Image<float>& embedding) const override {
    const PromptEncoderConfig& c = sam_.config().prompt_encoder;
    const int64_t side = sam_.description().tile_size / c.patch_size;
    if (embedding.bands() != c.hidden_size || embedding.width() != side || embedding.height() != side) {
      throw ModelError(sam_.description().name + ": this embedding was not made by this model");
    }
    return translated(sam_.description().name, [&]() -> std::unique_ptr<PromptTile> {
      const c10::InferenceMode inference;
      at::Tensor tensor = at::empty({1, c.hidden_size, side, side}, at::kFloat);
      std::copy_n(embedding.data(), embedding.size(), tensor.data_ptr<float>());
      return std::make_unique<SamPromptTile>(sam_, tensor.to(sam_.device()));
    });
  }

  int64_t memory_per_tile() const override {
    const SamConfig& c = sam_.config();
    const int64_t side = sam_.description().tile_size;
    const auto channels = static_cast<double>(c.prompt_encoder.hidden_size);
    const auto masks = static_cast<double>(c.mask_decoder.num_multimask_outputs + 1);
    // Each prompt has a copy of the image's tokens in the decoder, upscales them to a quarter of the tile's side, and may
    // return all of its masks as large as the tile.
    const double prompt = layer_floats(side, 16, 4 * channels) + layer_floats(side, 4, channels / 2 + 2 * masks) +
                          layer_floats(side, 1, masks);
    return bytes_of_floats(std::max(encoder_floats(c, side), static_cast<double>(kPromptsAtOnce) * prompt));
  }
  bool on_card() const override { return !sam_.device().is_cpu(); }

 private:
  LoadedSam sam_;
};

}  // namespace

std::unique_ptr<Segmenter> open_sam_segmenter(const std::string& folder, const std::string& device,
                                              Precision precision) {
  return std::make_unique<SamSegmenter>(folder, device, precision);
}

std::unique_ptr<PromptSegmenter> open_sam_prompt_segmenter(const std::string& folder, const std::string& device,
                                                           Precision precision) {
  return std::make_unique<SamPromptSegmenter>(folder, device, precision);
}

}  // namespace plat
