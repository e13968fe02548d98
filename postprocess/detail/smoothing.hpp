// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat::detail {

/// A Gaussian of `deviation` pixels (> 0, cut at three deviations) over the pixels that are not `outside`: each becomes the
/// weighted mean of those around it, and what is outside has no weight and stays (normalised convolution, Knutsson and
/// Westin 1993). Memory beside the result: a few rows.
Image<uint16_t> smoothed_inside(const Image<uint16_t>& values, uint16_t outside, double deviation);

}  // namespace plat::detail
