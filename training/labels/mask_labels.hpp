// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/labels/label_set.hpp"

#include <string>

namespace plat {

/// The objects of a raster mask: each connected part of one value other than 0, outlined along pixel edges. Where there are
/// a few other values too, 255 is unknown; the file's nodata value is, unless it is 0 (read_mask_values). Georeferenced masks
/// give world coordinates, others pixels. Throws IoError, and DataError for what is no mask.
LabelSet read_mask(const std::string& path);

}  // namespace plat
