// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/gdal_handles.hpp"
#include "geo/grid.hpp"
#include "geo/raster_reader.hpp"

#include <optional>
#include <span>
#include <string>

namespace plat::detail {

/// Where the pixels of a grid lie in a file: positions of the file's pixel frame at full resolution. One thread only.
class PixelMap {
 public:
  /// A file whose pixels an affine transform joins to the grid's.
  explicit PixelMap(const Affine& file_from_grid);
  /// A file placed by ground control points or RPCs, or one in another CRS than the grid. Throws DataError.
  PixelMap(GDALDatasetH file, const RasterInfo& info, const Crs& file_crs, const Grid& grid);

  /// Shifts positions on the grid before they are carried to the file.
  void shift_first(const ShiftField& shift);

  /// Carries positions in place; NaN where a position has no place in the file.
  void operator()(std::span<Point> positions) const;
  /// The transform where it is affine; null otherwise.
  const Affine* affine() const { return affine_ && !shift_ ? &*affine_ : nullptr; }

 private:
  std::optional<Affine> affine_;
  std::optional<ShiftField> shift_;
  std::string path_;
  PixelTransformHandle transform_;
};

/// The transform that applies `first`, then `second`.
Affine chained(const Affine& first, const Affine& second);
/// From the pixels of one transform to those of another in the same world, without losing digits of large coordinates.
Affine pixel_from_pixel(const Affine& from, const Affine& to);

/// The north-up grid that a file is read on when nothing else is asked for: its own where that is north-up, a mirrored
/// one, the smallest that holds a rotated one, or GDAL's suggestion for control points and RPCs. Rasters without
/// georeferencing get the pixel frame. Throws DataError.
Grid native_grid(GDALDatasetH file, const RasterInfo& info, const Crs& file_crs);

}  // namespace plat::detail
