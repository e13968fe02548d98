// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/grid.hpp"

#include <array>
#include <cstdint>

namespace plat {

/// Smooth shifts over a grid, in its pixels (columns east, rows down): a polynomial of degree 0 (one translation), 1 (with
/// rotation, scale and shear) or 2 in each direction. The terms are 1, u, v, u², uv, v² with u and v running from -1 to 1 over
/// the grid, so that coefficients are pixels.
struct ShiftField {
  static constexpr std::size_t kTerms = 6;
  static constexpr std::array<std::size_t, 3> kTermsOfDegree{1, 3, 6};

  int64_t width = 1;
  int64_t height = 1;
  int degree = 0;
  std::array<double, kTerms> dx{};
  std::array<double, kTerms> dy{};

  static ShiftField translation(int64_t width, int64_t height, const Point& shift);
  /// The terms at a position of the grid.
  std::array<double, kTerms> terms(const Point& pixel) const;
  /// The shift there.
  Point at(const Point& pixel) const;
  /// The largest shift at corners, edges' middles and centre.
  double largest() const;
  /// pixel -> pixel + at(pixel), where that is affine (degree 0 or 1).
  Affine affine() const;
};

}  // namespace plat
