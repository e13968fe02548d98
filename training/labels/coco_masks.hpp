// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// Run lengths of COCO's compressed text: numbers in groups of five bits, from the third on differences to the last but one.
/// Throws DataError where the text ends inside a number.
std::vector<int64_t> coco_runs(const std::string& text);

/// The outline of a mask in COCO's runs, which go down the columns and begin with background. Throws DataError where they do
/// not add up to the image.
MultiPolygon outline_of_runs(const std::vector<int64_t>& runs, int64_t width, int64_t height);

}  // namespace plat
