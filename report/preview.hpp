// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"
#include "geo/geometry.hpp"
#include "geo/grid.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace plat {

struct PreviewOptions {
  int64_t max_size = 1600;  ///< longer side of the picture in pixels, > 0; small scenes are enlarged up to four times
  bool overwrite = false;
};

/// Colour of an outline: such that neither roofs nor plants have it.
enum class PreviewColour { Yellow, Green, Red, Cyan, Orange, Violet };

/// Collects outlines one by one, then draws them over the scene: memory is that of the picture, however many objects there
/// are. Not thread-safe.
class PreviewCanvas {
 public:
  /// `grid`: the frame of the scene that polygons come in.
  explicit PreviewCanvas(const Grid& grid, const PreviewOptions& options = {});
  ~PreviewCanvas();
  PreviewCanvas(PreviewCanvas&&) noexcept;
  void add(const MultiPolygon& pixel, PreviewColour colour = PreviewColour::Yellow);
  /// Reads the scene (on the canvas's grid) reduced to the picture's size and writes a PNG. Throws IoError.
  void write(const std::string& png_path, RasterReader& scene, const Scaling& scaling) const;

 private:
  friend void write_panels(const std::string& png_path, const std::vector<struct PreviewPanel>& panels);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One picture of several.
struct PreviewPanel {
  const PreviewCanvas& canvas;
  RasterReader& scene;
  const Scaling& scaling;
  std::string title;
  bool pale = false;  ///< the scene in pale grey, so that colours stand out
};

/// Writes pictures side by side, four in a row, each under its title, into one PNG. Canvases are of one grid. Throws IoError.
void write_panels(const std::string& png_path, const std::vector<PreviewPanel>& panels);

/// Draws the outlines of polygons over a scene (reduced to the picture's size) into a PNG. The layer may have any CRS.
void write_preview(const std::string& png_path, RasterReader& scene, const Scaling& scaling, const FeatureLayer& layer,
                   const PreviewOptions& options = {});

}  // namespace plat
