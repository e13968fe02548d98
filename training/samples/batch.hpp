// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/model_description.hpp"
#include "model/nn/sam.hpp"
#include "training/samples/crop_sampler.hpp"

#include <array>
#include <span>

namespace plat::nn {

/// Samples as the network and the losses take them. B crops of S x S pixels, P prompts each.
struct Batch {
  at::Tensor pixels;        ///< (B, 3, S, S), normalised, channels last
  at::Tensor maps;          ///< (B, 3, S, S): extent, boundary, distance
  at::Tensor counts;        ///< (B, 1, S, S), 1 where the losses look
  Prompts prompts;          ///< undefined tensors where samples have none
  at::Tensor prompt_masks;  ///< (B, P, S/4, S/4)
  at::Tensor prompt_known;  ///< (B, P)
};

/// Three numbers as (1, 3, 1, 1).
at::Tensor band_tensor(const std::array<float, 3>& values);
Batch make_batch(std::span<const Sample> samples, const ModelDescription& model);
/// The same on a device.
Prompts on_device(const Prompts& prompts, at::Device device);
Batch on_device(const Batch& batch, at::Device device);

}  // namespace plat::nn
