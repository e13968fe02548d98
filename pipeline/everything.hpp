// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/progress.hpp"
#include "geo/raster_reader.hpp"
#include "model/automatic_masks.hpp"
#include "model/precision.hpp"
#include "pipeline/mask_merger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace plat {

class PromptSegmenter;

struct EverythingOptions {
  std::string model;                      ///< model folder, or the name of one that ships; empty: "buildings"
  std::string device = "auto";            ///< "auto", "cpu" or "cuda[:n]"
  Precision precision = Precision::Auto;  ///< of the network
  RasterOptions raster;                   ///< how the scene is read; gsd_m unset: the model's, or the scene's own where
                                          ///< the model was trained at none
  AutomaticMaskOptions masks;             ///< how masks are found in a tile; `parallel` is set by the run
  MaskMergerOptions merging;              ///< how those of many tiles become one list
  std::optional<int64_t> overlap;         ///< of tiles, pixels, 0 <= overlap < tile size; unset: the model's
  double min_area_m2 = 0;                 ///< smaller objects are left out, >= 0
  std::optional<double> simplify_m;  ///< how far an outline may move, metres on the ground, >= 0; unset: 1.25 pixels; 0
                                     ///< keeps pixel edges
  int threads = 0;                   ///< 0: all
  int64_t ram_bytes = 0;             ///< what the run may take in all; 0: half of the machine's memory
  bool overwrite = false;
  bool dry_run = false;                ///< plan and estimate only
  std::vector<std::string> also_read;  ///< files that the caller has read for this run: no output may replace them
  std::string preview;                 ///< PNG path; empty: none
  Progress progress;
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct EverythingSummary {
  std::string model;  ///< name of the model
  int64_t objects = 0;
  double area_m2 = 0;  ///< of all objects, on the ground; objects may overlap
  int64_t tiles = 0;
  int64_t failed_tiles = 0;
  int64_t masks = 0;      ///< found in tiles
  int64_t cut_masks = 0;  ///< left out because they ended at an edge of a tile
  int64_t tiles_in_flight = 0;
  int threads = 0;
  double scene_gsd_m = 0;             ///< ground sample distance of the file
  double gsd_m = 0;                   ///< the one that it was read at
  std::optional<double> model_gsd_m;  ///< the one that the model was trained at; unset: none
  int64_t width = 0;                  ///< size of the scene at gsd_m
  int64_t height = 0;
  int64_t estimated_bytes = 0;   ///< memory of the whole program, estimated before the run
  int64_t ram_bytes = 0;         ///< what it was allowed
  double seconds_model = 0;      ///< opening the model
  double seconds_read = 0;       ///< reading and scaling, summed over threads
  double seconds_inference = 0;  ///< finding masks, summed over tiles
  double seconds_objects = 0;    ///< merging and outlines
  double seconds_write = 0;
  double seconds_total = 0;           ///< wall time of everything
  std::vector<std::string> warnings;  ///< what was odd about scene or result; also logged
};

/// The output is complete but for some tiles; carries the summary of what was written.
class PartialEverythingError : public PartialError {
 public:
  PartialEverythingError(const std::string& message, EverythingSummary summary)
      : PartialError(message), summary_(std::move(summary)) {}
  const EverythingSummary& summary() const { return summary_; }

 private:
  EverythingSummary summary_;
};

/// Writes the polygon of everything that a SAM sees in a scene, with the attributes id, score (the network's own estimate of
/// the mask's IoU), stability, area_m2 and model. Polygons may overlap: a roof, the house, the block. An object on the seam of
/// tiles comes out once and whole; one that no tile holds whole and no two tiles agree on does not come out. Pixels without
/// data belong to none. Streamed: memory stays within `ram_bytes` whatever the height of the scene. Same input and options,
/// same bytes, for any number of threads. Throws what the parts throw; a run in which some tiles failed writes its output and
/// throws PartialEverythingError, one in which all failed writes nothing and throws IoError.
EverythingSummary run_everything(const std::string& scene, const std::string& output, const EverythingOptions& options);
/// The same with a model that is open already; `options.model` and `options.device` are not looked at.
EverythingSummary run_everything(const std::string& scene, const std::string& output, const EverythingOptions& options,
                                 const PromptSegmenter& model);

}  // namespace plat
