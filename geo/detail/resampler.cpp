// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/resampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace plat::detail {
namespace {

// Overviews are of unknown make (often each second pixel); two of theirs for each sample hide that.
constexpr double kPixelsPerSample = 2;
// When pixels may be skipped: from where, and how many of those kept there are for each sample.
constexpr double kSkipFrom = 8;
constexpr double kSkipTo = 4;
// Maps are probed at this many places a side to learn their scale.
constexpr int kProbes = 5;

struct Scale {
  double x = 1;
  double y = 1;
  double least = 1;
};

/// How many of the file's pixels lie between two samples: at the middle, and the least over the grid.
Scale measure_scale(const PixelMap& map, const Affine& map_from_grid, int64_t width, int64_t height) {
  Scale scale;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kProbes; ++i) {
    for (int j = 0; j < kProbes; ++j) {
      const double col = static_cast<double>(width) * (j + 0.5) / kProbes;
      const double row = static_cast<double>(height) * (i + 0.5) / kProbes;
      std::array<Point, 3> at = {map_from_grid({col, row}), map_from_grid({col + 1, row}),
                                 map_from_grid({col, row + 1})};
      map(at);
      const double x = std::hypot(at[1].x - at[0].x, at[2].x - at[0].x);
      const double y = std::hypot(at[1].y - at[0].y, at[2].y - at[0].y);
      if (!std::isfinite(x) || !std::isfinite(y) || x <= 0 || y <= 0) continue;
      // The middle is typical; where it has no place in the file, the first probe that has one.
      const bool middle = i == kProbes / 2 && j == kProbes / 2;
      if (middle || std::isinf(least)) {
        scale.x = x;
        scale.y = y;
      }
      least = std::min({least, x, y});
    }
  }
  if (std::isfinite(least)) scale.least = least;
  return scale;
}

}  // namespace

SamplingPlan plan_sampling(GDALDatasetH file, const PixelMap& map, const Affine& map_from_grid, int64_t width,
                           int64_t height, Effort effort, bool nearest) {
  SamplingPlan plan;
  plan.map_from_grid = map_from_grid;
  plan.nearest = nearest;
  const Scale scale = measure_scale(map, map_from_grid, width, height);
  const double full_width = GDALGetRasterXSize(file);
  const double full_height = GDALGetRasterYSize(file);
  double factor = 1;
  GDALRasterBandH band = GDALGetRasterBand(file, 1);
  for (int i = 0; i < GDALGetOverviewCount(band); ++i) {
    GDALRasterBandH overview = GDALGetOverview(band, i);
    if (overview == nullptr) continue;
    const double x = GDALGetRasterBandXSize(overview) / full_width;
    const double y = GDALGetRasterBandYSize(overview) / full_height;
    const double reduction = std::max(1 / x, 1 / y);
    if (reduction <= factor || reduction * kPixelsPerSample > scale.least) continue;
    factor = reduction;
    plan.level.overview = i;
    plan.level_x = x;
    plan.level_y = y;
  }
  double left = scale.least / factor;
  const bool on_axes = map.affine() != nullptr && map.affine()->row_dx == 0 && map.affine()->col_dy == 0;
  if (effort == Effort::Overview && left > kSkipFrom) {
    plan.level.step = static_cast<int64_t>(left / kSkipTo);
    plan.level_x /= static_cast<double>(plan.level.step);
    plan.level_y /= static_cast<double>(plan.level.step);
  } else if (!on_axes && !nearest && left >= 2 * kPixelsPerSample) {
    plan.box = static_cast<int64_t>(left / kPixelsPerSample);
  }
  plan.scale_x = scale.x * plan.level_x;
  plan.scale_y = scale.y * plan.level_y;
  return plan;
}

RasterBlock resample(RasterSource& source, const PixelMap& map, const SamplingPlan& plan, const Window& window) {
  if (const Affine* affine = map.affine()) {
    Affine level_from_grid = chained(plan.map_from_grid, *affine);
    level_from_grid.x0 *= plan.level_x;
    level_from_grid.col_dx *= plan.level_x;
    level_from_grid.row_dx *= plan.level_x;
    level_from_grid.y0 *= plan.level_y;
    level_from_grid.col_dy *= plan.level_y;
    level_from_grid.row_dy *= plan.level_y;
    if (level_from_grid.row_dx == 0 && level_from_grid.col_dy == 0) {
      return resample_axes(source, level_from_grid, plan, window);
    }
  }
  return resample_map(source, map, plan, window);
}

}  // namespace plat::detail
