// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "training/data/labelled_scene.hpp"

#include <cstdint>
#include <optional>

namespace plat {

/// How far labels can be moved in the search for where they fit, in pixels of the scene.
inline constexpr int64_t kShiftReach = 12;

/// How well the outlines of labels lie on edges of the image, for each way of moving them. Sums over scenes of one
/// resolution may be added.
struct ShiftSurface {
  Image<double> sum = Image<double>(2 * kShiftReach + 1, 2 * kShiftReach + 1);  ///< (col, row) = shift + kShiftReach
  int64_t points = 0;                                                           ///< places on outlines that count

  void add(const ShiftSurface& other);
};

/// Where labels fit best.
struct LabelShift {
  double col = 0;  ///< to be added to the labels, in pixels
  double row = 0;
  double confidence = 0;  ///< height of the peak above the mean, in standard deviations of the surface away from it
  double rivalry = 1;     ///< height of the next peak over that of this one, both above the mean, 0..1
  /// Whether the peak stands out: high, without a rival, inside the reach, and over enough outlines.
  bool clear = false;
};

/// Compares the labels' outlines with the strength of the image's edges across them, at about `places` places on the
/// outlines at most.
ShiftSurface shift_surface(const LabelledScene& scene, double places = 20'000);

/// The highest place of a surface, to parts of a pixel by parabolas through its neighbours.
LabelShift best_shift(const ShiftSurface& surface);

/// Moves all objects of a scene.
void move_labels(LabelledScene& scene, double col, double row);

}  // namespace plat
