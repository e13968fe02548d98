// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/grid.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace plat {

/// More values than that in a mask number its objects; fewer are classes.
inline constexpr std::size_t kMaxClasses = 16;

/// What a pixel of a mask holds of which the mask knows nothing.
inline constexpr int32_t kUnknownPixel = -1;

/// The pixels of a raster mask in memory.
struct MaskValues {
  Grid grid;
  bool georeferenced = false;
  Image<int32_t>
      values;  ///< from 0, which is background, or kUnknownPixel; colours are 0xRRGGBB, greys their one number
  std::set<int32_t> found;  ///< those of the file that occur, before `only` made them 0 and 1
};

/// Reads a raster mask. The file's nodata value is unknown, unless it is 0, and so is 255 where a few other values are there
/// too. Colours count where there is one beside black. `only` makes this value 1 and all others 0. Throws IoError, and DataError
/// for what is no mask: several bands or many colours, negative or broken numbers, noise, more pixels than memory holds.
MaskValues read_mask_values(const std::string& path, const std::optional<int64_t>& only = {});

/// Reads a raster of one band of probabilities as a mask: 1 where the probability is at least `threshold`, in (0, 1], else 0.
/// Bytes are 0..250 for 0..1 and 255 for nodata, as maps are written; other numbers are the probability. What is not valid is
/// unknown. Throws IoError, UsageError for the threshold, and DataError for values that are no probabilities.
MaskValues read_probability_mask(const std::string& path, double threshold);

}  // namespace plat
