// SPDX-License-Identifier: Apache-2.0
#include "synthesis/scene.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "synthesis/light.hpp"
#include "synthesis/paint.hpp"
#include "synthesis/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

namespace plat {
namespace {

using namespace detail;

/// Samples along a pixel's side: edges need some, and fine pixels show detail that is painted in samples.
constexpr int64_t kSamples = 2;

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
  style.validate();
  if (width < 1 || height < 1 || width > 16384 || height > 16384) {
    throw UsageError("a drawn scene has 1 to 16384 pixels a side, not " + std::to_string(width) + " x " +
                     std::to_string(height));
  }
  Canvas canvas(width * kSamples, height * kSamples, style.gsd_m / kSamples);
  const double lean = style.lean_azimuth_deg * std::numbers::pi / 180;
  canvas.lean = Point{std::sin(lean), -std::cos(lean)} * style.lean;
  Plan plan = make_plan(style, canvas.width_m(), canvas.height_m(), seed);

  const auto paint_all = [](const auto& things, const auto& paint) {
    for (const auto& thing : things) {
      throw_if_cancelled();
      paint(thing);
    }
  };
  paint_all(plan.grounds, [&](const GroundPatch& patch) { paint_ground(canvas, patch); });
  paint_all(plan.streets, [&](const Street& street) { paint_street(canvas, street); });
  paint_all(plan.walls, [&](const GroundPatch& wall) { paint_ground(canvas, wall); });

  DrawnScene scene;
  scene.gsd_m = style.gsd_m;
  // Seen obliquely, the nearer building hides the farther one's foot, so the farthest comes first.
  std::stable_sort(plan.buildings.begin(), plan.buildings.end(), [&](const Building& a, const Building& b) {
    return dot(a.footprint.front(), canvas.lean) > dot(b.footprint.front(), canvas.lean);
  });
  for (const Building& building : plan.buildings) {
    throw_if_cancelled();
    Polygon outline = to_pixels(leaned(canvas, building.footprint, building.eave), style.gsd_m);
    if (touches_image(outline, width, height) && paint_building(canvas, building)) {
      scene.buildings.push_back(std::move(outline));
    }
  }
  for (const Car& car : plan.cars) paint_car(canvas, car);
  uint64_t tree_seed = seed;
  paint_all(plan.trees, [&](const Tree& tree) { paint_tree(canvas, tree, ++tree_seed); });

  for (const Ring& ring : plan.fields) {
    Polygon outline = to_pixels(ring, style.gsd_m);
    if (touches_image(outline, width, height)) scene.fields.push_back(std::move(outline));
  }
  scene.pixels = expose(canvas, style, kSamples);
  develop(scene.pixels, style, seed);
  return scene;
}

DrawnScene draw_random_scene(int64_t width, int64_t height, uint64_t seed) {
  return draw_scene(width, height, seed, random_style(seed));
}

}  // namespace plat
