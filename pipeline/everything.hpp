// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"
#include "model/masks/automatic_masks.hpp"
#include "pipeline/prompts/mask_merger.hpp"
#include "pipeline/scene_run.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace plat {

class PromptSegmenter;

struct EverythingOptions : RunOptions {
  RasterOptions raster;              ///< how the scene is read; gsd_m unset: the model's, or the scene's own where
                                     ///< the model was trained at none
  AutomaticMaskOptions masks;        ///< how masks are found in a tile; `parallel` is set by the run
  MaskMergerOptions merging;         ///< how those of many tiles become one list
  std::optional<int64_t> overlap;    ///< of tiles, pixels, 0 <= overlap < tile size; unset: the model's
  double min_area_m2 = 0;            ///< smaller objects are left out, >= 0
  std::optional<double> simplify_m;  ///< how far an outline may move, metres on the ground, >= 0; unset: 1.25 pixels; 0
                                     ///< keeps pixel edges
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

struct EverythingSummary : RunSummary {
  int64_t objects = 0;
  double area_m2 = 0;                 ///< of all objects, on the ground; objects may overlap
  int64_t masks = 0;                  ///< in tiles
  int64_t cut_masks = 0;              ///< left out because they ended at an edge of a tile
  double scene_gsd_m = 0;             ///< ground sample distance of the file
  double gsd_m = 0;                   ///< the one that it was read at
  std::optional<double> model_gsd_m;  ///< the one that the model was trained at; unset: none
  int64_t width = 0;                  ///< size of the scene at gsd_m
  int64_t height = 0;
};

using PartialEverythingError = PartialRun<EverythingSummary>;

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
