// SPDX-License-Identifier: Apache-2.0
#include "synthesis/paint.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "synthesis/noise.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <string>

namespace plat::detail {
namespace {

/// The colour of the ground at a place; `index` picks the fine grain.
class GroundPainter {
 public:
  GroundPainter(const Canvas& canvas, const Ground& ground)
      : ground_(ground),
        scale_(1 / ground.patch_m * 0.5),
        width_(canvas.width),
        normal_{-std::sin(ground.furrow_angle), std::cos(ground.furrow_angle)} {}

  Color operator()(std::size_t index, double x, double y) const {
    const auto col = static_cast<int64_t>(index) % width_;
    const auto row = static_cast<int64_t>(index) / width_;
    const float cloud = noise_.cloud(x * scale_, y * scale_);
    const float t = std::clamp(0.3F + ground_.mix * cloud, 0.0F, 1.0F);
    const float tuft = noise_.cloud(x * 4 + 31, y * 4);
    float light = 1 + ground_.grain * 0.9F * tuft + ground_.grain * noise_.grain(col, row) +
                  ground_.grain * 0.7F * noise_.grain(col / 2 + 77, row / 2);
    if (ground_.furrow_m > 0) {
      const double across = (x * normal_.x + y * normal_.y + 0.15 * static_cast<double>(cloud)) / ground_.furrow_m;
      const double phase = across - std::floor(across);
      light *= 1 + ground_.furrow_gain * static_cast<float>(std::abs(4 * phase - 2) - 1);
    }
    return blend(ground_.base, ground_.other, t) * light;
  }

 private:
  const NoiseTiles& noise_ = NoiseTiles::get();
  Ground ground_;
  double scale_;
  int64_t width_;
  Point normal_;
};

}  // namespace

Ring leaned(const Canvas& canvas, const Ring& ring, double height) {
  Ring out = ring;
  for (Point& p : out) p = p + canvas.lean * height;
  return out;
}

void paint_ground(Canvas& canvas, const GroundPatch& patch) {
  const GroundPainter color(canvas, patch.ground);
  fill(canvas, patch.outline, [&](std::size_t i, double x, double y) {
    canvas.texels[i] = {color(i, x, y), patch.height, 0, 0};
    if (patch.water) canvas.occupied[i] = Canvas::kWater;
  });
}

void paint_street(Canvas& canvas, const Street& street) {
  const std::size_t n = street.centre.size();
  if (n < 2) return;
  std::vector<Point> normals(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Point along = street.centre[std::min(i + 1, n - 1)] - street.centre[i > 0 ? i - 1 : 0];
    normals[i] = Point{-along.y, along.x} * (1 / length(along));
  }
  const auto strip = [&](double from, double to, std::size_t step_on, std::size_t step_all, const auto& paint) {
    for (std::size_t i = 0; i + 1 < n; ++i) {
      if (i % step_all >= step_on || !canvas.inside(street.centre[i], 30)) continue;
      const Ring quad{street.centre[i] + normals[i] * from, street.centre[i + 1] + normals[i + 1] * from,
                      street.centre[i + 1] + normals[i + 1] * to, street.centre[i] + normals[i] * to};
      fill(canvas, quad, paint);
    }
  };
  const double half = street.width / 2;
  if (street.sidewalk_m > 0) {
    const GroundPainter color(canvas, street.sidewalk);
    strip(-half - street.sidewalk_m, half + street.sidewalk_m, 1, 1, [&](std::size_t i, double x, double y) {
      canvas.texels[i] = {color(i, x, y), 0.12F, 0, 0};
    });
  }
  const GroundPainter color(canvas, street.surface);
  strip(-half, half, 1, 1, [&](std::size_t i, double x, double y) { canvas.texels[i] = {color(i, x, y), 0, 0, 0}; });
  if (street.marked) {
    strip(-0.1, 0.1, 1, 2, [&](std::size_t i, double, double) { canvas.texels[i].color = {0.82F, 0.82F, 0.79F}; });
  }
}

void paint_car(Canvas& canvas, const Car& car) {
  const Point& at = car.frame.origin;
  if (!canvas.inside(at, 5) || canvas.occupied_at(at)) return;
  const double l = car.half_length;
  const auto part = [&](double a0, double a1, double half, float height, const Color& color) {
    fill(canvas, car.frame.rectangle(a0, -half, a1, half), [&](std::size_t i, double, double) {
      canvas.texels[i] = {color, height, 0, 0};
    });
  };
  part(-l, l, 0.88, 0.9F, car.color);
  part(-l * 0.72, l * 0.42, 0.76, 1.2F, {0.13F, 0.15F, 0.17F});
  part(-l * 0.5, l * 0.12, 0.7, 1.4F, car.color * 0.97F);
}

void paint_tree(Canvas& canvas, const Tree& tree) {
  if (!canvas.inside(tree.position, tree.radius * 2)) return;
  // Crowns may overhang a roof's edge, but no trunk stands in a house or a pond.
  if (canvas.occupied_at(tree.position)) return;
  const NoiseTiles& noise = NoiseTiles::get();
  Random random(tree.seed);
  const double r = tree.radius;
  const auto clumps = static_cast<int>(std::clamp(r * r * 4, 4.0, 46.0));
  for (int k = 0; k < clumps; ++k) {
    const double distance = r * 0.8 * std::sqrt(random.uniform());
    const double angle = random.uniform(0, 6.2832);
    const double size = r * random.uniform(0.22, 0.42);
    const double rise = std::sqrt(std::max(0.0, 1 - distance * distance / (r * r)));
    const double base = tree.height * (0.45 + 0.5 * rise);
    const Point at = tree.position + Point{distance * std::cos(angle), distance * std::sin(angle)} + canvas.lean * base;
    const Color color = tree.color * static_cast<float>(random.uniform(0.82, 1.15));
    const auto first_row = std::max<int64_t>(0, static_cast<int64_t>((at.y - size) / canvas.sample_m));
    const auto last_row = std::min<int64_t>(canvas.height - 1, static_cast<int64_t>((at.y + size) / canvas.sample_m));
    const auto first_col = std::max<int64_t>(0, static_cast<int64_t>((at.x - size) / canvas.sample_m));
    const auto last_col = std::min<int64_t>(canvas.width - 1, static_cast<int64_t>((at.x + size) / canvas.sample_m));
    for (int64_t row = first_row; row <= last_row; ++row) {
      const double dy = ((static_cast<double>(row) + 0.5) * canvas.sample_m - at.y) / size;
      for (int64_t col = first_col; col <= last_col; ++col) {
        const double dx = ((static_cast<double>(col) + 0.5) * canvas.sample_m - at.x) / size;
        const float grain = noise.grain(col, row);
        // The grain frays the clump's rim into leaves.
        const double square = dx * dx + dy * dy + 0.25 * static_cast<double>(grain);
        if (square >= 1) continue;
        const double dome = std::sqrt(1 - std::max(0.0, square));
        const auto height = static_cast<float>(base + size * 0.9 * dome);
        Texel& texel = canvas.at(col, row);
        if (height <= texel.height) continue;
        const double steep = -0.9 / std::max(0.35, dome);
        texel = {color * (1 + 0.14F * grain), height, static_cast<float>(steep * dx), static_cast<float>(steep * dy)};
      }
    }
  }
}

Canvas make_canvas(int64_t width, int64_t height, const SceneStyle& style) {
  style.validate();
  if (width < 1 || height < 1 || width > 16384 || height > 16384) {
    throw UsageError("a drawn scene has 1 to 16384 pixels a side, not " + std::to_string(width) + " x " +
                     std::to_string(height));
  }
  Canvas canvas(width * kSamples, height * kSamples, style.gsd_m / kSamples);
  const double lean = style.lean_azimuth_deg * std::numbers::pi / 180;
  canvas.lean = Point{std::sin(lean), -std::cos(lean)} * style.lean;
  return canvas;
}

std::vector<std::size_t> paint_plan(Canvas& canvas, const Plan& plan) {
  const auto paint_all = [&](const auto& things, const auto& paint) {
    for (const auto& thing : things) {
      throw_if_cancelled();
      paint(canvas, thing);
    }
  };
  paint_all(plan.grounds, paint_ground);
  paint_all(plan.streets, paint_street);
  paint_all(plan.walls, paint_ground);

  // Seen obliquely, the nearer building hides the farther one's foot, so the farthest comes first.
  std::vector<std::size_t> order(plan.buildings.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return dot(plan.buildings[a].footprint.front(), canvas.lean) >
           dot(plan.buildings[b].footprint.front(), canvas.lean);
  });
  std::vector<std::size_t> standing;
  for (const std::size_t i : order) {
    throw_if_cancelled();
    if (paint_building(canvas, plan.buildings[i])) standing.push_back(i);
  }
  paint_all(plan.cars, paint_car);
  paint_all(plan.trees, paint_tree);
  return standing;
}

}  // namespace plat::detail
