// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"
#include "geo/raster_writer.hpp"
#include "pipeline/extract.hpp"
#include "tests/support/test_data.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace plat::test {

inline std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline const Crs& utm() {
  static const Crs crs = Crs::from_text("EPSG:32645");
  return crs;
}

inline Grid metre_grid(int64_t width, int64_t height, const Crs& crs = utm()) {
  return {width, height, {500000, 1, 0, 3000000, 0, -1}, crs};
}

/// A dark scene with bright rectangles, one pixel a metre.
inline Image<uint8_t> dark_scene(int64_t width, int64_t height) { return Image<uint8_t>(width, height, 3, 20); }

inline void paint(Image<uint8_t>& scene, const Window& window, uint8_t value = 240) {
  for (int64_t b = 0; b < scene.bands(); ++b) {
    for (int64_t r = window.row; r < window.row_end(); ++r) {
      std::fill_n(scene.row(r, b).begin() + window.col, window.width, value);
    }
  }
}

inline void write_scene(const std::string& path, const Image<uint8_t>& scene, const Grid& grid,
                        std::optional<double> nodata = std::nullopt) {
  RasterWriteOptions options;
  options.overwrite = true;
  options.nodata = nodata;
  write_raster(path, scene, grid, options);
}

/// Rectangles in rows over a whole scene, of many sizes, some across the seams of any tiling and at the scene's edges.
inline std::vector<Window> many_windows(int64_t width, int64_t height) {
  std::vector<Window> windows;
  int64_t n = 0;
  for (int64_t row = 0; row + 12 <= height; row += 15) {
    for (int64_t col = 0; col + 16 <= width; col += 19, ++n) windows.push_back({col, row, 4 + n % 12, 3 + (n / 5) % 9});
  }
  return windows;
}

/// The options that keep outlines on pixel edges, so that results can be told exactly.
inline ExtractOptions exact_options(int threads = 1) {
  ExtractOptions options;
  options.threads = threads;
  options.simplify_m = 0;
  options.regularize = false;
  options.ram_bytes = int64_t{8} << 30;
  return options;
}

inline double number(const Feature& feature, const std::string& name) {
  const AttributeValue* value = feature.find(name);
  if (value == nullptr) return -1;
  if (const auto* whole = std::get_if<int64_t>(value)) return static_cast<double>(*whole);
  const auto* real = std::get_if<double>(value);
  return real != nullptr ? *real : -1;
}

}  // namespace plat::test
