// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/feature_io.hpp"
#include "geo/raster_reader.hpp"
#include "pipeline/object_options.hpp"
#include "pipeline/scene_run.hpp"

#include <cstdint>
#include <string>

namespace plat {

class Segmenter;

struct ExtractOptions : RunOptions, ObjectOptions {
  RasterOptions raster;  ///< how the scene is read; gsd_m unset: the model's
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct ExtractSummary : RunSummary {
  int64_t objects = 0;
  double area_m2 = 0;      ///< of all objects, on the ground
  double scene_gsd_m = 0;  ///< ground sample distance of the file
  double gsd_m = 0;        ///< the one that it was read at
  int64_t width = 0;       ///< size of the scene at gsd_m
  int64_t height = 0;
};

using PartialExtractError = PartialRun<ExtractSummary>;

/// Extracts the objects of a model's classes from a scene into polygons with the attributes id, class, score, area_m2 and
/// model. Streamed: memory stays within `ram_bytes` whatever the height of the scene. Same input and options, same bytes,
/// for any number of threads. Throws what the parts throw; a run in which some tiles failed writes its output and throws
/// PartialExtractError, one in which all failed writes nothing and throws IoError.
ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options);
/// The same with a model that is open already; `options.model` and `options.device` are not looked at.
ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options,
                       const Segmenter& model);

}  // namespace plat
