// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat {

/// The exact Euclidean distance, in pixels, from each pixel's centre to the centre of the nearest pixel that is not 0; the
/// image's diagonal where there is none.
Image<float> distance_transform(const Image<uint8_t>& mask);

}  // namespace plat
