// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat::detail {

/// 1 for each pixel outside the mask (0) that lies where a disc of `width` + 1 pixels across fits nowhere into what is
/// outside: the gaps of up to `width` pixels between parts of the mask, and its notches and slits that are as narrow
/// (morphological closing by the disc, less the mask). The mask goes on beyond the image as its outermost pixels are; what
/// lies at the image's edge thus depends on `width` more pixels at most. `width` is at least 1.
Image<uint8_t> narrow_gaps(const Image<uint8_t>& mask, int64_t width);

}  // namespace plat::detail
