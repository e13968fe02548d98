// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/raster_open.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "core/text.hpp"
#include "geo/detail/gdal_errors.hpp"
#include "geo/detail/output_file.hpp"
#include "geo/detail/srs.hpp"

#include <cpl_vsi.h>
#include <gdal_version.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace plat::detail {
namespace {

// A scene in one strip is legitimate up to about here; GDAL holds a block or two for each reader.
constexpr double kMaxBlockBytes = 1.5e9;
// No codec of GDAL's shrinks real pixels this far, so a larger block is a claim that the file cannot hold.
constexpr double kMaxCompression = 2000;
constexpr double kHarmlessBlockBytes = 64e6;

BandRole role_from_text(const std::string& description) {
  const std::string text = lower(trim(description));
  if (text == "red" || text == "r") return BandRole::Red;
  if (text == "green" || text == "g") return BandRole::Green;
  if (text == "blue" || text == "b") return BandRole::Blue;
  if (text == "nir" || text == "near infrared" || text == "near-infrared" || text == "near_infrared" ||
      text == "nearinfrared" || text == "nir1" || text == "infrared") {
    return BandRole::NearInfrared;
  }
  if (text == "alpha") return BandRole::Alpha;
  return BandRole::Unknown;
}

BandRole role_of(GDALRasterBandH band) {
  switch (GDALGetRasterColorInterpretation(band)) {
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 10, 0)
    case GCI_NIRBand: return BandRole::NearInfrared;
#endif
    case GCI_RedBand: return BandRole::Red;
    case GCI_GreenBand: return BandRole::Green;
    case GCI_BlueBand: return BandRole::Blue;
    case GCI_AlphaBand: return BandRole::Alpha;
    case GCI_PaletteIndex: return BandRole::Palette;
    default: break;
  }
  // GDAL before 3.10 has no near infrared, and a stack of bands calls its first one gray: then the description tells.
  const BandRole told = role_from_text(GDALGetDescription(band));
  if (told != BandRole::Unknown) return told;
  return GDALGetRasterColorInterpretation(band) == GCI_GrayIndex ? BandRole::Gray : BandRole::Unknown;
}

Affine to_affine(const std::array<double, 6>& t) { return {t[0], t[1], t[2], t[3], t[4], t[5]}; }

/// How far the polynomial that the warp takes misses the worst control point, in pixels; 0 where there is none.
double control_point_error(GDALDatasetH dataset) {
  const int count = GDALGetGCPCount(dataset);
  const GDAL_GCP* points = GDALGetGCPs(dataset);
  const GcpTransformHandle from_world(GDALCreateGCPTransformer(count, points, 0, FALSE));
  if (!from_world) return 0;
  double worst = 0;
  for (int i = 0; i < count; ++i) {
    double x = points[i].dfGCPX, y = points[i].dfGCPY, z = 0;
    int ok = 0;
    GDALGCPTransform(from_world.get(), TRUE, 1, &x, &y, &z, &ok);
    if (ok != 0) worst = std::max(worst, std::hypot(x - points[i].dfGCPPixel, y - points[i].dfGCPLine));
  }
  return worst;
}

void describe_georeferencing(GDALDatasetH dataset, RasterInfo& info) {
  std::array<double, 6> transform{};
  const Affine identity;
  info.georeferencing = "none";
  info.grid.crs = from_srs(GDALGetSpatialRef(dataset));
  if (GDALGetGeoTransform(dataset, transform.data()) == CE_None && !(to_affine(transform) == identity)) {
    info.georeferencing = "transform";
    info.grid.world_from_pixel = to_affine(transform);
  } else if (GDALGetGCPCount(dataset) > 0) {
    info.georeferencing = "gcps";
    info.grid.crs = from_srs(GDALGetGCPSpatialRef(dataset));
    info.control_point_error_px = control_point_error(dataset);
    // Only roughly: ground control points need not lie on a plane.
    if (GDALGCPsToGeoTransform(GDALGetGCPCount(dataset), GDALGetGCPs(dataset), transform.data(), TRUE) != 0) {
      info.grid.world_from_pixel = to_affine(transform);
      // Two points are too few for GDAL's polynomials, but unless one axis does not tell them apart they fix a transform
      // without rotation.
      if (GDALGetGCPCount(dataset) == 2) info.georeferencing = "transform";
    }
  } else if (GDALGetMetadata(dataset, "RPC") != nullptr) {
    info.georeferencing = "rpcs";
    info.grid.crs = Crs::wgs84();
  }
}

[[noreturn]] void cannot_open(const std::string& path, const GdalErrors& errors) {
  const bool local = !path.starts_with("/vsi") && path.find(':') == std::string::npos;
  if (local && !path_exists(path)) throw IoError(path + ": no such file. Check the path");
  throw IoError(path + ": cannot be read as a raster" + errors.suffix(path));
}

}  // namespace

DatasetHandle open_raster(const std::string& path, int overview) {
  const GdalErrors errors;
  ListHandle options;
  if (overview >= 0) options = with_option(nullptr, "OVERVIEW_LEVEL", std::to_string(overview).c_str());
  DatasetHandle dataset(GDALOpenEx(path.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr,
                                   options.get(), nullptr));
  if (!dataset) cannot_open(path, errors);
  if (GDALGetRasterCount(dataset.get()) == 0) {
    const char* first = CSLFetchNameValue(GDALGetMetadata(dataset.get(), "SUBDATASETS"), "SUBDATASET_1_NAME");
    if (first != nullptr)
      throw DataError(path + ": a container of several rasters; name one of them, such as " + first);
    throw DataError(path + ": holds no raster bands");
  }
  return dataset;
}

std::optional<double> nodata_of(GDALRasterBandH band) {
  int has = 0;
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 5, 0)
  // 64-bit integers do not pass through a double in GDAL's interface.
  if (GDALGetRasterDataType(band) == GDT_Int64) {
    const auto value = GDALGetRasterNoDataValueAsInt64(band, &has);
    return has != 0 ? std::optional(static_cast<double>(value)) : std::nullopt;
  }
  if (GDALGetRasterDataType(band) == GDT_UInt64) {
    const auto value = GDALGetRasterNoDataValueAsUInt64(band, &has);
    return has != 0 ? std::optional(static_cast<double>(value)) : std::nullopt;
  }
#endif
  const double value = GDALGetRasterNoDataValue(band, &has);
  return has != 0 ? std::optional(value) : std::nullopt;
}

bool is_signed_byte(GDALRasterBandH band) {
  const char* type = GDALGetMetadataItem(band, "PIXELTYPE", "IMAGE_STRUCTURE");
  return GDALGetRasterDataType(band) == GDT_Byte && type != nullptr && std::string_view(type) == "SIGNEDBYTE";
}

RasterInfo describe(GDALDatasetH dataset, const std::string& path) {
  const GdalErrors quiet;
  RasterInfo info;
  info.path = path;
  info.driver = GDALGetDriverShortName(GDALGetDatasetDriver(dataset));
  info.grid.width = GDALGetRasterXSize(dataset);
  info.grid.height = GDALGetRasterYSize(dataset);
  describe_georeferencing(dataset, info);
  const char* taken = GDALGetMetadataItem(dataset, "ACQUISITIONDATETIME", "IMAGERY");
  if (taken == nullptr) taken = GDALGetMetadataItem(dataset, "TIFFTAG_DATETIME", nullptr);
  if (taken != nullptr) info.taken = taken;
  for (int b = 1; b <= GDALGetRasterCount(dataset); ++b) {
    GDALRasterBandH band = GDALGetRasterBand(dataset, b);
    info.roles.push_back(role_of(band));
    info.band_names.emplace_back(GDALGetDescription(band));
    info.nodata.push_back(nodata_of(band));
    info.has_mask = info.has_mask || info.roles.back() == BandRole::Alpha;
  }
  GDALRasterBandH first = GDALGetRasterBand(dataset, 1);
  const int mask = GDALGetMaskFlags(first);
  info.has_mask = info.has_mask || (mask & (GMF_ALL_VALID | GMF_NODATA)) == 0;
  info.pixel_type = is_signed_byte(first) ? "Int8" : GDALGetDataTypeName(GDALGetRasterDataType(first));
  info.overviews = GDALGetOverviewCount(first);
  int block_width = 0;
  int block_height = 0;
  GDALGetBlockSize(first, &block_width, &block_height);
  info.block_width = block_width;
  info.block_height = block_height;
  if (const char* compression = GDALGetMetadataItem(dataset, "COMPRESSION", "IMAGE_STRUCTURE")) {
    info.compression = compression;
  }
  return info;
}

void check_safe(GDALDatasetH dataset, const RasterInfo& info) {
  const char* interleave = GDALGetMetadataItem(dataset, "INTERLEAVE", "IMAGE_STRUCTURE");
  const bool by_pixel = interleave != nullptr && std::string_view(interleave) == "PIXEL";
  const GDALDataType type = GDALGetDataTypeByName(info.pixel_type.c_str());
  const double bytes = static_cast<double>(info.block_width) * static_cast<double>(info.block_height) *
                       std::max(1, GDALGetDataTypeSizeBytes(type)) *
                       (by_pixel ? static_cast<double>(info.roles.size()) : 1.0);
  if (bytes <= kHarmlessBlockBytes) return;
  const GdalErrors quiet;
  VSIStatBufL stat;
  const bool known = VSIStatL(info.path.c_str(), &stat) == 0 && stat.st_size > 0;
  // A VRT or another index file is small and yet honest: its pixels lie elsewhere.
  const bool holds_pixels = info.driver == "GTiff" || info.driver == "COG";
  if (bytes > kMaxBlockBytes ||
      (known && holds_pixels && bytes > kMaxCompression * static_cast<double>(stat.st_size))) {
    throw IoError(info.path + ": unsafe to read: each of its blocks claims " + std::to_string(info.block_width) +
                  " x " + std::to_string(info.block_height) + " pixels (" + format_memory(static_cast<int64_t>(bytes)) +
                  "). If the file is sound, convert it with gdal_translate -co TILED=YES");
  }
}

const char* role_name(BandRole role) {
  switch (role) {
    case BandRole::Gray: return "gray";
    case BandRole::Red: return "red";
    case BandRole::Green: return "green";
    case BandRole::Blue: return "blue";
    case BandRole::NearInfrared: return "nir";
    case BandRole::Alpha: return "alpha";
    case BandRole::Palette: return "palette";
    case BandRole::Unknown: break;
  }
  return "unknown";
}

}  // namespace plat::detail
