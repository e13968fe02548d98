// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/crs.hpp"
#include "geo/geometry.hpp"
#include "training/labelled_scene.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

/// Which scenes and labels make the training data, and which part of them is kept out.
struct TrainingDataOptions {
  std::vector<std::string> scenes;  ///< rasters, or folders whose rasters are all taken
  std::vector<std::string> labels;  ///< vector files in any CRS; all polygons are objects of the class
  double gsd_m = 0.3;               ///< ground sample distance of the model, metres, > 0
  std::vector<std::string> bands;   ///< as in RasterOptions
  std::optional<Bounds> val_bbox;   ///< the area kept out for validation
  Crs val_bbox_crs;                 ///< of val_bbox; empty: each scene's own
  double val_fraction = 0.15;       ///< without val_bbox: share of the area kept out, in blocks, in [0, 0.9]
  double val_block_m = 100;         ///< side of those blocks, metres, > 0
  uint64_t seed = 1;                ///< chooses the blocks
  void validate() const;
};

/// A part of a scene at the model's resolution on which the network is measured.
struct ValidationArea {
  std::string scene;
  Image<float> pixels;  ///< 0..255, with context around the part that counts
  Image<int32_t> labels;
  Image<uint8_t> counts;  ///< 1 where it counts
};

/// What training and validation see, and how it came about.
struct TrainingData {
  std::vector<LabelledScene> scenes;
  std::vector<ValidationArea> validation;
  int64_t objects = 0;          ///< objects on the scenes
  int64_t training_pixels = 0;  ///< at the model's resolution
  int64_t validation_pixels = 0;
  std::vector<std::string> report;  ///< lines for people: what was paired, what was left out and why
};

/// Reads scenes and labels into memory: neighbouring scenes of the same CRS and resolution are joined, so that crops run
/// over their seams; pixels outside the bounds of the labels are left out, as nobody looked for objects there.
/// Throws IoError, DataError.
TrainingData load_training_data(const TrainingDataOptions& options);

/// The files named, and the rasters in the folders named, in order of their names.
std::vector<std::string> list_scenes(const std::vector<std::string>& paths);

}  // namespace plat
