// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace plat::detail {

using TensorShapes = std::map<std::string, std::vector<int64_t>>;

/// Names and shapes of all tensors of a network without classes, each tensor once.
TensorShapes expected_shapes(const SamConfig& config);

/// The configuration that tensors of these names and shapes have (transformers' names). Numbers that no shape shows keep
/// those of the published networks: 8 heads in the decoder, for a TinyViT MobileSAM's image size and strides, for an
/// EfficientNet-Lite, which is taken for an encoder alone where it has no neck, its strides.
/// `where` begins errors: ModelError where the shapes are those of no SAM.
SamConfig config_of(const TensorShapes& shapes, const std::string& where);

/// Throws ModelError that lists the first missing and unexpected tensors and shapes, where `found` is not what the
/// configuration needs.
void check_shapes(const TensorShapes& found, const SamConfig& config, const std::string& where);

}  // namespace plat::detail
