// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/thread_budget.hpp"
#include "geo/raster_reader.hpp"
#include "model/model_description.hpp"
#include "model/segmenter.hpp"
#include "pipeline/extract.hpp"
#include "tiling/tile_grid.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// A class of the model that is wanted.
struct ClassPlan {
  std::string name;
  int64_t first_band = 0;  ///< where its maps begin in the stitched image
  InstanceThresholds thresholds;
  bool squared = true;  ///< what the model says of its outlines
};

/// The memory that a run takes, part by part, in bytes.
struct ExtractMemory {
  int64_t base = 0;       ///< the program with its model, as it stands
  int64_t scene = 0;      ///< what grows with the scene's width: stitched rows, open regions, rows being written
  int64_t per_tile = 0;   ///< a tile in the network
  int64_t held_tile = 0;  ///< a tile with its result that waits for its turn
  int64_t tiles_in_flight = 1;
  int64_t threads = 1;

  int64_t total() const;
};

/// Regions wait for one another, so that many outlines are made at once, until their windows have this many pixels.
inline constexpr int64_t kMostPendingPixels = int64_t{1} << 24;

/// What is decided about the work on a grid before the first tile.
struct WorkPlan {
  double gsd_m = 0;
  std::optional<double> assumed_gsd_m;  ///< set where the scene has no georeferencing that would tell its pixels' size
  TileGrid tiles;
  std::vector<ClassPlan> classes;
  int64_t bands_out = 0;  ///< of the model's result
  ThreadBudget threads;
  ExtractMemory memory;
  int64_t largest_region = 0;  ///< pixels of a region's bounding box above which it is cut (InstanceStream)
};

/// Decides tiles, classes and memory for scenes that are read on one grid. `held` is what the run keeps besides, in bytes. Throws
/// UsageError when `ram_bytes` does not suffice for one tile at a time, with what would.
WorkPlan plan_work(const std::vector<const RasterReader*>& scenes, double gsd_m,
                   const std::optional<double>& assumed_gsd_m, const RunOptions& run, const ObjectOptions& objects,
                   const Segmenter& model, int64_t ram_bytes, int64_t held = 0);

/// Everything that is decided before the first tile.
struct ExtractPlan : WorkPlan {
  RasterReader reader;  ///< the scene on the grid that the model works on
  double scene_gsd_m = 0;
  std::vector<std::string> warnings;
};

/// Opens the scene and decides resolution, tiles, classes and memory. Throws what plan_work does.
ExtractPlan plan_extract(const std::string& scene, const ExtractOptions& options, const Segmenter& model,
                         int64_t ram_bytes);

}  // namespace plat
