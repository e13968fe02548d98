// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/precision.hpp"

#include <string>

namespace plat {

/// Text that tells the embeddings of one model folder on one device in one precision from all others: the contents of its
/// texts, and path, size and time of change of its weights. Throws IoError where they cannot be read.
std::string model_key(const std::string& folder, const std::string& device, Precision precision = Precision::Float32);

}  // namespace plat
