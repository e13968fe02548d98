// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"
#include "core/progress.hpp"
#include "geo/grid.hpp"
#include "pipeline/object_builder.hpp"
#include "pipeline/prompts/map_prompts.hpp"
#include "pipeline/prompts/prompt_scene.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plat {

/// Why a prompt has no answer.
struct PromptFailure {
  std::string reason;
  ExitCode code = ExitCode::Data;
};

/// A prompt in pixels of the scene at the model's resolution, from the outer corner of the first one.
struct ScenePrompt {
  std::vector<MapPoint> points = {};
  std::optional<Bounds> box = {};             ///< what of it lies in the scene
  MultiPolygon mask = {};                     ///< roughly the object; empty: none
  std::optional<PromptFailure> failure = {};  ///< set where it cannot be asked
};

/// Carries prompts into the scene. Positions are rounded to a sixteenth of a pixel, so that the CRS in which they were drawn
/// does not show in the result. Points that do not belong to the object may lie outside the scene, the others not.
std::vector<ScenePrompt> place_prompts(const PromptLayer& layer, const Crs& layer_crs, const Grid& grid);

/// What a prompt points at.
struct PromptAnswer {
  ExtractedObject object;  ///< `pixel` in the frame of the scene at the model's resolution
  double stability = 0;
  int level = 0;     ///< of the PromptScene that it was found on
  bool cut = false;  ///< it reaches out of every tile that was tried
  std::optional<PromptFailure> failure;
};

struct AnswerOptions {
  ObjectBuilderOptions shape;          ///< `assumed_gsd_m` is taken from the scene
  std::optional<double> simplify_m;    ///< unset: kSimplifyPixels at the resolution of each object
  std::optional<double> regularize_m;  ///< unset: kRegularizePixels likewise
  int threads = 1;                     ///< tiles, or batches of prompts on a tile, that pass the network at once
  Progress progress;
};

/// Counts of what was done.
struct AnswerCounts {
  int64_t tiles = 0;
  int64_t cached = 0;    ///< tiles that the cache had
  int64_t embedded = 0;  ///< tiles that passed the encoder
};

/// Segments what the prompts point at, tile by tile; those that share a tile share its embedding. An object that reaches out
/// of its tile, or a box larger than one, is tried again at half the resolution, until it fits. Answers come in the order of
/// the prompts and do not depend on threads. A tile that cannot be read is tried twice, then its prompts fail. Throws
/// ModelError and Cancelled.
std::vector<PromptAnswer> answer_prompts(PromptScene& scene, std::span<const ScenePrompt> prompts,
                                         const PromptSegmenter& model, const AnswerOptions& options,
                                         AnswerCounts& counts);

/// The tiles of level 0 or above that the prompts are first looked for on: how many, and how many of them are in the cache.
AnswerCounts count_tiles(PromptScene& scene, std::span<const ScenePrompt> prompts, const PromptSegmenter& model);

}  // namespace plat
