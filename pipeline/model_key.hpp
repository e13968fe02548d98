// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace plat {

/// Text that tells the embeddings of one model folder on one device from all others: the contents of its texts, and path,
/// size and time of change of its weights. Throws IoError where they cannot be read.
std::string model_key(const std::string& folder, const std::string& device);

}  // namespace plat
