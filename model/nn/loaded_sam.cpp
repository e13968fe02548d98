// SPDX-License-Identifier: Apache-2.0
#include "model/nn/loaded_sam.hpp"

#include "model/nn/device.hpp"
#include "model/nn/int16_product.hpp"
#include "model/nn/weights.hpp"

#include <ATen/Parallel.h>

#include <cstdint>
#include <variant>

namespace plat::nn {
void use_one_thread() {
  thread_local bool done = false;
  if (!done) at::set_num_threads(1);
  done = true;
}

LoadedSam::LoadedSam(const std::string& folder, const std::string& device_name, Precision precision)
    : model_(read_model_folder(folder)),
      device_(device_of(device_name == "auto" && precision == Precision::Int16 ? "cpu" : device_name)) {
  if (model_.config.encoder_only)
    throw ModelError(folder +
                     ": is an image encoder alone, not a whole model; train one around it with plat train --encoder");
  check_precision(folder, precision);
  check_hardware(folder, precision);
  use_one_thread();
  translated(folder, [&] {
    sam_ = std::make_shared<SamImpl>(model_.config);
    load_model(*sam_, folder);
    for (auto& parameter : sam_->parameters()) parameter.set_requires_grad(false);
    sam_->eval();
    sam_->to(device_);
    sam_->prepare_for_inference(precision);
    if (precision == Precision::BFloat16) sam_->set_encoder_type(at::kBFloat16);
    if (precision == Precision::Float16) sam_->set_encoder_type(at::kHalf);
  });
}

at::Tensor LoadedSam::normalised(const Image<float>& pixels) const {
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

void LoadedSam::check_precision(const std::string& folder, Precision precision) const {
  if (precision != Precision::Int16) return;
  if (!std::holds_alternative<VitConfig>(model_.config.vision)) {
    throw ModelError(folder + ": the precision int16 is for models with SAM's ViT encoder; this one has another. Use " +
                     "float32.");
  }
  if (!device_.is_cpu()) throw ModelError("the precision int16 is for CPUs; use float32, or --device cpu");
  if (!Int16Product::available()) {
    throw ModelError("the precision int16 needs a processor with AVX2, and a build for one; use float32");
  }
}

void LoadedSam::check_hardware(const std::string& folder, Precision precision) const {
  const bool sixteen_bits = precision == Precision::BFloat16 || precision == Precision::Float16;
  if (!sixteen_bits || !device_.is_cpu() || has_hardware_for(precision)) return;
  throw ModelError(folder + ": this processor has no hardware for " + to_text(precision) +
                   " and would take hundreds of times as long as for float32. Pass --precision float32, or --device " +
                   "cuda where there is a graphics card.");
}

}  // namespace plat::nn
