// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/grid.hpp"
#include "geo/raster_writer.hpp"
#include "model/model_description.hpp"
#include "postprocess/stitcher.hpp"

#include <string>
#include <vector>

namespace plat {

/// Writes stitched maps as a GeoTIFF of bytes: 0..250 stands for 0..1, 255 is nodata; three bands a class, named
/// "building extent" and so on. Like any RasterWriter, the file has its name once `close` was called. One thread at a time.
class MapWriter {
 public:
  MapWriter(const std::string& path, const Grid& grid, const ModelDescription& model, bool overwrite);
  /// Of other maps, a band each.
  MapWriter(const std::string& path, const Grid& grid, const std::vector<std::string>& names, bool overwrite);
  void write(const MapBlock& block);
  void close();

 private:
  RasterWriter<uint8_t> writer_;
};

}  // namespace plat
