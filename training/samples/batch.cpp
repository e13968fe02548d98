// SPDX-License-Identifier: Apache-2.0
#include "training/samples/batch.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

namespace plat::nn {
namespace {

/// Copies one image of each sample into a tensor (B, bands, height, width).
template <typename T>
at::Tensor stack(std::span<const Sample> samples, const Image<T>& (*member)(const Sample&)) {
  const Image<T>& first = member(samples.front());
  const auto count = static_cast<int64_t>(samples.size());
  at::Tensor out = at::empty({count, first.bands(), first.height(), first.width()}, at::kFloat);
  float* to = out.mutable_data_ptr<float>();
  for (const Sample& sample : samples) {
    const Image<T>& image = member(sample);
    to = std::transform(image.data(), image.data() + image.size(), to,
                        [](T value) { return static_cast<float>(value); });
  }
  return out;
}

}  // namespace

at::Tensor band_tensor(const std::array<float, 3>& values) {
  at::Tensor out = at::empty({1, 3, 1, 1}, at::kFloat);
  std::copy(values.begin(), values.end(), out.mutable_data_ptr<float>());
  return out;
}

Batch make_batch(std::span<const Sample> samples, const ModelDescription& model) {
  Batch batch;
  const at::Tensor pixels = stack<float>(samples, [](const Sample& s) -> const Image<float>& { return s.pixels; });
  batch.pixels =
      ((pixels - band_tensor(model.mean)) / band_tensor(model.deviation)).contiguous(at::MemoryFormat::ChannelsLast);
  batch.maps = stack<float>(samples, [](const Sample& s) -> const Image<float>& { return s.maps; });
  batch.counts = stack<uint8_t>(samples, [](const Sample& s) -> const Image<uint8_t>& { return s.counts; });
  const auto prompts = static_cast<int64_t>(samples.front().prompts.prompts.size());
  if (prompts == 0) return batch;
  batch.prompt_masks = stack<float>(samples, [](const Sample& s) -> const Image<float>& { return s.prompts.masks; });
  std::vector<float> points;
  std::vector<int64_t> labels;
  std::vector<float> known;
  for (const Sample& sample : samples) {
    for (const SampledPrompt& prompt : sample.prompts.prompts) {
      points.insert(points.end(), prompt.coordinates.begin(), prompt.coordinates.end());
      labels.insert(labels.end(), prompt.labels.begin(), prompt.labels.end());
      known.push_back(prompt.known ? 1.0F : 0.0F);
    }
  }
  const auto count = static_cast<int64_t>(samples.size());
  batch.prompts.points = at::tensor(points).view({count, prompts, 2, 2});
  batch.prompts.labels = at::tensor(labels, at::kLong).view({count, prompts, 2});
  batch.prompts.pad_points = false;
  batch.prompt_known = at::tensor(known).view({count, prompts});
  return batch;
}

Prompts on_device(const Prompts& prompts, at::Device device) {
  Prompts moved = prompts;
  for (at::Tensor* part : {&moved.points, &moved.labels, &moved.boxes, &moved.masks}) {
    if (part->defined()) *part = part->to(device);
  }
  return moved;
}

Batch on_device(const Batch& batch, at::Device device) {
  Batch moved = batch;
  moved.prompts = on_device(batch.prompts, device);
  for (at::Tensor* part : {&moved.pixels, &moved.maps, &moved.counts, &moved.prompt_masks, &moved.prompt_known}) {
    if (part->defined()) *part = part->to(device);
  }
  return moved;
}

}  // namespace plat::nn
