// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/gdal_handles.hpp"
#include "geo/grid.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace plat::test {

/// What a raster made for a test looks like; written by GDAL itself, so that the reader meets what other programs make.
struct RasterFixture {
  int width = 0;
  int height = 0;
  int bands = 1;
  GDALDataType type = GDT_Byte;
  std::vector<std::string> creation;  ///< creation options NAME=VALUE
  bool georeferenced = true;
  Affine transform{500'000, 1, 0, 3'000'000, 0, -1};
  std::string crs = "EPSG:32645";
  /// The value of a pixel.
  std::function<double(int col, int row, int band)> value = [](int, int, int) { return 0.0; };
  /// What else is to be set before the pixels are written.
  std::function<void(GDALDatasetH)> adjust;
  /// The internal mask, where there is one: whether a pixel is valid.
  std::function<bool(int col, int row)> mask;
  std::vector<int> overviews;
};

inline void write_fixture(const std::string& path, const RasterFixture& f) {
  const auto check = [&](bool ok) {
    if (!ok) throw std::runtime_error("cannot make " + path);
  };
  detail::ListHandle options;
  for (const std::string& option : f.creation) {
    options = detail::ListHandle(CSLAddString(options.release(), option.c_str()));
  }
  detail::DatasetHandle dataset(
      GDALCreate(GDALGetDriverByName("GTiff"), path.c_str(), f.width, f.height, f.bands, f.type, options.get()));
  check(dataset != nullptr);
  if (f.georeferenced) {
    std::array<double, 6> t = {f.transform.x0, f.transform.col_dx, f.transform.row_dx,
                               f.transform.y0, f.transform.col_dy, f.transform.row_dy};
    check(GDALSetGeoTransform(dataset.get(), t.data()) == CE_None);
    if (!f.crs.empty()) {
      const detail::SrsHandle srs(OSRNewSpatialReference(nullptr));
      check(OSRSetFromUserInput(srs.get(), f.crs.c_str()) == OGRERR_NONE);
      GDALSetSpatialRef(dataset.get(), srs.get());
    }
  }
  if (f.adjust) f.adjust(dataset.get());
  std::vector<double> row_values(static_cast<std::size_t>(f.width));
  for (int b = 0; b < f.bands; ++b) {
    for (int row = 0; row < f.height; ++row) {
      for (int col = 0; col < f.width; ++col) row_values[static_cast<std::size_t>(col)] = f.value(col, row, b);
      check(GDALRasterIO(GDALGetRasterBand(dataset.get(), b + 1), GF_Write, 0, row, f.width, 1, row_values.data(),
                         f.width, 1, GDT_Float64, 0, 0) == CE_None);
    }
  }
  if (f.mask) {
    CPLSetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES");
    check(GDALCreateDatasetMaskBand(dataset.get(), GMF_PER_DATASET) == CE_None);
    GDALRasterBandH mask = GDALGetMaskBand(GDALGetRasterBand(dataset.get(), 1));
    for (int row = 0; row < f.height; ++row) {
      for (int col = 0; col < f.width; ++col) row_values[static_cast<std::size_t>(col)] = f.mask(col, row) ? 255 : 0;
      check(GDALRasterIO(mask, GF_Write, 0, row, f.width, 1, row_values.data(), f.width, 1, GDT_Float64, 0, 0) ==
            CE_None);
    }
  }
  if (!f.overviews.empty()) {
    check(GDALBuildOverviews(dataset.get(), "AVERAGE", static_cast<int>(f.overviews.size()), f.overviews.data(), 0,
                             nullptr, nullptr, nullptr) == CE_None);
  }
  dataset.reset();
  CPLSetThreadLocalConfigOption("GDAL_TIFF_INTERNAL_MASK", nullptr);
}

}  // namespace plat::test
