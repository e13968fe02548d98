// SPDX-License-Identifier: Apache-2.0
#include "geo/shift_field.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace plat {

ShiftField ShiftField::translation(int64_t width, int64_t height, const Point& shift) {
  ShiftField field{width, height, 0, {}, {}};
  field.dx[0] = shift.x;
  field.dy[0] = shift.y;
  return field;
}

std::array<double, ShiftField::kTerms> ShiftField::terms(const Point& pixel) const {
  const double u = 2 * pixel.x / static_cast<double>(width) - 1;
  const double v = 2 * pixel.y / static_cast<double>(height) - 1;
  return {1, u, v, u * u, u * v, v * v};
}

Point ShiftField::at(const Point& pixel) const {
  const auto term = terms(pixel);
  Point shift;
  for (std::size_t i = 0; i < kTermsOfDegree[static_cast<std::size_t>(degree)]; ++i) {
    shift.x += dx[i] * term[i];
    shift.y += dy[i] * term[i];
  }
  return shift;
}

double ShiftField::largest() const {
  double most = 0;
  for (const double u : {0.0, 0.5, 1.0}) {
    for (const double v : {0.0, 0.5, 1.0}) {
      const Point shift = at({u * static_cast<double>(width), v * static_cast<double>(height)});
      most = std::max(most, std::hypot(shift.x, shift.y));
    }
  }
  return most;
}

Affine ShiftField::affine() const {
  assert(degree <= 1);
  const double per_col = 2 / static_cast<double>(width);
  const double per_row = 2 / static_cast<double>(height);
  const double linear = degree == 1 ? 1 : 0;
  const Point origin = at({0, 0});
  return {origin.x, 1 + linear * dx[1] * per_col, linear * dx[2] * per_row,
          origin.y, linear * dy[1] * per_col,     1 + linear * dy[2] * per_row};
}

}  // namespace plat
