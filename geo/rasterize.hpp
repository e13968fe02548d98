// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"
#include "geo/grid.hpp"

#include <cstdint>
#include <span>

namespace plat {

/// Burns polygons given in pixel coordinates into a label image: pixel centres inside get the polygon's value (its
/// position + 1), later polygons win, 0 elsewhere. Exact even-odd scan-line fill.
Image<int32_t> rasterize_labels(std::span<const MultiPolygon> polygons_in_pixels, int64_t width, int64_t height);
/// The same as a mask of 0 and 1.
Image<uint8_t> rasterize_mask(std::span<const MultiPolygon> polygons_in_pixels, int64_t width, int64_t height);

}  // namespace plat
