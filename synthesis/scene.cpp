// SPDX-License-Identifier: Apache-2.0
#include "synthesis/scene.hpp"

#include "geo/overlay.hpp"
#include "synthesis/light.hpp"
#include "synthesis/paint.hpp"
#include "synthesis/plan.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace plat {
namespace {

using namespace detail;

Polygon to_pixels(const Ring& ring, double gsd_m) {
  Polygon out;
  for (const Point& p : ring) out.exterior.push_back(p * (1 / gsd_m));
  return out;
}

bool touches_image(const Polygon& polygon, int64_t width, int64_t height) {
  Bounds box{1e30, 1e30, -1e30, -1e30};
  for (const Point& p : polygon.exterior) {
    box = {std::min(box.min_x, p.x), std::min(box.min_y, p.y), std::max(box.max_x, p.x), std::max(box.max_y, p.y)};
  }
  return box.max_x > 0 && box.max_y > 0 && box.min_x < static_cast<double>(width) &&
         box.min_y < static_cast<double>(height);
}

}  // namespace

DrawnScene draw_scene(int64_t width, int64_t height, uint64_t seed, const SceneStyle& style) {
  Canvas canvas = make_canvas(width, height, style);
  const Plan plan = make_plan(style, canvas.width_m(), canvas.height_m(), seed);
  DrawnScene scene;
  scene.gsd_m = style.gsd_m;
  for (const std::size_t i : paint_plan(canvas, plan)) {
    const Building& building = plan.buildings[i];
    scene.buildings.push_back(to_pixels(leaned(canvas, building.footprint, building.eave), style.gsd_m));
  }
  for (const Ring& ring : plan.fields) {
    Polygon outline = to_pixels(ring, style.gsd_m);
    if (touches_image(outline, width, height)) scene.fields.push_back(std::move(outline));
  }
  scene.pixels = expose(canvas, style, {width, height, {}});
  develop(scene.pixels, style, seed);
  return scene;
}

MultiPolygon visible_part(const Polygon& outline, int64_t width, int64_t height) {
  // Slivers that the image's edge leaves of a roof show nothing that one could recognise.
  constexpr double kLeastPixels = 16;
  const Bounds frame{0, 0, static_cast<double>(width), static_cast<double>(height)};
  MultiPolygon part = intersection(make_valid({outline}), {to_polygon(frame)});
  if (area(part) < kLeastPixels) part.clear();
  return part;
}

DrawnScene draw_random_scene(int64_t width, int64_t height, uint64_t seed) {
  return draw_scene(width, height, seed, random_style(seed));
}

}  // namespace plat
