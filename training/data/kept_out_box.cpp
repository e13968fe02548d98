// SPDX-License-Identifier: Apache-2.0
#include "training/data/kept_out_box.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace plat {
namespace {

/// The smallest window of pixels that holds a rectangle of world coordinates, cut to the grid.
Window pixel_window(const Grid& grid, const Bounds& world) {
  const Affine to_pixel = grid.world_from_pixel.inverse();
  const Point first = to_pixel({world.min_x, world.max_y});
  const Point last = to_pixel({world.max_x, world.min_y});
  // A thousandth of a pixel of tolerance, so that rounding in a transform does not add a row.
  const auto col = static_cast<int64_t>(std::floor(first.x + 1e-3));
  const auto row = static_cast<int64_t>(std::floor(first.y + 1e-3));
  const auto col_end = static_cast<int64_t>(std::ceil(last.x - 1e-3));
  const auto row_end = static_cast<int64_t>(std::ceil(last.y - 1e-3));
  return intersect({col, row, col_end - col, row_end - row}, grid.window());
}

/// Where a scene lies, comparable among scenes: in degrees, or as it is without a CRS. Empty without georeference.
Bounds ground_of(const LabelledScene& scene) {
  if (!scene.georeferenced) return {};
  const Bounds box = scene.grid.world_bounds();
  return scene.grid.crs.empty() ? box : CrsTransform(scene.grid.crs, Crs::wgs84())(box);
}

/// hide_shared_ground() where it is known where both lie. Far places are not asked for in each other's CRS, which may not reach them.
int64_t hide_shared(LabelledScene& scene, const Bounds& ground, const LabelledScene& other,
                    const Bounds& other_ground) {
  const bool near = !ground.empty() && !other_ground.empty() && ground.intersects(other_ground) &&
                    scene.grid.crs.empty() == other.grid.crs.empty();
  if (!near) return 0;
  const int64_t before = scene.count(PixelUse::Train);
  keep_out_box(scene, other.grid.world_bounds(), other.grid.crs, PixelUse::None);
  return before - scene.count(PixelUse::Train);
}

}  // namespace

std::optional<Window> pixels_in_box(const Grid& grid, const Bounds& box, const Crs& crs) {
  const Bounds world = !crs.empty() && !grid.crs.empty() ? CrsTransform(crs, grid.crs)(box) : box;
  return world.intersects(grid.world_bounds()) ? std::optional(pixel_window(grid, world)) : std::nullopt;
}

void keep_out_box(LabelledScene& scene, const Bounds& box, const Crs& crs, PixelUse use) {
  if (!scene.georeferenced) return;
  const std::optional<Window> window = pixels_in_box(scene.grid, box, crs);
  if (!window) return;
  for (int64_t row = window->row; row < window->row_end(); ++row) {
    for (uint8_t& pixel :
         scene.use.row(row).subspan(static_cast<std::size_t>(window->col), static_cast<std::size_t>(window->width))) {
      if (is_labelled(pixel)) pixel = static_cast<uint8_t>(use);
    }
  }
}

int64_t hide_shared_ground(LabelledScene& scene, const LabelledScene& other) {
  return hide_shared(scene, ground_of(scene), other, ground_of(other));
}

int64_t keep_out_scenes(std::vector<LabelledScene>& scenes, const std::vector<bool>& kept_out) {
  if (std::ranges::none_of(kept_out, [](bool out) { return out; })) return 0;
  std::vector<Bounds> ground;
  for (const LabelledScene& scene : scenes) ground.push_back(ground_of(scene));
  int64_t hidden = 0;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    if (!kept_out[i]) continue;
    std::replace(scenes[i].use.data(), scenes[i].use.data() + scenes[i].use.size(),
                 static_cast<uint8_t>(PixelUse::Train), static_cast<uint8_t>(PixelUse::Validate));
    for (std::size_t k = 0; k < scenes.size(); ++k) {
      if (!kept_out[k]) hidden += hide_shared(scenes[k], ground[k], scenes[i], ground[i]);
    }
  }
  return hidden;
}

}  // namespace plat
