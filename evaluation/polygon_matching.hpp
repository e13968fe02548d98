// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/matching.hpp"
#include "geo/geometry.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plat {

/// Intersection over union of two areas in one planar frame; both must be valid. 0 when either is empty.
double intersection_over_union(const MultiPolygon& a, const MultiPolygon& b);

/// All pairs of objects whose IoU may exceed `least`, with exact areas. Pairs whose bounding boxes already exclude that
/// are left out unmeasured, so a small `least` costs time. All areas must be valid and in one planar frame.
std::vector<Overlap> find_overlaps(std::span<const MultiPolygon> predicted, std::span<const MultiPolygon> truth,
                                   double least = 0.0);

/// Which objects, by position, repeat an earlier one: the same area, wherever its outline begins. All must be valid.
std::vector<std::size_t> find_repeated(std::span<const MultiPolygon> objects);

/// SpaceNet's matching of polygons: match_greedily on exact IoUs. `order` empty means the order of `predicted`.
Matching match_polygons(std::span<const MultiPolygon> predicted, std::span<const MultiPolygon> truth, double iou = 0.5,
                        std::span<const int64_t> order = {});

}  // namespace plat
