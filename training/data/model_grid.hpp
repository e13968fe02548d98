// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/window.hpp"
#include "geo/geometry.hpp"
#include "geo/grid.hpp"

#include <cstdint>

namespace plat {

/// The grid on which extraction lays its tiles over a whole scene, and where the part of it that is held lies there.
struct ModelGrid {
  int64_t width = 0;  ///< of the whole scene
  int64_t height = 0;
  Affine part_from_model;  ///< from its pixels to those of the part

  /// The same for a part of this grid: from the window's pixels to those of the held part.
  Affine part_from_window(const Window& window) const;
  /// The pixels that a rectangle of the held part's pixels touches.
  Window window_of(const Bounds& in_part) const;
};

}  // namespace plat
