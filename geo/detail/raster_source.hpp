// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/band_choice.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/raster_reader.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plat::detail {

/// Which pixels of a file a source reads: all of them, those of an overview, or each step-th one.
struct SourceLevel {
  int overview = -1;  ///< from 0; -1: full resolution
  int64_t step = 1;   ///< each step-th column and row, from the middle of a step; 1: all
};

/// Reads windows of a file's own pixel lattice as floats with their validity: palettes, complex numbers, nodata, masks
/// and alpha end here. One thread at a time.
class RasterSource {
 public:
  /// Opens a dataset of its own. Throws IoError.
  RasterSource(const RasterInfo& info, std::vector<Channel> channels, std::optional<double> nodata, SourceLevel level);

  /// Size of the lattice at this source's level.
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  int channels() const { return static_cast<int>(channels_.size()); }
  /// Whether all channels are stored as plain bytes (or colours of a palette).
  bool is_byte() const { return is_byte_; }
  bool is_integer() const { return is_integer_; }
  /// The open dataset, for its georeferencing.
  GDALDatasetH dataset();

  /// Reads a window that lies in the lattice. Throws IoError when the data is damaged; the next read then starts from a
  /// freshly opened file, because GDAL keeps damaged blocks and warns only once.
  RasterBlock read(const Window& window);

 private:
  void open();
  void prepare();
  void fetch(const Window& window, RasterBlock& block);
  void fetch_values(GDALRasterBandH band, const Window& window, float* values) const;
  void mark_nodata(RasterBlock& block, const Image<float>& stored) const;
  /// Channels from stored bands: repeated bands, colours of palettes, inks.
  void combine(const Image<float>& stored, RasterBlock& block) const;

  RasterInfo info_;
  std::vector<Channel> channels_;
  std::optional<double> nodata_;
  SourceLevel level_;

  DatasetHandle dataset_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  bool is_byte_ = false;
  bool is_integer_ = false;
  bool is_cmyk_ = false;
  bool is_complex_ = false;
  bool channels_are_bands_ = false;
  /// Any nodata band ends a pixel of floats; integers end only where all bands agree, because 0 is also a dark roof.
  bool any_nodata_ = false;
  std::vector<int> bands_;                         ///< the distinct bands behind the channels
  std::vector<std::optional<float>> band_nodata_;  ///< one for each of `bands_`, as it looks after conversion to float
  std::vector<bool> signed_bytes_;  ///< one for each of `bands_`: GDAL gives its values without their sign
  std::vector<GDALRasterBandH> masks_;
  GDALRasterBandH alpha_ = nullptr;
  struct Colour {
    std::array<float, 3> part;
    bool visible;
  };
  std::vector<Colour> palette_;
};

}  // namespace plat::detail
