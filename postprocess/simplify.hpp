// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"
#include "postprocess/validity.hpp"

namespace plat {

/// Draws an outline with fewer, straight edges: the staircase of a pixel outline becomes the walls that it stands for.
/// Each edge is the line of least squares through the outline that it replaces, of which no vertex lies farther away than
/// `tolerance`; corners are where the lines meet, so spikes thinner than the tolerance vanish. A tolerance of 1 to 1.5
/// pixels suits pixel outlines; 0 changes nothing; for small rings it is lessened to a seventh of their size.
/// Where the result would be invalid, parts of the outline are kept as they are: a valid polygon always stays valid. Holes
/// smaller than the tolerance squared are dropped.
Polygon simplify(const Polygon& polygon, double tolerance);

}  // namespace plat
