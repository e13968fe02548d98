// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "postprocess/detail/line_fit.hpp"

#include <algorithm>
#include <cmath>

namespace plat::detail {

/// How far outlines of an object of some area may move when simplified or squared: small objects would lose their shape to
/// the tolerance asked for.
inline double simplifying_tolerance(double tolerance, double area) {
  return std::min(tolerance, 0.15 * std::sqrt(area));
}
inline double squaring_tolerance(double tolerance, double area) { return std::min(tolerance, 0.18 * std::sqrt(area)); }

/// The outline that is kept where squaring fails follows the input closer by this factor.
inline constexpr double kSimplifyShare = 0.6;

/// Corners of lines lie at most this many tolerances from the outline: when simplified, enough for right angles; when
/// squared, enough for 45 degrees.
inline constexpr double kSimplifiedReach = 1.5;
inline constexpr double kSquaredReach = 3;

/// How lines are fitted for simplification. The penalties are what a line more must explain, as a share of the tolerance
/// cubed; those here and below recover most of the corners of true footprints drawn with a network's kind of noise.
inline LineFitOptions outline_options(double tolerance) {
  return {.tolerance = tolerance, .penalty = 1.5 * tolerance * tolerance * tolerance};
}

/// How walls are fitted for squaring; `thorough` takes longer and finds nearly the best division.
inline LineFitOptions wall_options(double tolerance, double angle, bool thorough) {
  return {.tolerance = tolerance,
          .penalty = 0.7 * tolerance * tolerance * tolerance,
          .main_angle = angle,
          .break_share = thorough ? 0.2 : 0.45};
}

}  // namespace plat::detail
