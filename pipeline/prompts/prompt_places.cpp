// SPDX-License-Identifier: Apache-2.0
#include "pipeline/prompts/prompt_answers.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace plat {
namespace {

double rounded(double pixels) { return std::round(pixels * 16) / 16; }

/// Carries places into the pixels of a grid.
class PixelPlacer {
 public:
  PixelPlacer(const Crs& from, const Grid& grid) : grid_(grid) {
    if (!from.empty() && !from.same_as(grid.crs)) transform_.emplace(from, grid.crs);
  }
  Ring operator()(const Ring& places) const {
    Ring world;
    for (const Point& place : places) world.push_back(transform_ ? (*transform_)(place) : place);
    Ring pixels = grid_.to_pixel(Polygon{std::move(world), {}}).exterior;
    for (Point& p : pixels) p = {rounded(p.x), rounded(p.y)};
    return pixels;
  }

 private:
  const Grid& grid_;
  std::optional<CrsTransform> transform_;
};

ScenePrompt place(const MapPrompt& prompt, const PixelPlacer& placer, const Grid& grid) {
  const auto width = static_cast<double>(grid.width);
  const auto height = static_cast<double>(grid.height);
  ScenePrompt out;
  bool any_of_object = prompt.box || !prompt.mask.empty();
  for (const MapPoint& point : prompt.points) {
    Point pixel = placer({point.place}).front();
    const bool inside = pixel.x >= 0 && pixel.y >= 0 && pixel.x <= width && pixel.y <= height;
    if (point.object && !inside) {
      out.failure = {"lies outside the scene"};
      return out;
    }
    any_of_object = any_of_object || point.object;
    // The scene's last edges belong to its last pixels.
    if (inside) pixel = {std::min(pixel.x, width - 0.0625), std::min(pixel.y, height - 0.0625)};
    out.points.push_back({pixel, point.object});
  }
  if (!any_of_object) {
    out.failure = {"has no point of an object, only points that are not; give it one, or a box"};
    return out;
  }
  const auto in_scene = [&](const Bounds& b) {
    return Bounds{std::max(b.min_x, 0.0), std::max(b.min_y, 0.0), std::min(b.max_x, width), std::min(b.max_y, height)};
  };
  const auto has_size = [](const Bounds& b) { return b.min_x < b.max_x && b.min_y < b.max_y; };
  if (prompt.box) {
    out.box = in_scene(bounds(placer(prompt.box->exterior)));
    if (!has_size(*out.box)) out.failure = {"lies outside the scene"};
  }
  for (const Polygon& part : prompt.mask) {
    Polygon& placed = out.mask.emplace_back(Polygon{placer(part.exterior), {}});
    for (const Ring& hole : part.holes) placed.holes.push_back(placer(hole));
  }
  if (!out.mask.empty() && !has_size(in_scene(bounds(out.mask)))) out.failure = {"lies outside the scene"};
  return out;
}

}  // namespace

std::vector<ScenePrompt> place_prompts(const PromptLayer& layer, const Crs& layer_crs, const Grid& grid) {
  const PixelPlacer placer(layer_crs, grid);
  std::vector<ScenePrompt> placed;
  placed.reserve(layer.prompts.size());
  for (const MapPrompt& prompt : layer.prompts) {
    try {
      placed.push_back(place(prompt, placer, grid));
    } catch (const DataError&) {
      // What has no place in the scene's CRS is far from the scene.
      placed.emplace_back().failure = {"lies outside the scene"};
    }
  }
  return placed;
}

}  // namespace plat
