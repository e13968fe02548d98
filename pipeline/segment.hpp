// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/raster_reader.hpp"
#include "pipeline/prompts/map_prompts.hpp"
#include "pipeline/scene_run.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plat {

class PromptSegmenter;

struct SegmentOptions : RunOptions {
  RasterOptions raster;     ///< how the scene is read; gsd_m unset: the model's, or the scene's own where
                            ///< the model was trained at none
  Crs prompts_crs;          ///< CRS of prompts whose layer has none; empty: the scene's
  bool regularize = false;  ///< square the outlines; else only simplify them
  std::optional<double>
      regularize_m;                  ///< how far squaring may move an edge, metres on the ground, > 0; unset: 2 pixels
  std::optional<double> simplify_m;  ///< the same for simplifying, >= 0; unset: 1.25 pixels; 0 keeps pixel edges
  bool cache = true;                 ///< keep the embeddings of tiles, and use those kept
  std::string cache_folder;          ///< empty: default_embedding_folder()
  int64_t cache_bytes = 2'000'000'000;  ///< what the kept embeddings may take on disk, > 0
  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

/// A prompt that was not answered.
struct FailedPrompt {
  std::string id;
  std::string reason;
};

/// `tiles`: that were asked; in a dry run those that would be asked first.
struct SegmentSummary : RunSummary {
  int64_t prompts = 0;
  int64_t objects = 0;
  std::vector<FailedPrompt> failures;
  double area_m2 = 0;                 ///< of all objects, on the ground
  int64_t cached_tiles = 0;           ///< whose embeddings were kept from an earlier run
  int64_t embedded_tiles = 0;         ///< that passed the encoder
  int64_t coarser = 0;                ///< objects larger than a tile, found at a coarser resolution
  double scene_gsd_m = 0;             ///< ground sample distance of the file
  double gsd_m = 0;                   ///< the one that it was read at
  std::optional<double> model_gsd_m;  ///< the one that the model was trained at; unset: none
  int64_t width = 0;                  ///< size of the scene at gsd_m
  int64_t height = 0;
  double seconds_encoder = 0;  ///< the encoder, summed over threads
};

using PartialSegmentError = PartialRun<SegmentSummary>;

/// Writes the polygon of what each prompt points at, in the order of the prompts, with the attributes id (of the prompt),
/// kind (of prompt_kind), score (the network's own estimate of the mask's IoU), stability, area_m2, gsd_m (the resolution that
/// it was found at) and model. Same input and options, same bytes, for any number of threads, and
/// whether embeddings are kept or not. Throws what the parts throw; a run in which some prompts failed writes its output and
/// throws PartialSegmentError, one in which all failed writes nothing and throws why the first did.
SegmentSummary segment(const std::string& scene, const std::string& output, const PromptLayer& prompts,
                       const SegmentOptions& options);
/// The same with a model that is open already; `options.model` and `options.device` are not looked at. `model_key` tells the
/// model's embeddings from those of others; empty: they are not kept.
SegmentSummary segment(const std::string& scene, const std::string& output, const PromptLayer& prompts,
                       const SegmentOptions& options, const PromptSegmenter& model, const std::string& model_key);

}  // namespace plat
