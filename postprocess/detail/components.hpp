// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat::detail {

/// 4-connected parts of equal non-zero labels.
struct Components {
  Image<int32_t> ids;  ///< 0 where the label is 0, else 1..count in order of first pixel (row-major)
  int32_t count = 0;
};

/// Finds connected parts; `border` pixels of 0 are added around the image, so that neighbours need no range checks.
Components connected_components(const Image<int32_t>& labels, int64_t border = 0);

}  // namespace plat::detail
