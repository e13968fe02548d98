// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/pixel_map.hpp"

#include "core/error.hpp"
#include "geo/detail/gdal_errors.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace plat::detail {
namespace {

// A suggested grid with more pixels than this for each of the file's comes from control points that fold the image.
constexpr double kMaxGrowth = 100;

/// GDAL's transformer from the file's pixels to coordinates of a CRS, or to the pixels of a grid once it is set.
PixelTransformHandle make_transformer(GDALDatasetH file, const RasterInfo& info, const Crs& file_crs,
                                      const Crs& target_crs) {
  GdalErrors errors;
  ListHandle options;
  const auto set = [&](const char* name, const std::string& value) {
    options = with_option(std::move(options), name, value.c_str());
  };
  if (!file_crs.empty()) set("SRC_SRS", file_crs.wkt());
  if (!target_crs.empty()) set("DST_SRS", target_crs.wkt());
  if (info.georeferencing == "gcps") {
    set("SRC_METHOD", "GCP_POLYNOMIAL");
  } else if (info.georeferencing == "rpcs") {
    set("SRC_METHOD", "RPC");
    // Without a terrain model, the scene's mean height places it better than the ellipsoid.
    if (const char* height = GDALGetMetadataItem(file, "HEIGHT_OFF", "RPC")) set("RPC_HEIGHT", height);
  } else {
    set("SRC_METHOD", "GEOTRANSFORM");
  }
  PixelTransformHandle transform(GDALCreateGenImgProjTransformer2(file, nullptr, options.get()));
  if (!transform) {
    throw DataError(info.path + ": its georeferencing (" + info.georeferencing + ", " + file_crs.name() +
                    ") cannot be carried to " + target_crs.name() + errors.suffix());
  }
  return transform;
}

Grid suggested_grid(GDALDatasetH file, const RasterInfo& info, const Crs& crs) {
  const PixelTransformHandle transform = make_transformer(file, info, crs, crs);
  const GdalErrors errors;
  std::array<double, 6> t{};
  std::array<double, 4> extent{};
  int width = 0;
  int height = 0;
  if (GDALSuggestedWarpOutput2(file, GDALGenImgProjTransform, transform.get(), t.data(), &width, &height, extent.data(),
                               0) != CE_None) {
    throw DataError(info.path + ": its " + info.georeferencing + " give no usable position on the ground" +
                    errors.suffix());
  }
  Grid grid{width, height, {t[0], t[1], t[2], t[3], t[4], t[5]}, crs};
  const double growth = static_cast<double>(width) * height /
                        (static_cast<double>(info.grid.width) * static_cast<double>(info.grid.height));
  if (!grid.world_from_pixel.north_up() || growth > kMaxGrowth) {
    throw DataError(info.path + ": its " + info.georeferencing + " fold or stretch the image; check them");
  }
  return grid;
}

/// The smallest north-up grid round a rotated or sheared one, with pixels of the same area.
Grid enclosing_grid(const RasterInfo& info, const Crs& crs) {
  const Affine& a = info.grid.world_from_pixel;
  const double pixel = std::sqrt(std::abs(a.col_dx * a.row_dy - a.row_dx * a.col_dy));
  if (!std::isfinite(pixel) || pixel == 0) a.inverse();
  const Bounds box = info.grid.world_bounds();
  Grid grid;
  grid.width = static_cast<int64_t>(std::ceil((box.max_x - box.min_x) / pixel - 1e-6));
  grid.height = static_cast<int64_t>(std::ceil((box.max_y - box.min_y) / pixel - 1e-6));
  grid.world_from_pixel = {box.min_x, pixel, 0, box.max_y, 0, -pixel};
  grid.crs = crs;
  return grid;
}

}  // namespace

Affine chained(const Affine& first, const Affine& second) {
  const Point origin = second({first.x0, first.y0});
  return {origin.x,
          second.col_dx * first.col_dx + second.row_dx * first.col_dy,
          second.col_dx * first.row_dx + second.row_dx * first.row_dy,
          origin.y,
          second.col_dy * first.col_dx + second.row_dy * first.col_dy,
          second.col_dy * first.row_dx + second.row_dy * first.row_dy};
}

Affine pixel_from_pixel(const Affine& from, const Affine& to) {
  Affine source = from;
  source.x0 -= to.x0;
  source.y0 -= to.y0;
  Affine target = to;
  target.x0 = 0;
  target.y0 = 0;
  return chained(source, target.inverse());
}

Grid native_grid(GDALDatasetH file, const RasterInfo& info, const Crs& file_crs) {
  Grid grid{info.grid.width, info.grid.height, info.grid.world_from_pixel, file_crs};
  if (info.georeferencing == "none") {
    grid.world_from_pixel = {0, 1, 0, 0, 0, -1};
    grid.crs = {};
    return grid;
  }
  if (info.georeferencing != "transform") return suggested_grid(file, info, file_crs);
  Affine& a = grid.world_from_pixel;
  if (!std::isfinite(a.x0 + a.y0)) throw DataError(info.path + ": its transform is not finite; fix its georeferencing");
  if (a.north_up()) return grid;
  if (a.row_dx != 0 || a.col_dy != 0) return enclosing_grid(info, file_crs);
  a.inverse();
  const Bounds box = info.grid.world_bounds();
  a = {box.min_x, std::abs(a.col_dx), 0, box.max_y, 0, -std::abs(a.row_dy)};
  return grid;
}

PixelMap::PixelMap(const Affine& file_from_grid) : affine_(file_from_grid) {}

PixelMap::PixelMap(GDALDatasetH file, const RasterInfo& info, const Crs& file_crs, const Grid& grid)
    : path_(info.path) {
  transform_ = make_transformer(file, info, file_crs, grid.crs);
  const Affine& a = grid.world_from_pixel;
  const std::array<double, 6> t = {a.x0, a.col_dx, a.row_dx, a.y0, a.col_dy, a.row_dy};
  GDALSetGenImgProjTransformerDstGeoTransform(transform_.get(), t.data());
}

void PixelMap::shift_first(const ShiftField& shift) {
  if (affine_ && shift.degree <= 1) {
    affine_ = chained(shift.affine(), *affine_);
  } else {
    shift_ = shift;
  }
}

void PixelMap::operator()(std::span<Point> positions) const {
  if (shift_) {
    for (Point& position : positions) {
      const Point shift = shift_->at(position);
      position = {position.x + shift.x, position.y + shift.y};
    }
  }
  if (affine_) {
    for (Point& position : positions) position = (*affine_)(position);
    return;
  }
  std::vector<double> x(positions.size());
  std::vector<double> y(positions.size());
  std::vector<double> z(positions.size(), 0.0);
  std::vector<int> ok(positions.size(), 0);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    x[i] = positions[i].x;
    y[i] = positions[i].y;
  }
  const GdalErrors quiet;
  GDALGenImgProjTransform(transform_.get(), TRUE, static_cast<int>(x.size()), x.data(), y.data(), z.data(), ok.data());
  constexpr double kNowhere = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const bool found = ok[i] != 0 && std::isfinite(x[i]) && std::isfinite(y[i]);
    positions[i] = found ? Point{x[i], y[i]} : Point{kNowhere, kNowhere};
  }
}

}  // namespace plat::detail
