// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/label_set.hpp"

#include <string>

namespace plat {

/// The objects of a raster mask: each connected part of one value other than 0, outlined along pixel edges. Where there are
/// other values too, 255 is unknown; the file's nodata value is, unless it is 0. Colours count where there is one beside
/// black. Georeferenced masks give world coordinates, others pixels. Throws IoError, and DataError for masks whose values
/// cannot be told: more colours, no whole numbers.
LabelSet read_mask(const std::string& path);

}  // namespace plat
