// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "model/prompt_segmenter.hpp"
#include "postprocess/instances.hpp"

#include <optional>

namespace plat {

/// The object that a prompt's mask shows.
struct PromptObject {
  InstancePatch patch;   ///< one label; its window lies in the frame of the scene that the tile's window lies in
  double stability = 0;  ///< IoU of the masks at logits of 1 and of -1, as Meta's mask generator defines it
  bool cut = false;      ///< it reaches an edge of the tile behind which the scene goes on
};

/// The part of a mask that its prompt means: the 4-connected parts that hold a point of the object or lie mostly in the box,
/// or round the mask where there is no box (specks beside a much larger part left out), or the largest part where there is none of these. Pixels that are not valid
/// never belong to it; pinholes are filled. `tile`: the tile's window in the scene of `scene` pixels. Unset where nothing is
/// left.
std::optional<PromptObject> object_of_mask(const PromptMask& mask, const Prompt& prompt, const Image<uint8_t>& valid,
                                           const Window& tile, const Window& scene);

}  // namespace plat
