// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/raster_source.hpp"

#include "core/error.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/raster_open.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

namespace plat::detail {
namespace {

bool is_cmyk(GDALDatasetH dataset) {
  static constexpr std::array<GDALColorInterp, 4> kInks = {GCI_CyanBand, GCI_MagentaBand, GCI_YellowBand,
                                                           GCI_BlackBand};
  if (GDALGetRasterCount(dataset) < 4) return false;
  for (int b = 0; b < 4; ++b) {
    GDALRasterBandH band = GDALGetRasterBand(dataset, b + 1);
    if (GDALGetRasterColorInterpretation(band) != kInks[static_cast<std::size_t>(b)] ||
        GDALGetRasterDataType(band) != GDT_Byte) {
      return false;
    }
  }
  return true;
}

/// Whether a band holds whole bytes: "1 bit a pixel" is also GDAL's type Byte.
bool is_whole_byte(GDALRasterBandH band) {
  const char* bits = GDALGetMetadataItem(band, "NBITS", "IMAGE_STRUCTURE");
  return GDALGetRasterDataType(band) == GDT_Byte && !is_signed_byte(band) &&
         (bits == nullptr || std::string_view(bits) == "8");
}

/// Bytes as GDAL before 3.7 gives those of a signed type: without their sign.
void restore_sign(std::span<float> values) {
  for (float& value : values) {
    if (value > 127) value -= 256;
  }
}

/// A value as it looks after GDAL's own conversion to float, which clamps and rounds in its own way.
float as_float(double value) {
  float out = 0;
  GDALCopyWords(&value, GDT_Float64, 0, &out, GDT_Float32, 0, 1);
  return out;
}

/// Columns first..last, rows first..last: counted from 0 as windows are.
std::string place(const Window& window) {
  return "columns " + std::to_string(window.col) + " to " + std::to_string(window.col_end() - 1) + ", rows " +
         std::to_string(window.row) + " to " + std::to_string(window.row_end() - 1);
}

}  // namespace

RasterSource::RasterSource(const RasterInfo& info, std::vector<Channel> channels, std::optional<double> nodata,
                           SourceLevel level)
    : info_(info), channels_(std::move(channels)), nodata_(nodata), level_(level) {
  open();
}

GDALDatasetH RasterSource::dataset() {
  if (!dataset_) open();
  return dataset_.get();
}

void RasterSource::open() {
  dataset_ = open_raster(info_.path, level_.overview);
  width_ = std::max<int64_t>(1, GDALGetRasterXSize(dataset_.get()) / level_.step);
  height_ = std::max<int64_t>(1, GDALGetRasterYSize(dataset_.get()) / level_.step);
  const GdalErrors quiet;
  prepare();
}

void RasterSource::prepare() {
  bands_.clear();
  band_nodata_.clear();
  signed_bytes_.clear();
  masks_.clear();
  palette_.clear();
  alpha_ = nullptr;
  is_byte_ = true;
  is_integer_ = true;
  is_complex_ = false;
  any_nodata_ = false;
  // Directories of overviews are read at first use; their warnings are none about pixels.
  GDALGetOverviewCount(GDALGetRasterBand(dataset_.get(), 1));
  is_cmyk_ = channels_.size() == 3 && channels_[0].band == 1 && channels_[1].band == 2 && channels_[2].band == 3 &&
             is_cmyk(dataset_.get());
  for (const Channel& channel : channels_) {
    if (std::find(bands_.begin(), bands_.end(), channel.band) == bands_.end()) bands_.push_back(channel.band);
  }
  if (is_cmyk_) bands_.push_back(4);
  channels_are_bands_ = bands_.size() == channels_.size() && channels_[0].palette_colour < 0;

  for (const int number : bands_) {
    GDALRasterBandH band = GDALGetRasterBand(dataset_.get(), number);
    const GDALDataType type = GDALGetRasterDataType(band);
    is_byte_ = is_byte_ && is_whole_byte(band);
    is_integer_ = is_integer_ && GDALDataTypeIsInteger(type) != 0;
    is_complex_ = is_complex_ || GDALDataTypeIsComplex(type) != 0;
    any_nodata_ = any_nodata_ || GDALDataTypeIsFloating(type) != 0;
    const std::optional<double> nodata = nodata_ ? nodata_ : nodata_of(band);
    signed_bytes_.push_back(is_signed_byte(band));
    band_nodata_.push_back(nodata ? std::optional(as_float(*nodata)) : std::nullopt);

    const int flags = GDALGetMaskFlags(band);
    const bool own_mask = (flags & (GMF_ALL_VALID | GMF_ALPHA)) == 0 && (flags & GMF_NODATA) == 0;
    // GDAL's NODATA_VALUES: one combination of all bands, which GDAL alone knows how to compare.
    const bool combined = (flags & GMF_NODATA) != 0 && (flags & GMF_PER_DATASET) != 0 && !nodata_;
    const bool shared = (flags & GMF_PER_DATASET) != 0;
    if ((own_mask || combined) && (masks_.empty() || !shared)) masks_.push_back(GDALGetMaskBand(band));
  }
  for (std::size_t b = 0; b < info_.roles.size(); ++b) {
    const int number = static_cast<int>(b) + 1;
    const bool read_as_pixels = std::find(bands_.begin(), bands_.end(), number) != bands_.end();
    if (info_.roles[b] == BandRole::Alpha && !read_as_pixels) alpha_ = GDALGetRasterBand(dataset_.get(), number);
  }
  if (channels_[0].palette_colour >= 0) {
    is_byte_ = true;
    GDALColorTableH table = GDALGetRasterColorTable(GDALGetRasterBand(dataset_.get(), channels_[0].band));
    const int count = table != nullptr ? GDALGetColorEntryCount(table) : 0;
    for (int i = 0; i < count; ++i) {
      GDALColorEntry entry{};
      GDALGetColorEntryAsRGB(table, i, &entry);
      palette_.push_back(
          {{static_cast<float>(entry.c1), static_cast<float>(entry.c2), static_cast<float>(entry.c3)}, entry.c4 != 0});
    }
  }
}

RasterBlock RasterSource::read(const Window& window) {
  if (!dataset_) open();
  RasterBlock block{{}, Image<uint8_t>(window.width, window.height, 1, uint8_t{1})};
  if (window.empty()) return block;
  const GdalErrors errors;
  try {
    fetch(window, block);
  } catch (...) {
    dataset_.reset();
    throw;
  }
  if (errors.failed() || errors.lost_data()) {
    const Window full{window.col * level_.step, window.row * level_.step, window.width * level_.step,
                      window.height * level_.step};
    dataset_.reset();
    throw IoError(info_.path + ": cannot read " + place(full) + (level_.overview >= 0 ? " of an overview" : "") +
                  errors.suffix(info_.path) + "; the file is damaged or incomplete");
  }
  return block;
}

void RasterSource::fetch_values(GDALRasterBandH band, const Window& window, float* values) const {
  const auto width = static_cast<int>(window.width);
  const auto height = static_cast<int>(window.height);
  const auto col = static_cast<int>(window.col * level_.step);
  const auto row = static_cast<int>(window.row * level_.step);
  // A raster smaller than a step still has one pixel to give.
  const auto across = static_cast<int>(
      std::min<int64_t>(window.width * level_.step, GDALGetRasterBandXSize(band) - static_cast<int64_t>(col)));
  const auto down = static_cast<int>(
      std::min<int64_t>(window.height * level_.step, GDALGetRasterBandYSize(band) - static_cast<int64_t>(row)));
  const auto count = static_cast<std::size_t>(window.width * window.height);
  if (GDALDataTypeIsComplex(GDALGetRasterDataType(band)) == 0) {
    if (GDALRasterIO(band, GF_Read, col, row, across, down, values, width, height, GDT_Float32, 0, 0) != CE_None) {
      CPLError(CE_Failure, CPLE_FileIO, "reading failed");
    }
    return;
  }
  std::vector<float> parts(2 * count);
  if (GDALRasterIO(band, GF_Read, col, row, across, down, parts.data(), width, height, GDT_CFloat32, 0, 0) != CE_None) {
    CPLError(CE_Failure, CPLE_FileIO, "reading failed");
  }
  for (std::size_t i = 0; i < count; ++i) values[i] = std::hypot(parts[2 * i], parts[2 * i + 1]);
}

void RasterSource::mark_nodata(RasterBlock& block, const Image<float>& stored) const {
  std::vector<std::size_t> with;
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    if (band_nodata_[b] && !std::isnan(*band_nodata_[b])) with.push_back(b);
  }
  uint8_t* valid = block.valid.data();
  const std::size_t count = block.valid.size();
  if (!with.empty()) {
    std::vector<uint16_t> hits(count, 0);
    for (const std::size_t b : with) {
      const auto values = stored.band(static_cast<int64_t>(b));
      const float nodata = *band_nodata_[b];
      for (std::size_t i = 0; i < count; ++i) hits[i] = static_cast<uint16_t>(hits[i] + (values[i] == nodata ? 1 : 0));
    }
    const std::size_t enough = any_nodata_ ? 1 : with.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (hits[i] >= enough) valid[i] = 0;
    }
  }
  for (int64_t b = 0; b < stored.bands(); ++b) {
    const auto values = stored.band(b);
    for (std::size_t i = 0; i < count; ++i) {
      if (!std::isfinite(values[i])) valid[i] = 0;
    }
  }
}

void RasterSource::fetch(const Window& window, RasterBlock& block) {
  Image<float> stored(window.width, window.height, static_cast<int64_t>(bands_.size()));
  const std::size_t count = block.valid.size();
  const bool whole = level_.step == 1 && !is_complex_;
  if (whole) {
    // All bands at once: GDAL then decodes pixel-interleaved blocks once.
    if (GDALDatasetRasterIOEx(dataset_.get(), GF_Read, static_cast<int>(window.col), static_cast<int>(window.row),
                              static_cast<int>(window.width), static_cast<int>(window.height), stored.data(),
                              static_cast<int>(window.width), static_cast<int>(window.height), GDT_Float32,
                              static_cast<int>(bands_.size()), bands_.data(), 0, 0, 0, nullptr) != CE_None) {
      CPLError(CE_Failure, CPLE_FileIO, "reading failed");
    }
  } else {
    for (std::size_t b = 0; b < bands_.size(); ++b) {
      fetch_values(GDALGetRasterBand(dataset_.get(), bands_[b]), window, stored.band(static_cast<int64_t>(b)).data());
    }
  }
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    if (signed_bytes_[b]) restore_sign(stored.band(static_cast<int64_t>(b)));
  }
  mark_nodata(block, stored);

  std::vector<float> cover(masks_.empty() && alpha_ == nullptr ? 0 : count);
  const auto hide = [&](GDALRasterBandH band) {
    fetch_values(band, window, cover.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (cover[i] == 0) block.valid.data()[i] = 0;
    }
  };
  for (GDALRasterBandH mask : masks_) hide(mask);
  if (alpha_ != nullptr) hide(alpha_);

  if (channels_are_bands_) {
    block.pixels = std::move(stored);
  } else {
    combine(stored, block);
  }
  // What is not valid is 0 everywhere, so that no fill value and no NaN reaches arithmetic.
  for (int64_t c = 0; c < block.pixels.bands(); ++c) {
    const auto values = block.pixels.band(c);
    for (std::size_t i = 0; i < count; ++i) {
      if (block.valid.data()[i] == 0) values[i] = 0;
    }
  }
}

void RasterSource::combine(const Image<float>& stored, RasterBlock& block) const {
  block.pixels = Image<float>(stored.width(), stored.height(), static_cast<int64_t>(channels_.size()));
  const std::size_t count = block.valid.size();
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const auto found = std::find(bands_.begin(), bands_.end(), channels_[c].band) - bands_.begin();
    const auto from = stored.band(found);
    const auto to = block.pixels.band(static_cast<int64_t>(c));
    if (is_cmyk_) {
      const auto black = stored.band(3);
      for (std::size_t i = 0; i < count; ++i) to[i] = (255 - from[i]) * (255 - black[i]) / 255;
    } else if (channels_[c].palette_colour >= 0) {
      const auto part = static_cast<std::size_t>(channels_[c].palette_colour);
      for (std::size_t i = 0; i < count; ++i) {
        const auto index = static_cast<std::size_t>(std::max(0.0F, from[i]));
        const bool known = std::isfinite(from[i]) && index < palette_.size();
        to[i] = known ? palette_[index].part[part] : 0;
        if (!known || !palette_[index].visible) block.valid.data()[i] = 0;
      }
    } else {
      std::copy(from.begin(), from.end(), to.begin());
    }
  }
}

}  // namespace plat::detail
