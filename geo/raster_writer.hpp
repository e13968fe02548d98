// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/grid.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// How a GeoTIFF is written.
struct RasterWriteOptions {
  bool overwrite = false;
  bool cog = false;  ///< Cloud-Optimized GeoTIFF with overviews
  std::optional<double> nodata;
  bool nearest_overviews = false;  ///< labels: nearest; else average
  std::vector<std::string> band_names;
  std::string taken;  ///< when the image was taken, as "2024:02:11 09:40:00" (TIFF's DateTime); empty: not said
};

/// Writes a tiled, DEFLATE-compressed GeoTIFF piece by piece under a temporary name; `close` gives it its final
/// name, a destructor without `close` removes it. T is uint8_t, uint16_t, int32_t or float. One thread at a time.
template <typename T>
class RasterWriter {
 public:
  RasterWriter(const std::string& path, const Grid& grid, int bands, const RasterWriteOptions& options = {});
  ~RasterWriter();
  RasterWriter(RasterWriter&&) noexcept;
  /// Writes an image with its top-left pixel at (col, row).
  void write(const Image<T>& image, int64_t col, int64_t row);
  /// Flushes, checks and renames. Throws IoError.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes a whole image at once.
template <typename T>
void write_raster(const std::string& path, const Image<T>& image, const Grid& grid,
                  const RasterWriteOptions& options = {}) {
  RasterWriter<T> writer(path, grid, static_cast<int>(image.bands()), options);
  writer.write(image, 0, 0);
  writer.close();
}

}  // namespace plat
