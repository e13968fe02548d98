// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/gdal_handles.hpp"
#include "geo/raster_reader.hpp"

#include <string>

namespace plat::detail {

/// Opens a raster for reading, at full resolution or (`overview` from 0) one of its overviews. Throws IoError with the
/// reason, DataError when it holds no bands.
DatasetHandle open_raster(const std::string& path, int overview = -1);
/// What an open raster says of itself.
RasterInfo describe(GDALDatasetH dataset, const std::string& path);
/// Throws IoError when one block of the raster would take more memory than any honest file's: reading a single pixel
/// decodes a whole block.
void check_safe(GDALDatasetH dataset, const RasterInfo& info);
/// The value that means "no data" in a band, if there is one.
std::optional<double> nodata_of(GDALRasterBandH band);
/// Whether a band holds bytes from -128 to 127 in the manner of GDAL before 3.7, which gives them as 0 to 255.
bool is_signed_byte(GDALRasterBandH band);
/// Name for people: "red", "nir", …
const char* role_name(BandRole role);

}  // namespace plat::detail
