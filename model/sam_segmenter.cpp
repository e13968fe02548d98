// SPDX-License-Identifier: Apache-2.0
#include "model/sam_segmenter.hpp"

#include "core/error.hpp"
#include "model/model_folder.hpp"
#include "model/nn/sam.hpp"
#include "model/nn/weights.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace plat {
namespace {

// Prompts that pass the decoder at once: each takes some 30 MB at SAM's full size.
constexpr std::size_t kPromptsAtOnce = 16;

/// Runs `work` with torch's errors as ModelErrors, whose text leaves the stack trace out.
template <typename Work>
auto translated(const std::string& what, const Work& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    std::string text = error.what_without_backtrace();
    text = text.substr(0, text.find('\n'));
    throw ModelError(what + ": " + text);
  }
}

/// torch keeps its number of threads for each calling thread.
void use_one_thread() {
  thread_local bool done = false;
  if (!done) at::set_num_threads(1);
  done = true;
}

at::Device device_of(const std::string& name) {
  if (name == "auto") return at::hasCUDA() ? at::Device(at::kCUDA) : at::Device(at::kCPU);
  if (name == "cpu") return at::Device(at::kCPU);
  if (name != "cuda" && !name.starts_with("cuda:")) {
    throw UsageError("the device '" + name + "' is none of auto, cpu, cuda and cuda:N");
  }
  if (!at::hasCUDA()) throw ModelError("there is no CUDA device that this build can use; pass --device cpu");
  return translated("the device '" + name + "' cannot be used", [&] { return at::Device(name); });
}

/// A network that is ready to run, and what it expects.
class LoadedSam {
 public:
  LoadedSam(const std::string& folder, const std::string& device_name)
      : model_(read_model_folder(folder)), device_(device_of(device_name)) {
    use_one_thread();
    translated(folder, [&] {
      sam_ = std::make_shared<nn::SamImpl>(model_.config);
      nn::load_model(*sam_, folder);
      for (auto& parameter : sam_->parameters()) parameter.set_requires_grad(false);
      sam_->eval();
      sam_->to(device_);
      sam_->prepare_for_inference();
    });
  }

  const ModelDescription& description() const { return model_.description; }
  const SamConfig& config() const { return model_.config; }
  /// torch's modules have no const methods; in eval mode forward passes only read.
  nn::SamImpl& network() const { return *sam_; }
  at::Device device() const { return device_; }

  at::Tensor normalised(const Image<float>& pixels) const {
    const ModelDescription& d = model_.description;
    const auto bands = static_cast<int64_t>(d.mean.size());
    if (pixels.width() != d.tile_size || pixels.height() != d.tile_size || pixels.bands() != bands) {
      throw ModelError("the model '" + d.name + "' takes tiles of " + std::to_string(d.tile_size) +
                       " pixels a side and " + std::to_string(bands) + " bands, not " + std::to_string(pixels.width()) +
                       " x " + std::to_string(pixels.height()) + " and " + std::to_string(pixels.bands()));
    }
    at::Tensor tensor = at::empty({1, bands, pixels.height(), pixels.width()}, at::kFloat);
    auto* out = tensor.data_ptr<float>();
    for (int64_t b = 0; b < bands; ++b) {
      const float mean = d.mean[static_cast<std::size_t>(b)], deviation = d.deviation[static_cast<std::size_t>(b)];
      for (const float value : pixels.band(b)) *out++ = (value - mean) / deviation;
    }
    return tensor.to(device_);
  }

 private:
  ModelFolder model_;
  at::Device device_;
  std::shared_ptr<nn::SamImpl> sam_;
};

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

/// Values that the encoder holds at once: its widest layers have input, output and one intermediate result.
double encoder_floats(const SamConfig& c, int64_t side) {
  if (const auto* tiny = std::get_if<TinyVitConfig>(&c.vision)) {
    const auto first = static_cast<double>(tiny->embed_dims[0]);
    return std::max(3 * layer_floats(side, 2, first / 2),
                    layer_floats(side, 4, 2 * first * (tiny->mbconv_expand_ratio + 1))) +
           layer_floats(side, 2, first / 2) + layer_floats(side, 4, first) +
           layer_floats(side, 8, static_cast<double>(tiny->embed_dims[1]));
  }
  const auto& vit = std::get<VitConfig>(c.vision);
  return layer_floats(side, vit.patch_size, static_cast<double>(5 * vit.hidden_size + 2 * vit.mlp_dim)) +
         (48 << 20) / 4.0;
}

/// The factor covers the library's own buffers and is checked against the measured peak in the tests.
int64_t bytes_of_floats(double count) { return static_cast<int64_t>(1.5 * static_cast<double>(sizeof(float)) * count); }

class SamSegmenter : public Segmenter {
 public:
  SamSegmenter(const std::string& folder, const std::string& device) : sam_(folder, device) {
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
      // Band 3 · class + map, as ClassMap counts them.
      return image_of(at::stack({maps.extent[0], maps.boundary[0], maps.distance[0]}, 1).flatten(0, 1).sigmoid_());
    });
  }

  int64_t memory_per_tile() const override;

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

/// Prompts that can pass the decoder together: equally many points, and a box or none.
using PromptKind = std::pair<std::size_t, bool>;

class SamPromptTile : public PromptTile {
 public:
  SamPromptTile(const LoadedSam& sam, at::Tensor embedding) : sam_(sam), embedding_(std::move(embedding)) {}

  Image<float> embedding() const override { return image_of(embedding_[0]); }

  std::vector<std::vector<PromptMask>> segment(std::span<const Prompt> prompts, bool alternatives) const override {
    std::map<PromptKind, std::vector<std::size_t>> kinds;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const PromptKind kind(prompts[i].points.size(), prompts[i].box.has_value());
      if (kind == PromptKind(0, false)) throw ModelError("a prompt needs a point or a box");
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
    const nn::PromptMasks masks = sam_.network().forward_prompts(embedding_, batch);
    const at::Tensor iou = masks.iou[0].to(at::kCPU, at::kFloat).contiguous();
    const auto* estimate = iou.const_data_ptr<float>();
    const int64_t alternatives = iou.size(1);
    for (int64_t p = 0; p < count; ++p) {
      for (int64_t m = alternatives > 1 ? 1 : 0; m < alternatives; ++m) {
        const float value = estimate[p * alternatives + m];
        if (!(value > static_cast<float>(min_iou))) continue;
        results.push_back({first + static_cast<std::size_t>(p), static_cast<double>(value),
                           image_of(masks.logits[0][p].slice(0, m, m + 1))});
      }
    }
  }

  void decode(std::span<const Prompt> prompts, std::span<const std::size_t> members, PromptKind kind, bool alternatives,
              std::vector<std::vector<PromptMask>>& results) const {
    const auto count = static_cast<int64_t>(members.size()), points = static_cast<int64_t>(kind.first);
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
    if (kind.second) {
      batch.boxes = at::empty({1, count, 4}, at::kFloat);
      auto* side = batch.boxes.data_ptr<float>();
      for (const std::size_t i : members) {
        const BoxPrompt& box = *prompts[i].box;
        for (const double value : {box.left, box.top, box.right, box.bottom}) *side++ = static_cast<float>(value);
      }
      batch.boxes = batch.boxes.to(sam_.device());
    }
    const nn::PromptMasks masks = sam_.network().forward_prompts(embedding_, batch);
    const bool ambiguous = points == 1 && !kind.second;
    const at::Tensor iou = masks.iou[0].to(at::kCPU).contiguous();
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
      for (const int64_t m : order) {
        const at::Tensor logits = masks.logits[0][p].slice(0, m, m + 1).unsqueeze(0);
        const at::Tensor enlarged = at::upsample_bilinear2d(logits, {side, side}, /*align_corners=*/false);
        results[members[static_cast<std::size_t>(p)]].push_back(
            {image_of(enlarged[0].sigmoid()), static_cast<double>(estimates[m])});
      }
    }
  }

  const LoadedSam& sam_;
  at::Tensor embedding_;
};

class SamPromptSegmenter : public PromptSegmenter {
 public:
  SamPromptSegmenter(const std::string& folder, const std::string& device) : sam_(folder, device) {}

  const ModelDescription& description() const override { return sam_.description(); }

  std::unique_ptr<PromptTile> embed(const Image<float>& pixels) const override {
    return translated(sam_.description().name, [&]() -> std::unique_ptr<PromptTile> {
      const c10::InferenceMode inference;
      use_one_thread();
      // In the order that a restored embedding has: the order of memory may choose other kernels, with other last digits.
      return std::make_unique<SamPromptTile>(
          sam_, sam_.network().encode(sam_.normalised(pixels)).embedding.contiguous(at::MemoryFormat::Contiguous));
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

 private:
  LoadedSam sam_;
};

}  // namespace

std::unique_ptr<Segmenter> open_sam_segmenter(const std::string& folder, const std::string& device) {
  return std::make_unique<SamSegmenter>(folder, device);
}

std::unique_ptr<PromptSegmenter> open_sam_prompt_segmenter(const std::string& folder, const std::string& device) {
  return std::make_unique<SamPromptSegmenter>(folder, device);
}

}  // namespace plat
