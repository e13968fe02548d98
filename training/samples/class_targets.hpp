// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"

#include <cstdint>

namespace plat {

/// How labels become the maps that the network learns.
struct TargetOptions {
  double boundary_width = 2.0;  ///< width of the boundary band on either side of an outline, pixels, > 0
  double distance_clip = 10.0;  ///< distance to the outline at which the distance map reaches 1, pixels, > 0
  /// How much pixels count in the losses of extent and boundary where two objects are no farther than kNeighbourReach away: the
  /// lines that keep neighbours apart are few, and decide whether they come out as one. A whole number in [1, 255].
  int64_t neighbour_weight = 1;
  /// How far around a crop labels are looked at, so that its maps are those of the whole scene, pixels.
  int64_t margin() const;
  void validate() const;
};

/// Pixels this far away in each direction are looked at for a second object.
inline constexpr int64_t kNeighbourReach = 3;
/// 1 where two objects or more are no farther than kNeighbourReach away, counted along rows and columns.
Image<uint8_t> between_neighbours(const Image<int32_t>& labels);

/// Distance from each pixel's centre to the nearest outline: where the label changes to another label or to background,
/// half a pixel from the centres on either side. The image's frame is no outline.
Image<float> outline_distance(const Image<int32_t>& labels);

/// Extent (0, 1), boundary (0, 1) and distance maps ([0, 1], 0 in the background) of labels with 0 as background, as three
/// bands. Touching objects have a boundary between them.
Image<float> class_targets(const Image<int32_t>& labels, const TargetOptions& options = {});
/// The same where outline_distance() of the labels, or of labels that they are a part of, is known.
Image<float> class_targets(const Image<int32_t>& labels, const Image<float>& distance, const TargetOptions& options);

}  // namespace plat
