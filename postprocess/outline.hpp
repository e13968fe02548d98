// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"

#include <cstddef>
#include <cstdint>

namespace plat {

/// How an outline is drawn, from what was wished for to what is left where nothing else does.
enum class OutlineKind : uint8_t { Squared, Simplified, Pixels };

/// Why an outline is not drawn as it was wished for.
enum class OutlineReason : uint8_t {
  None,
  Shape,      ///< it would differ too much from the object, or be no valid polygon
  Neighbour,  ///< it would meet another outline
  Place,      ///< it would leave the world, or be no valid polygon in the output's coordinates
};

/// Outlines with more corners are texture, not objects: they keep their pixels' edges, and ground that others draw on them.
inline constexpr std::size_t kMostCorners = 20'000;

struct Outline {
  Polygon polygon;
  OutlineKind kind = OutlineKind::Squared;
  OutlineReason reason = OutlineReason::None;
};

}  // namespace plat
