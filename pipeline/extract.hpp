// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/progress.hpp"
#include "geo/feature_io.hpp"
#include "geo/raster_reader.hpp"
#include "model/precision.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace plat {

class Segmenter;

struct ExtractOptions {
  std::string model;                      ///< model folder, or the name of one that ships; empty: "buildings"
  std::string device = "auto";            ///< "auto", "cpu" or "cuda[:n]"
  Precision precision = Precision::Auto;  ///< of the network
  RasterOptions raster;                   ///< how the scene is read; gsd_m unset: the model's
  std::vector<std::string> classes;       ///< names of the classes wanted; empty: all of the model's
  std::optional<int64_t> tile_size;       ///< pixels at the model's resolution, > 0; unset: the model's
  std::optional<int64_t> overlap;         ///< pixels, 0 <= overlap < tile_size; unset: the model's
  std::optional<double> threshold;        ///< extent probability in (0, 1); unset: the model's
  std::optional<double> min_area_m2;      ///< >= 0; unset: the model's
  std::optional<double> min_score;        ///< in [0, 1]; unset: the model's
  std::optional<double> close_gap_m;      ///< objects no farther apart come to share a line, >= 0; unset: the model's
  std::optional<bool> regularize;  ///< square the outlines, or only simplify them; unset: as the model's class says
  std::optional<double>
      regularize_m;                  ///< how far squaring may move an edge, metres on the ground, > 0; unset: 2 pixels
  std::optional<double> simplify_m;  ///< the same for simplifying, >= 0; unset: 1.25 pixels; 0 keeps pixel edges
  int threads = 0;                   ///< 0: all
  int64_t ram_bytes = 0;             ///< what the run may take in all; 0: half of the machine's memory
  bool overwrite = false;
  bool dry_run = false;                ///< plan and estimate only
  std::vector<std::string> also_read;  ///< files that the caller has read for this run: no output may replace them
  std::string preview;                 ///< PNG path; empty: none
  std::string maps;                    ///< GeoTIFF path for the stitched maps; empty: none
  Progress progress;
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct ExtractSummary {
  std::string model;  ///< name of the model
  int64_t objects = 0;
  double area_m2 = 0;  ///< of all objects, on the ground
  int64_t tiles = 0;
  int64_t failed_tiles = 0;
  int64_t tiles_in_flight = 0;  ///< how many tiles the memory allows at once
  int threads = 0;
  double scene_gsd_m = 0;  ///< ground sample distance of the file
  double gsd_m = 0;        ///< the one that it was read at
  int64_t width = 0;       ///< size of the scene at gsd_m
  int64_t height = 0;
  int64_t estimated_bytes = 0;   ///< memory of the whole program, estimated before the run
  int64_t ram_bytes = 0;         ///< what it was allowed
  double seconds_model = 0;      ///< opening the model
  double seconds_read = 0;       ///< reading and scaling, summed over threads
  double seconds_inference = 0;  ///< the network, summed over threads
  double seconds_objects = 0;    ///< stitching, instances and outlines
  double seconds_write = 0;
  double seconds_total = 0;           ///< wall time of everything
  std::vector<std::string> warnings;  ///< what was odd about scene or result; also logged
};

/// The output is complete but for some tiles; carries the summary of what was written.
class PartialExtractError : public PartialError {
 public:
  PartialExtractError(const std::string& message, ExtractSummary summary)
      : PartialError(message), summary_(std::move(summary)) {}
  const ExtractSummary& summary() const { return summary_; }

 private:
  ExtractSummary summary_;
};

/// Extracts the objects of a model's classes from a scene into polygons with the attributes id, class, score, area_m2 and
/// model. Streamed: memory stays within `ram_bytes` whatever the height of the scene. Same input and options, same bytes,
/// for any number of threads. Throws what the parts throw; a run in which some tiles failed writes its output and throws
/// PartialExtractError, one in which all failed writes nothing and throws IoError.
ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options);
/// The same with a model that is open already; `options.model` and `options.device` are not looked at.
ExtractSummary extract(const std::string& scene, const std::string& output, const ExtractOptions& options,
                       const Segmenter& model);

}  // namespace plat
