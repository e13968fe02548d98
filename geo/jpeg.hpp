// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat {

/// What is left of an image of one band or of red, green and blue once it was kept as JPEG of a quality, 1 .. 100: what
/// many a delivered image has gone through. The same library gives the same bytes. Throws UsageError. Thread-safe.
Image<uint8_t> through_jpeg(const Image<uint8_t>& image, int quality);

}  // namespace plat
