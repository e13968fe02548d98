// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"
#include "geo/raster_reader.hpp"
#include "geo/scaling.hpp"

#include <cstdint>
#include <string>

namespace plat {

struct PreviewOptions {
  int64_t max_size = 1600;  ///< longer side of the picture, in pixels
  bool overwrite = false;
};

/// Draws the outlines of polygons over a scene (reduced to the picture's size) into a PNG. The layer may have any CRS.
void write_preview(const std::string& png_path, RasterReader& scene, const Scaling& scaling, const FeatureLayer& layer,
                   const PreviewOptions& options = {});

}  // namespace plat
