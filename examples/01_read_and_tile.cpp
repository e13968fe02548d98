// SPDX-License-Identifier: Apache-2.0
// Shows how a scene of any size is read piece by piece: a reader, a grid of overlapping tiles, one window at a time.
// Read first: geo/raster_reader.hpp, tiling/tile_grid.hpp.
// Run: build/release/bin/example_01_read_and_tile data/scenes/demo.tif
#include "core/error.hpp"
#include "geo/gdal_session.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"
#include "tiling/tile_grid.hpp"

#include <cstdint>
#include <cstdio>

namespace {

void describe_tiles(const char* path) {
  plat::RasterReader reader(path);
  const plat::Grid& grid = reader.grid();
  std::printf("%s: %lld x %lld pixels of %.2f m, %s\n", path, static_cast<long long>(grid.width),
              static_cast<long long>(grid.height), grid.ground_sample_distance_m(), grid.crs.name().c_str());

  // Values become 0..255 by one rule for the whole scene: a rule per tile would show as seams.
  const plat::Scaling scaling = plat::default_scaling(reader);
  const plat::TileGrid tiles(grid.width, grid.height, 512, 64);
  for (int64_t i = 0; i < tiles.size(); ++i) {
    const plat::Tile tile = tiles.tile(i);
    plat::RasterBlock block = reader.read(tile.window);  // the window may reach outside: such pixels are not valid
    scaling.apply(block.pixels);
    double sum = 0;
    int64_t valid = 0;
    for (int64_t row = 0; row < block.pixels.height(); ++row) {
      for (int64_t col = 0; col < block.pixels.width(); ++col) {
        if (block.valid.at(col, row) == 0) continue;
        sum += block.pixels.at(col, row);
        ++valid;
      }
    }
    std::printf("tile %lld at column %lld, row %lld: %lld valid pixels, mean of the first band %.1f\n",
                static_cast<long long>(i), static_cast<long long>(tile.window.col),
                static_cast<long long>(tile.window.row), static_cast<long long>(valid),
                valid > 0 ? sum / static_cast<double>(valid) : 0.0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: example_01_read_and_tile SCENE\n");
    return 2;
  }
  const plat::GdalSession gdal;
  try {
    describe_tiles(argv[1]);
  } catch (const plat::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
  return 0;
}
