// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"

namespace plat::detail {

/// A file's ground sample distance counts as the wanted one up to this relative difference: its own pixels are sharper
/// and faster than resampled ones, and no model notices.
constexpr double kGsdTolerance = 0.05;

/// The grid of another ground sample distance over the same extent, its pixels square on the ground at the centre. The
/// extent is kept exactly, so the distance follows it by up to half a pixel over the whole width. The same grid comes
/// back where the distance is within kGsdTolerance.
Grid with_gsd(const Grid& grid, double gsd_m);

/// The pixels of a grid that a rectangle of its CRS touches. Throws DataError, naming `path`, when there are none.
Window window_of(const Grid& grid, const Bounds& box, const std::string& path);

}  // namespace plat::detail
