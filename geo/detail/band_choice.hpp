// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"

#include <string>
#include <vector>

namespace plat::detail {

/// One channel of what is read: a band, or one colour of a band's palette.
struct Channel {
  int band = 0;             ///< from 1
  int palette_colour = -1;  ///< 0 red, 1 green, 2 blue; -1: the stored values
};

/// The channels that the options ask for: those named, else red, green and blue by role or by the palette, else the
/// first three bands that are not alpha, else the first one three times. Throws UsageError for bands that do not exist.
std::vector<Channel> choose_channels(const RasterInfo& info, const std::vector<std::string>& wanted);

}  // namespace plat::detail
