// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/sam_config.hpp"

#include <cstdint>

namespace plat {

/// The network that training builds when it is told no other: a SAM of about 3 million parameters with a TinyViT encoder
/// for tiles of 512 pixels, small enough to learn from a few thousand objects on two cores.
SamConfig small_sam(int64_t classes);

}  // namespace plat
