// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat {

/// Continues a picture into the pixels that are not `known`: each takes the value of its point reflection at the nearest
/// known pixel (which is a mirror along straight edges), or of that pixel itself where the reflection is not known or lies
/// outside. A network that meets the plain colour of missing data instead sees an object's edge there. Without any known
/// pixel, all are 0. `known` has one band and the size of `pixels`. Nearest pixels by Danielsson's vector propagation (1980).
void fill_missing(Image<float>& pixels, const Image<uint8_t>& known);

}  // namespace plat
