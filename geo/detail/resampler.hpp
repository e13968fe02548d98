// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/detail/pixel_map.hpp"
#include "geo/detail/raster_source.hpp"

#include <cstdint>

namespace plat::detail {

/// How a file is sampled for a grid.
struct SamplingPlan {
  Affine map_from_grid;  ///< from the pixels asked for to those that the PixelMap starts from
  SourceLevel level;     ///< which of the file's pixels are read
  double level_x = 1;    ///< columns of that level for each column of the file
  double level_y = 1;
  int64_t box = 1;     ///< pixels of the level are first averaged in squares of this size
  double scale_x = 1;  ///< typical distance of neighbouring samples, in columns of the level
  double scale_y = 1;
  bool nearest = false;  ///< take the nearest pixel (labels)
};

/// How exactly a plan must sample a file that is to be reduced a lot.
enum class Effort { Exact, Overview };

/// Chooses the level: the coarsest overview that still has at least two pixels for each of the grid's; Overview may also
/// skip pixels of files that have no overviews.
SamplingPlan plan_sampling(GDALDatasetH file, const PixelMap& map, const Affine& map_from_grid, int64_t width,
                           int64_t height, Effort effort, bool nearest);

/// Samples a window of the grid. Catmull-Rom cubic between pixels, the same kernel stretched into a weighted average where
/// the grid is coarser than the file. A pixel depends on its own position only, never on the window: its weights are
/// summed in the same order whatever is read with it. Invalid pixels carry no weight; a sample is valid when its centre
/// lies in the file and valid pixels make up at least half of its weight.
RasterBlock resample(RasterSource& source, const PixelMap& map, const SamplingPlan& plan, const Window& window);

/// Where the grid's axes are the file's (no rotation): columns and rows are sampled one after the other.
RasterBlock resample_axes(RasterSource& source, const Affine& level_from_grid, const SamplingPlan& plan,
                          const Window& window);
/// Any other map.
RasterBlock resample_map(RasterSource& source, const PixelMap& map, const SamplingPlan& plan, const Window& window);

}  // namespace plat::detail
