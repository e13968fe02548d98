// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/window.hpp"
#include "model/prompt_segmenter.hpp"
#include "pipeline/prompts/prompt_answers.hpp"

#include <optional>

namespace plat {

/// A prompt in pixels of a tile of a level, as the network counts them. Points that are not of the object and out of sight
/// are left out, and so is a mask that no pixel of the tile belongs to.
Prompt prompt_in_tile(const ScenePrompt& prompt, int level, const Window& tile);

/// The rectangle in which a prompt says that its object lies: the box, else the one round its mask.
std::optional<BoxPrompt> frame_of(const Prompt& prompt, int64_t tile_width, int64_t tile_height);

/// Whether the points of the object, and something in its frame, lie on pixels with data.
bool on_data(const Prompt& prompt, const Image<uint8_t>& valid);

}  // namespace plat
