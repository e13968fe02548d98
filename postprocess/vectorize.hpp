// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <map>

namespace plat {

/// The exact outline of each label along pixel edges, in pixel coordinates offset by (col, row): rasterizing it gives the
/// same pixels back, its area is the number of pixels, holes included. 4-connected: parts that touch only at a corner
/// become separate polygons, so every result is valid. Polygons of a label come in order of their first pixel, whose upper
/// left corner is their first vertex. Labels that touch share their border's vertices exactly: there are vertices at all
/// turns, and on straight edges wherever three parts (or two and the background) meet.
std::map<int32_t, MultiPolygon> vectorize(const Image<int32_t>& labels, int64_t col = 0, int64_t row = 0);

}  // namespace plat
