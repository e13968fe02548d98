// SPDX-License-Identifier: Apache-2.0
#include "training/data/model_grid.hpp"

#include <cmath>

namespace plat {

Affine ModelGrid::part_from_window(const Window& window) const {
  Affine affine = part_from_model;
  const Point corner = affine({static_cast<double>(window.col), static_cast<double>(window.row)});
  affine.x0 = corner.x;
  affine.y0 = corner.y;
  return affine;
}

Window ModelGrid::window_of(const Bounds& in_part) const {
  constexpr double kRounding = 1e-6;
  const Affine model_from_part = part_from_model.inverse();
  const Point first = model_from_part({in_part.min_x, in_part.min_y});
  const Point last = model_from_part({in_part.max_x, in_part.max_y});
  const auto col = static_cast<int64_t>(std::floor(first.x + kRounding));
  const auto row = static_cast<int64_t>(std::floor(first.y + kRounding));
  return intersect({col, row, static_cast<int64_t>(std::ceil(last.x - kRounding)) - col,
                    static_cast<int64_t>(std::ceil(last.y - kRounding)) - row},
                   {0, 0, width, height});
}

}  // namespace plat
