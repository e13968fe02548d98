// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/grid.hpp"
#include "geo/shift_field.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// What a band shows, from its colour interpretation.
enum class BandRole { Unknown, Gray, Red, Green, Blue, NearInfrared, Alpha, Palette };

/// What a file says of itself, before any option changes it.
struct RasterInfo {
  std::string path;
  std::string driver;                   ///< GDAL's short name, for example "GTiff"
  Grid grid;                            ///< as stored: may be rotated, south-up or without CRS
  std::string georeferencing;           ///< "transform", "gcps", "rpcs" or "none"
  double control_point_error_px = 0;    ///< how far the fit through ground control points misses the worst of them
  std::vector<BandRole> roles;          ///< one a band
  std::vector<std::string> band_names;  ///< descriptions, "" where the file has none
  std::string pixel_type;               ///< GDAL's name, for example "Byte", "UInt16"
  std::vector<std::optional<double>> nodata;  ///< one a band
  bool has_mask = false;                      ///< an alpha band or an internal mask
  int overviews = 0;
  int64_t block_width = 0;
  int64_t block_height = 0;
  std::string compression;  ///< "" where there is none
  std::string taken;        ///< when it was taken, in the file's own words; "" where it says nothing
};

/// How a raster is to be read.
struct RasterOptions {
  /// Bands by number from 1, in the order wanted, or by role ("red", "nir", …); empty: red, green and blue by role,
  /// else the first three bands that are not alpha, else the first one three times. Palettes become red, green and
  /// blue, unless their band is asked for by number: then its indices are read.
  std::vector<std::string> bands;
  /// Ground sample distance in metres to resample to; unset keeps the file's, as does one within 5 % of it. Pixels are
  /// then square on the ground at the centre; the extent stays exactly the file's.
  std::optional<double> gsd_m;
  /// Read only this part, in the file's CRS unless `bbox_crs` is given.
  std::optional<Bounds> bbox;
  Crs bbox_crs;
  /// CRS for files that have none (or a wrong one).
  Crs assign_crs;
  /// Value that means "no data" in every band, in place of what the file says.
  std::optional<double> nodata;
  /// Read on exactly this grid (warped when the CRS differs); overrides gsd_m and bbox.
  std::optional<Grid> target_grid;
  /// Shows at each position of `target_grid` what lies this much farther on it: an image that is out of place by a
  /// measured shift comes to lie right. Unset: none.
  std::optional<ShiftField> shift;
  /// Labels: take the nearest pixel where the file is resampled, instead of a weighted average.
  bool nearest = false;
};

/// Pixels of one window as stored (scale and offset of the file not applied) and which of them are real.
struct RasterBlock {
  Image<float> pixels;  ///< 0 where not valid
  /// One band; 0 where a pixel is masked, transparent, NaN, outside the scene or nodata: for floats where any read band
  /// is nodata, for integers where all of them are (of those that have a nodata value), because 0 or 255 in one band is
  /// also a dark or bright roof.
  Image<uint8_t> valid;
};

/// Reads windows of a raster on a north-up grid: rotated, south-up, GCP- and RPC-referenced files are warped on the
/// fly, as are those whose resolution is to change. One per thread: not thread-safe, but clones are independent.
class RasterReader {
 public:
  /// Throws IoError when the file cannot be opened or is unsafe to read, DataError when it has no usable bands,
  /// UsageError for bands that do not exist.
  explicit RasterReader(const std::string& path, const RasterOptions& options = {});
  ~RasterReader();
  RasterReader(RasterReader&&) noexcept;
  RasterReader& operator=(RasterReader&&) noexcept;

  /// Another reader of the same file with the same options and the same grid, with a dataset of its own.
  RasterReader clone() const;
  /// The same, but taking the nearest pixel where the file is resampled: values as they are stored.
  RasterReader nearest() const;

  const RasterInfo& info() const;
  /// The grid that windows refer to: north-up, at the wanted resolution. Rasters without georeferencing get the pixel
  /// frame itself (x = col, y = -row, no CRS).
  const Grid& grid() const;
  int bands() const;
  /// Whether the stored values are bytes, which need no scaling for display.
  bool is_byte() const;
  /// Whether the stored values are whole numbers.
  bool is_integer() const;

  /// Reads a window; parts outside the grid come back invalid (value 0). Throws IoError when the data is damaged.
  RasterBlock read(const Window& window);
  /// Reads a window reduced to `width` x `height` pixels, from overviews where the file has them.
  RasterBlock read_reduced(const Window& window, int64_t width, int64_t height);
  /// The same around damage: what cannot be read is not valid. Throws IoError where nearly nothing can be.
  RasterBlock read_reduced_around_damage(const Window& window, int64_t width, int64_t height);

 private:
  struct Impl;
  explicit RasterReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Describes a raster without reading pixels. Throws IoError.
RasterInfo inspect_raster(const std::string& path);

/// One sentence where a raster's ground control points contradict one another, so that no fit through them places it well; else
/// empty.
std::string control_point_warning(const RasterInfo& info);

}  // namespace plat
