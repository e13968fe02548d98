// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/test_data.hpp"
#include "tests/training/data_world.hpp"

#include "geo/feature_io.hpp"
#include "geo/raster_writer.hpp"

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace plat::test {

/// Scenes of 32768 x 32768 pixels that repeat a small drawn one and take no room on disk, and labels of parts of them.
struct LargeScenes {
  static constexpr int64_t kTile = 512;
  static constexpr int64_t kTimes = 8;  // across, once and once more
  static constexpr int64_t kSide = kTile * kTimes * kTimes;

  LargeScenes() : tile(drawn_world(kTile, 0.3, 9)) {
    write_raster(folder.file("tile.tif"), tile.pyramid.front(), tile.grid);
    mosaic("block.vrt", "tile.tif", kTile, tile.grid);
  }

  /// The grid of a scene; each lies east of the one before.
  Grid grid(int number) const {
    Grid grid = tile.grid;
    grid.width = grid.height = kSide;
    grid.world_from_pixel.x0 += number * kSide * 0.3;
    return grid;
  }

  /// Writes a scene, and says its path.
  std::string scene(int number) const {
    const std::string name = "scene" + std::to_string(number) + ".vrt";
    mosaic(name, "block.vrt", kTile * kTimes, grid(number));
    return folder.file(name);
  }

  /// Writes the objects of some tiles of scenes (scene, column, row) as a layer.
  void layer(const std::string& name, const std::vector<std::array<int, 3>>& places) const {
    FeatureWriter writer(folder.file(name), tile.grid.crs, {});
    for (const auto& [number, col, row] : places) {
      const Grid place = grid(number).sub({col * kTile, row * kTile, kTile, kTile});
      for (const MultiPolygon& object : tile.objects) writer.write({{place.to_world(object.front())}, {}});
    }
    writer.close();
  }

  TemporaryFolder folder;
  LabelledScene tile;

 private:
  /// A virtual raster of kTimes x kTimes copies of a file with sides of so many pixels.
  void mosaic(const std::string& name, const std::string& source, int64_t side, const Grid& grid) const {
    const std::string all = std::to_string(side * kTimes), one = std::to_string(side);
    std::ofstream file(folder.file(name));
    file << "<VRTDataset rasterXSize=\"" << all << "\" rasterYSize=\"" << all
         << "\"><SRS>EPSG:32645</SRS><GeoTransform>" << std::fixed << grid.world_from_pixel.x0 << ",0.3,0,"
         << grid.world_from_pixel.y0 << ",0,-0.3</GeoTransform>";
    for (int band = 1; band <= 3; ++band) {
      file << "<VRTRasterBand dataType=\"Byte\" band=\"" << band << "\"><ColorInterp>"
           << (band == 1   ? "Red"
               : band == 2 ? "Green"
                           : "Blue")
           << "</ColorInterp>";
      for (int64_t i = 0; i < kTimes * kTimes; ++i) {
        file << "<SimpleSource><SourceFilename relativeToVRT=\"1\">" << source << "</SourceFilename><SourceBand>"
             << band << "</SourceBand><SrcRect xOff=\"0\" yOff=\"0\" xSize=\"" << one << "\" ySize=\"" << one
             << "\"/><DstRect xOff=\"" << i % kTimes * side << "\" yOff=\"" << i / kTimes * side << "\" xSize=\"" << one
             << "\" ySize=\"" << one << "\"/></SimpleSource>";
      }
      file << "</VRTRasterBand>";
    }
    file << "</VRTDataset>";
  }
};

}  // namespace plat::test
