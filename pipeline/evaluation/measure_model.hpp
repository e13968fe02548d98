// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/counts.hpp"
#include "geo/raster_reader.hpp"
#include "training/data/kept_out_ground.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// How a model is measured on ground with known objects.
struct MeasureOptions {
  RasterOptions raster;               ///< how the images are read
  std::optional<double> image_gsd_m;  ///< of images without georeference; unset: the model's
  std::string device = "auto";
  int threads = 0;          ///< 0: all; what is found does not depend on them
  int64_t ram_bytes = 0;    ///< what the process may take in all; 0: all of the machine's
  std::string truth_layer;  ///< of the user's own labels; empty: the only one that has features
};

/// Sums over all images.
struct MeasuredModel {
  PixelCounts pixels;
  ObjectCounts objects;
};

/// Measures a model folder on the ground kept out of training: for each image what `plat extract IMAGE` finds, written to the
/// file for it, as `plat evaluate FOUND LABELS --scene IMAGE --area AREA` rates it. Each image is extracted as a whole, since
/// tiles lie where the whole puts them and objects at the ground's edge reach beyond it. Throws what both do, UsageError
/// where an image needs more memory than there may be; tiles that fail count as nodata, as in extraction.
MeasuredModel measure_model(const std::string& model, const std::vector<KeptOutFiles>& ground,
                            const MeasureOptions& options);

}  // namespace plat
