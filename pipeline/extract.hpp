// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/progress.hpp"
#include "geo/feature_io.hpp"
#include "geo/raster_reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

struct ExtractOptions {
  std::string model;                     ///< model folder; empty: the buildings model that ships
  std::string device = "auto";           ///< "auto", "cpu" or "cuda[:n]"
  RasterOptions raster;                  ///< how the scene is read; gsd_m unset: the model's
  std::vector<std::string> classes;      ///< names of the classes wanted; empty: all of the model's
  std::optional<int64_t> tile_size;      ///< pixels at the model's resolution; unset: the model's
  std::optional<int64_t> overlap;        ///< pixels; unset: the model's
  std::optional<double> threshold;       ///< extent probability in (0, 1); unset: the model's
  std::optional<double> min_area_m2;     ///< unset: the model's
  double simplify_m = 0.4;               ///< how far simplification may move an outline, metres on the ground, >= 0
  bool regularize = true;                ///< square the outlines
  int threads = 0;                       ///< 0: all
  int64_t ram_bytes = 0;                 ///< 0: half of the machine's memory
  bool overwrite = false;
  bool dry_run = false;                  ///< plan and estimate only
  std::string preview;                   ///< PNG path; empty: none
  std::string maps;                      ///< GeoTIFF path for the stitched maps; empty: none
  Progress progress;
  void validate() const;
};

struct ExtractSummary {
  int64_t objects = 0;
  double area_m2 = 0;
  int64_t tiles = 0;
  int64_t failed_tiles = 0;
  double gsd_m = 0;
  int64_t width = 0;
  int64_t height = 0;
  int64_t estimated_bytes = 0;
  double seconds_model = 0;      ///< reading, inference and stitching overlap: wall time of each stage's own part
  double seconds_read = 0;
  double seconds_inference = 0;
  double seconds_objects = 0;
  double seconds_write = 0;
  double seconds_total = 0;
};

/// Extracts the objects of a model's classes from a scene into polygons. Throws what the parts throw; a run in which some
/// tiles failed writes its output and throws PartialError.
ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options);

}  // namespace plat
