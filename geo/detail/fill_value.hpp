// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plat::detail {

/// A value that stands for missing data, though the file does not declare it.
struct FillValue {
  float value = 0;
  double share = 0;  ///< of the pixels, 0 to 1
};

/// The value that a large coherent part of a scene holds in all bands at once, far from what the other pixels hold, if there
/// is one. `samples` are the bands' values at the same pixels, row by row. Saturated pixels are none: they have brighter and
/// darker neighbours.
std::optional<FillValue> find_fill(std::span<const std::vector<float>> samples);

/// Takes out the values of a band that can only be a fill: one huge value, such as 1e30 or -3.4e38, far beyond all others, and
/// what resampling has mixed of it. Nothing where the others are all alike.
std::optional<FillValue> drop_huge_fill(std::vector<float>& values);

/// For people: "-9999 in 25 %".
std::string text_of(const FillValue& fill);

}  // namespace plat::detail
