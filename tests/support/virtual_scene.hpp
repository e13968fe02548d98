// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/grid.hpp"

#include <array>
#include <cstdint>
#include <fstream>
#include <string>

namespace plat::test {

/// Writes a virtual raster (VRT) of three bands that repeats a file of `source` pixels `times_x` times across and `times_y` times down, so a
/// scene of any size takes no room on disk. `source` has the size of the file; its georeference becomes that of the raster, in EPSG:32645.
/// A raster of many repetitions is made of rasters of fewer.
inline void write_repeated(const std::string& path, const std::string& file, const Grid& source, int64_t times_x,
                           int64_t times_y) {
  static constexpr std::array kColours{"Red", "Green", "Blue"};
  const auto number = [](int64_t value) { return '"' + std::to_string(value) + '"'; };
  const Affine& a = source.world_from_pixel;
  std::ofstream out(path);
  out.precision(12);
  out << "<VRTDataset rasterXSize=" << number(source.width * times_x)
      << " rasterYSize=" << number(source.height * times_y) << "><SRS>EPSG:32645</SRS><GeoTransform>" << a.x0 << ","
      << a.col_dx << "," << a.row_dx << "," << a.y0 << "," << a.col_dy << "," << a.row_dy << "</GeoTransform>";
  for (std::size_t band = 0; band < kColours.size(); ++band) {
    out << "<VRTRasterBand dataType=\"Byte\" band=" << number(static_cast<int64_t>(band) + 1) << "><ColorInterp>"
        << kColours[band] << "</ColorInterp>";
    for (int64_t i = 0; i < times_x * times_y; ++i) {
      out << "<SimpleSource><SourceFilename relativeToVRT=\"0\">" << file << "</SourceFilename><SourceBand>" << band + 1
          << "</SourceBand><SrcRect xOff=\"0\" yOff=\"0\" xSize=" << number(source.width)
          << " ySize=" << number(source.height) << "/><DstRect xOff=" << number(i % times_x * source.width)
          << " yOff=" << number(i / times_x * source.height) << " xSize=" << number(source.width)
          << " ySize=" << number(source.height) << "/></SimpleSource>";
    }
    out << "</VRTRasterBand>";
  }
  out << "</VRTDataset>";
}

}  // namespace plat::test
