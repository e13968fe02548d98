// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "model/model_description.hpp"
#include "model/precision.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plat {

/// A pixel of the tile that belongs to the object, or one that does not. The centre of the top-left pixel is (0, 0).
struct PointPrompt {
  double col = 0;
  double row = 0;
  bool object = true;
};

/// The rectangle of an object in pixels, as PointPrompt counts them.
struct BoxPrompt {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

/// What to segment: points, a box, a mask, or several of these; at least one of them.
struct Prompt {
  std::vector<PointPrompt> points;
  std::optional<BoxPrompt> box;
  /// Roughly the object: the share of each cell, in [0, 1], that belongs to it. Stands for the whole tile at a resolution of
  /// its own, which the network takes best at a quarter of the tile's side. Empty: none.
  Image<float> mask = {};
};

struct PromptMask {
  Image<float> probability;  ///< of the object, in [0, 1], as large as the tile
  double iou = 0;            ///< the network's own estimate of the mask's IoU
};

/// One of the alternatives for a point, as the network gives it: cheap to have in great numbers.
struct PointMask {
  std::size_t point = 0;  ///< position of its point among those asked
  double iou = 0;         ///< the network's own estimate of the mask's IoU
  /// Positive inside the object. Stands for the whole tile at a resolution of its own, usually a quarter of the tile's.
  Image<float> logits;
};

/// A tile that has passed the encoder; prompts on it are cheap. Thread-safe. Must not outlive its PromptSegmenter.
class PromptTile {
 public:
  virtual ~PromptTile() = default;
  /// The masks of each prompt, the best first. SAM's rule for the best: a single point may mean a part, an object or a
  /// group, so the alternative with the highest estimate is taken; more points, a box or a mask have one meaning, and a
  /// mask of its own. `alternatives`: also the other masks, by falling estimate. Throws ModelError for a prompt that has
  /// nothing.
  virtual std::vector<std::vector<PromptMask>> segment(std::span<const Prompt> prompts, bool alternatives) const = 0;
  /// What the encoder made of the tile, one band a channel: PromptSegmenter::restore makes a tile of it that answers with
  /// the same masks, bit for bit.
  virtual Image<float> embedding() const = 0;
  /// For many single points: the alternatives of each whose estimate is more than `min_iou`, by points, in the network's
  /// order. The mask that is meant for prompts with one meaning is none of them. Unless overridden made of `segment`.
  virtual std::vector<PointMask> segment_points(std::span<const PointPrompt> points, double min_iou) const;
};

/// Segments what points, boxes and rough masks point at. Thread-safe: tiles run in parallel with one torch thread each.
class PromptSegmenter {
 public:
  virtual ~PromptSegmenter() = default;
  virtual const ModelDescription& description() const = 0;
  /// `pixels`: the model's bands scaled to 0..255, tile_size square.
  virtual std::unique_ptr<PromptTile> embed(const Image<float>& pixels) const = 0;
  /// The tile that an embedding was taken from, without the encoder's work. Throws ModelError where its size is not this
  /// model's.
  virtual std::unique_ptr<PromptTile> restore(const Image<float>& embedding) const = 0;
  /// An estimate of the memory that `embed`, or `segment` with up to 16 prompts, takes, in bytes.
  virtual int64_t memory_per_tile() const = 0;
  /// Whether it runs on a graphics card, where one tile at a time is the fastest.
  virtual bool on_card() const { return false; }
};

/// Opens a model folder for prompts; every SAM answers them, with classes or without. `device` and `precision` as for
/// open_segmenter. Throws ModelError as that does, or that this build has no torch.
std::unique_ptr<PromptSegmenter> open_prompt_segmenter(const std::string& folder, const std::string& device = "auto",
                                                       Precision precision = Precision::Float32);

}  // namespace plat
