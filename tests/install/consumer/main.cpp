// SPDX-License-Identifier: Apache-2.0
// Writes a raster, reads it back and cuts it into tiles, through the installed libraries alone.
#include <plat/geo/gdal_session.hpp>
#include <plat/geo/raster_reader.hpp>
#include <plat/geo/raster_writer.hpp>
#include <plat/tiling/tile_grid.hpp>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const plat::GdalSession gdal;
  plat::Image<uint8_t> image(300, 200, 1, 7);
  const plat::Grid grid{image.width(), image.height(), {500000, 0.5, 0, 4600000, 0, -0.5}, plat::Crs::from_text("EPSG:32630")};
  plat::write_raster(argv[1], image, grid, {.overwrite = true});

  plat::RasterReader reader(argv[1]);
  const plat::TileGrid tiles(reader.grid().width, reader.grid().height, 128, 32);
  int64_t seen = 0;
  for (int64_t i = 0; i < tiles.size(); ++i) {
    const plat::RasterBlock block = reader.read(tiles.tile(i).window);
    for (const float value : block.pixels.band(0)) seen += value == 7.0F ? 1 : 0;
  }
  std::printf("%lld tiles, %lld pixels\n", static_cast<long long>(tiles.size()), static_cast<long long>(seen));
  return tiles.size() >= 6 && seen >= 300 * 200 ? 0 : 1;  // tiles overlap: pixels are seen more than once
}
