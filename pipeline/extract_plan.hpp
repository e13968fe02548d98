// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/memory_ledger.hpp"
#include "core/thread_budget.hpp"
#include "geo/raster_reader.hpp"
#include "model/model_description.hpp"
#include "model/segmenter.hpp"
#include "pipeline/extract.hpp"
#include "postprocess/instances.hpp"
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
  MemoryLedger memory;
  int64_t tiles_in_flight = 1;
  int64_t bytes_per_tile = 0;                   ///< of a tile while it passes the network
  InstanceLimits limits = {};                   ///< of each class of each scene
  int64_t pending_pixels = kMostPendingPixels;  ///< of each scene, in place of kMostPendingPixels
  int64_t shared_bytes = 0;                     ///< what a Stitcher holds in memory of rows that tiles share
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
