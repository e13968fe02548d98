// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "geo/grid.hpp"
#include "geo/scaling.hpp"
#include "model/prompt_segmenter.hpp"
#include "pipeline/model_scene.hpp"
#include "pipeline/prompts/embedding_cache.hpp"

#include <memory>
#include <optional>
#include <string>

namespace plat {

/// A tile that answers prompts.
struct EmbeddedTile {
  std::unique_ptr<PromptTile> tile;  ///< null where no pixel has data
  Image<uint8_t> valid;
  bool from_cache = false;
};

/// Where embeddings of a scene are kept, and what tells them from those of other scenes and models.
struct EmbeddingStore {
  EmbeddingCache* cache = nullptr;  ///< null: nowhere
  std::string key;                  ///< of scene and model; what says how the scene is read is added to it
};

/// A scene at a model's resolution (level 0) and at half of it, a quarter, … (levels 1, 2, …), from which tiles are cut and
/// passed through the encoder. What a warm cache answers takes no reading. Thread-safe but for `open_level`.
class PromptScene {
 public:
  /// The model must live as long.
  PromptScene(ModelScene opened, const PromptSegmenter& model, EmbeddingStore store);
  ~PromptScene();
  /// Makes a level and those below it known; to be called before anything else asks for it.
  void open_level(int level);
  const Grid& grid(int level) const;
  double gsd_m(int level) const;
  std::optional<double> assumed_gsd_m(int level) const;
  bool is_cached(int level, const Window& tile) const;
  /// Throws IoError when the scene's data is damaged there, ModelError.
  EmbeddedTile embed(int level, const Window& tile) const;
  /// A reader of level 0, and how its values are shown.
  RasterReader& reader();
  const Scaling& scaling() const;
  /// Time spent in reading and in the encoder so far, summed over threads.
  double seconds_reading() const;
  double seconds_encoder() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
