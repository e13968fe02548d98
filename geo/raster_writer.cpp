// SPDX-License-Identifier: Apache-2.0
#include "geo/raster_writer.hpp"

#include "core/error.hpp"
#include "core/staged_path.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/gdal_handles.hpp"
#include "geo/detail/output_file.hpp"
#include "geo/detail/srs.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>
#include <type_traits>
#include <vector>

namespace plat {
namespace {

constexpr int kBlock = 256;

template <typename T>
constexpr GDALDataType pixel_type() {
  if constexpr (std::is_same_v<T, uint8_t>) return GDT_Byte;
  if constexpr (std::is_same_v<T, uint16_t>) return GDT_UInt16;
  if constexpr (std::is_same_v<T, int32_t>) return GDT_Int32;
  if constexpr (std::is_same_v<T, float>) return GDT_Float32;
}

void set_georeferencing(GDALDatasetH dataset, const Grid& grid) {
  const Affine& a = grid.world_from_pixel;
  std::array<double, 6> transform = {a.x0, a.col_dx, a.row_dx, a.y0, a.col_dy, a.row_dy};
  // The pixel frame is what a file without georeferencing has.
  const bool pixel_frame = grid.crs.empty() && a == Affine{0, 1, 0, 0, 0, -1};
  if (!pixel_frame) GDALSetGeoTransform(dataset, transform.data());
  const detail::SrsHandle srs = detail::to_srs(grid.crs);
  if (srs) GDALSetSpatialRef(dataset, srs.get());
}

}  // namespace

template <typename T>
struct RasterWriter<T>::Impl {
  std::string path;
  std::string partial;
  RasterWriteOptions options;
  Grid grid;
  int bands = 0;
  detail::DatasetHandle dataset;

  /// Parts of the image that are not complete yet, by number. They reach the file whole and in order, so its bytes do not depend
  /// on GDAL's cache, and no block is compressed twice. A part is a row of blocks; where the file is written anew in
  /// the end, and its order is of no matter, a block, so that few of them wait.
  struct Pending {
    Image<T> pixels;
    int64_t filled = 0;
  };
  int64_t part_width = kBlock;
  int64_t parts_across = 1;
  std::map<int64_t, Pending> pending;
  std::vector<bool> finished;

  void cut_into_parts() {
    part_width = options.cog ? kBlock : grid.width;
    parts_across = (grid.width + part_width - 1) / part_width;
    finished.resize(static_cast<std::size_t>(parts_across * ((grid.height + kBlock - 1) / kBlock)));
  }

  Window window_of(int64_t part) const {
    return intersect(grid.window(),
                     {part % parts_across * part_width, part / parts_across * kBlock, part_width, kBlock});
  }

  [[noreturn]] void fail(const detail::GdalErrors& errors) const {
    throw IoError("cannot write " + path + errors.suffix() + "; is the disk full?");
  }

  void create() {
    const detail::GdalErrors errors;
    detail::ListHandle list;
    const auto set = [&](const char* name, const char* value) {
      list = detail::with_option(std::move(list), name, value);
    };
    set("TILED", "YES");
    set("BLOCKXSIZE", std::to_string(kBlock).c_str());
    set("BLOCKYSIZE", std::to_string(kBlock).c_str());
    set("COMPRESS", "DEFLATE");
    set("PREDICTOR", std::is_same_v<T, float> ? "3" : "2");
    set("BIGTIFF", "IF_SAFER");
    set("INTERLEAVE", "BAND");
    // Four bands of a class map are no RGBA image.
    set("PHOTOMETRIC", bands == 3 && std::is_same_v<T, uint8_t> ? "RGB" : "MINISBLACK");
    if (bands > 1 && !(bands == 3 && std::is_same_v<T, uint8_t>)) set("ALPHA", "NO");
    dataset.reset(GDALCreate(GDALGetDriverByName("GTiff"), partial.c_str(), static_cast<int>(grid.width),
                             static_cast<int>(grid.height), bands, pixel_type<T>(), list.get()));
    if (!dataset) throw IoError("cannot write " + path + errors.suffix());
    set_georeferencing(dataset.get(), grid);
    if (!options.taken.empty()) {
      GDALSetMetadataItem(dataset.get(), "TIFFTAG_DATETIME", options.taken.c_str(), nullptr);
    }
    for (int b = 1; b <= bands; ++b) {
      GDALRasterBandH band = GDALGetRasterBand(dataset.get(), b);
      if (options.nodata) GDALSetRasterNoDataValue(band, *options.nodata);
      if (static_cast<std::size_t>(b) <= options.band_names.size()) {
        GDALSetDescription(band, options.band_names[static_cast<std::size_t>(b) - 1].c_str());
      }
    }
    if (errors.failed()) fail(errors);
  }

  void to_file(const Image<T>& image, int64_t col, int64_t row) {
    const detail::GdalErrors errors;
    const CPLErr error = GDALDatasetRasterIOEx(
        dataset.get(), GF_Write, static_cast<int>(col), static_cast<int>(row), static_cast<int>(image.width()),
        static_cast<int>(image.height()), const_cast<T*>(image.data()), static_cast<int>(image.width()),
        static_cast<int>(image.height()), pixel_type<T>(), bands, nullptr, 0, 0, 0, nullptr);
    if (error != CE_None || errors.failed()) fail(errors);
  }

  void flush_cache() {
    const detail::GdalErrors errors;
    GDALFlushCache(dataset.get());
    if (errors.failed()) fail(errors);
  }

  Pending& part(int64_t number) {
    auto [found, fresh] = pending.try_emplace(number);
    if (fresh) {
      const Window window = window_of(number);
      found->second.pixels = Image<T>(window.width, window.height, bands, static_cast<T>(options.nodata.value_or(0)));
    }
    return found->second;
  }

  void finish_part(int64_t number) {
    const Window window = window_of(number);
    to_file(pending.at(number).pixels, window.col, window.row);
    if ((number + 1) % parts_across == 0) flush_cache();
    pending.erase(number);
    finished[static_cast<std::size_t>(number)] = true;
  }

  /// Adds the part of an image at (col, row) that lies in a part of the file.
  void add(int64_t number, const Image<T>& image, int64_t col, int64_t row) {
    const Window window = window_of(number);
    const Window common = intersect(window, {col, row, image.width(), image.height()});
    if (finished[static_cast<std::size_t>(number)]) {
      // Written a second time: correct, though the block is compressed again.
      return to_file(crop(image, {common.col - col, common.row - row, common.width, common.height}), common.col,
                     common.row);
    }
    Pending& target = part(number);
    for (int64_t b = 0; b < bands; ++b) {
      for (int64_t r = common.row; r < common.row_end(); ++r) {
        const auto from =
            image.row(r - row, b)
                .subspan(static_cast<std::size_t>(common.col - col), static_cast<std::size_t>(common.width));
        std::ranges::copy(from, target.pixels.row(r - window.row, b).begin() + (common.col - window.col));
      }
    }
    target.filled += common.pixel_count();
    if (target.filled >= window.pixel_count()) finish_part(number);
  }

  void make_cog() {
    const std::string cog = staged_name(path);
    const detail::GdalErrors errors;
    detail::ListHandle list;
    const auto set = [&](const char* name, const char* value) {
      list = detail::with_option(std::move(list), name, value);
    };
    set("COMPRESS", "DEFLATE");
    set("PREDICTOR", "YES");
    set("BIGTIFF", "IF_SAFER");
    set("OVERVIEWS", "IGNORE_EXISTING");
    set("OVERVIEW_RESAMPLING", options.nearest_overviews ? "NEAREST" : "AVERAGE");
    dataset.reset();
    const detail::DatasetHandle source(GDALOpen(partial.c_str(), GA_ReadOnly));
    GDALDriverH driver = GDALGetDriverByName("COG");
    if (driver == nullptr) throw IoError("cannot write " + path + ": this GDAL has no COG driver");
    detail::DatasetHandle copy;
    if (source) copy.reset(GDALCreateCopy(driver, cog.c_str(), source.get(), FALSE, list.get(), nullptr, nullptr));
    const bool written = copy != nullptr;
    copy.reset();
    if (!written || errors.failed()) {
      detail::remove_output(cog);
      fail(errors);
    }
    detail::rename_output(cog, partial);
  }

  void discard() {
    if (partial.empty()) return;
    const detail::GdalErrors quiet;
    dataset.reset();
    detail::remove_output(partial);
    partial.clear();
  }
};

template <typename T>
RasterWriter<T>::RasterWriter(const std::string& path, const Grid& grid, int bands, const RasterWriteOptions& options)
    : impl_(std::make_unique<Impl>()) {
  // GDAL counts columns and rows in 32 bits.
  constexpr int64_t kMaxSize = 2'147'483'647;
  if (grid.width <= 0 || grid.height <= 0 || bands <= 0 || grid.width > kMaxSize || grid.height > kMaxSize) {
    throw DataError("cannot write " + path + ": a raster of " + std::to_string(grid.width) + " x " +
                    std::to_string(grid.height) + " pixels in " + std::to_string(bands) + " bands");
  }
  impl_->path = detail::checked_output(path, options.overwrite);
  impl_->grid = grid;
  impl_->bands = bands;
  impl_->options = options;
  impl_->partial = staged_name(impl_->path);
  impl_->cut_into_parts();
  try {
    impl_->create();
  } catch (...) {
    impl_->discard();
    throw;
  }
}

template <typename T>
RasterWriter<T>::~RasterWriter() {
  if (impl_) impl_->discard();
}

template <typename T>
RasterWriter<T>::RasterWriter(RasterWriter&&) noexcept = default;

template <typename T>
void RasterWriter<T>::write(const Image<T>& image, int64_t col, int64_t row) {
  assert(image.bands() == impl_->bands);
  assert(intersect(impl_->grid.window(), {col, row, image.width(), image.height()}).pixel_count() ==
         image.width() * image.height());
  if (image.empty()) return;
  const int64_t last_row = (row + image.height() - 1) / kBlock,
                last_col = (col + image.width() - 1) / impl_->part_width;
  for (int64_t part_row = row / kBlock; part_row <= last_row; ++part_row) {
    for (int64_t part_col = col / impl_->part_width; part_col <= last_col; ++part_col)
      impl_->add(part_row * impl_->parts_across + part_col, image, col, row);
  }
}

template <typename T>
void RasterWriter<T>::close() {
  if (impl_->partial.empty()) return;
  try {
    while (!impl_->pending.empty()) impl_->finish_part(impl_->pending.begin()->first);
    {
      const detail::GdalErrors errors;
      impl_->dataset.reset();
      if (errors.failed()) impl_->fail(errors);
    }
    if (impl_->options.cog) impl_->make_cog();
    // Another run may have been faster.
    detail::checked_output(impl_->path, impl_->options.overwrite);
  } catch (...) {
    impl_->discard();
    throw;
  }
  detail::rename_output(impl_->partial, impl_->path);
  impl_->partial.clear();
}

template class RasterWriter<uint8_t>;
template class RasterWriter<uint16_t>;
template class RasterWriter<int32_t>;
template class RasterWriter<float>;

}  // namespace plat
