// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "model/prompt_segmenter.hpp"
#include "training/train_options.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// An object that is asked for in several ways.
struct RetainedObject {
  std::string kind;
  int32_t label = 0;              ///< of its pixels in the tile
  std::array<Prompt, 3> prompts;  ///< by kPromptWays, in the tile's pixels
};

/// A square of imagery with objects that lie whole in its middle, the square of `inner` pixels.
struct RetainedTile {
  Image<uint8_t> pixels;  ///< three bands
  Image<int32_t> labels;
  int64_t inner = 0;
  std::vector<RetainedObject> objects;
  int64_t margin() const { return (labels.width() - inner) / 2; }
};

/// The tiles on which a model's memory is measured, and what they show.
struct RetainedTiles {
  std::vector<RetainedTile> tiles;
  std::string data;  ///< for people
};

/// Takes `forgetting.retain_objects` objects from the data of `forgetting.retain`, all their classes, at the model's
/// resolution; each of these folders or files is one kind. Without such data they are drawn (synthesis/shapes.hpp). Tiles are
/// `outer` pixels wide, and objects lie in their middle, `inner` wide. The same options give the same tiles. Throws IoError,
/// DataError where no object lies whole in a tile.
RetainedTiles retained_tiles(const TrainOptions& options, int64_t outer, int64_t inner);

/// What the scenes of the largest of these data sets take in memory, told from their headers. Throws IoError, DataError.
int64_t retained_bytes(const TrainOptions& options);

/// Three pixels of an object, the deepest inside first, each next as far from those before as can be among pixels that are at
/// least half as deep. Fewer never: small objects repeat one.
std::array<PointPrompt, 3> inner_points(const Image<int32_t>& labels, int32_t label);

}  // namespace plat
