// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/progress.hpp"
#include "core/thread_budget.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"
#include "tiling/tile_grid.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace plat {

/// A tile with its pixels, scaled to 0..255; invalid ones are filled by mirroring the scene at its edges and at those of
/// its data, so that no edge shows which is none on the ground; 0 where there is no data far and wide.
struct TileData {
  Tile tile;
  Image<float> pixels;   ///< of several scenes the bands of the first, then those of the next
  Image<uint8_t> valid;  ///< one band a scene
};

/// A scene that tiles are read of, and how its values become 0..255.
struct TileScene {
  const RasterReader& reader;
  Scaling scaling;
};

/// Reads tiles of one scene, or of several on one grid, from many threads, one dataset a thread. Thread-safe.
class TileSource {
 public:
  TileSource(const RasterReader& reader, Scaling scaling, TileGrid grid);
  /// All readers show the grid that the tiles are cut of.
  TileSource(std::vector<TileScene> scenes, TileGrid grid);
  ~TileSource();
  const TileGrid& grid() const;
  int64_t scenes() const;
  /// Throws IoError when the scene's data is damaged there.
  TileData read(int64_t index) const;
  /// The same for a window that need not be one of the grid's tiles.
  TileData read(const Tile& tile) const;
  /// Time spent in `read` so far, summed over threads.
  double seconds_reading() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct TilePipelineOptions {
  ThreadBudget threads;                  ///< `inference` 1: one tile at a time in the network; else as many as threads
  int64_t memory_bytes = 1'000'000'000;  ///< bytes that tiles in flight may take
  int64_t bytes_per_tile = 0;  ///< what one tile takes through reading and inference; 0: four times its pixels
  int retries = 1;             ///< how often a failed tile is tried again
  Progress progress;
};

/// How many tiles may be under way at once: what the budget pays for, at least 1, at most twice the threads.
int64_t tiles_in_flight(const TilePipelineOptions& options);

/// A tile that could not be read or inferred, and why.
struct TileFailure {
  Tile tile;
  std::string reason;
};

/// Runs read -> infer (both parallel) -> sink (in tile order, one at a time) with a bounded number of tiles in flight.
/// A tile that fails again after its retries reaches the sink with an empty result; all failures are returned in tile
/// order. Cancelled, UsageError, ModelError and std::bad_alloc end the run, and so do a hundred failures before any success (IoError). The result is the same for any number of threads.
/// Tiles without any valid pixel skip `infer` and reach the sink with an empty result.
std::vector<TileFailure> run_tiles(const TileSource& source, const std::function<Image<float>(const TileData&)>& infer,
                                   const std::function<void(const TileData&, const Image<float>&)>& sink,
                                   const TilePipelineOptions& options);

}  // namespace plat
