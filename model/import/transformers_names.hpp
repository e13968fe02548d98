// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/import/weights_file.hpp"

#include <map>
#include <string>

namespace plat::detail {

using NamedTensors = std::map<std::string, StoredTensor>;

/// The tensors of a SAM under the names of transformers' SamModel, whether they came with those or with Meta's and
/// MobileSAM's. A TinyViT keeps MobileSAM's names within the encoder. An EfficientNet-Lite of
/// efficientnet-lite-pytorch becomes the encoder of one, without its head. Left out is what says nothing: the counters of
/// batch normalisation, the classification head that MobileSAM's encoder still carries, a second name of the same tensor.
/// A prefix before all names ("module.", "model.") is taken off. Throws ModelError beginning with `where` for a network
/// that is no SAM, or an EfficientNet that is not Lite, naming it where it is a known relative (SAM 2, HQ-SAM).
NamedTensors transformers_names(const NamedTensors& tensors, const std::string& where);

}  // namespace plat::detail
