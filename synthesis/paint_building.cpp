// SPDX-License-Identifier: Apache-2.0
#include "synthesis/noise.hpp"
#include "synthesis/paint.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace plat::detail {
namespace {

/// Height above the part's base and slope in its own frame.
struct Surface {
  double height = 0;
  double slope_u = 0;
  double slope_v = 0;
};

Surface surface_at(const RoofPart& part, double a, double b) {
  switch (part.shape) {
    case RoofShape::Flat: return {};
    case RoofShape::Shed: return {(b + part.half_v) * part.slope, 0, part.slope};
    case RoofShape::Gable: return {(part.half_v - std::abs(b)) * part.slope, 0, b > 0 ? -part.slope : part.slope};
    case RoofShape::Hip: {
      const double to_side = part.half_v - std::abs(b);
      const double to_end = part.half_u - std::abs(a);
      if (to_side < to_end) return {to_side * part.slope, 0, b > 0 ? -part.slope : part.slope};
      return {to_end * part.slope, a > 0 ? -part.slope : part.slope, 0};
    }
  }
  return {};
}

/// The look of a roof's material, a factor and a blend over its colour.
class RoofPainter {
 public:
  RoofPainter(const Canvas& canvas, const RoofPart& part)
      : part_(part),
        width_(canvas.width),
        shift_(std::fmod(std::abs(part.frame.origin.x * 37 + part.frame.origin.y * 91), 500)) {}

  Color operator()(std::size_t index, double a, double b, const Surface& surface) const {
    const auto col = static_cast<int64_t>(index) % width_;
    const auto row = static_cast<int64_t>(index) / width_;
    // Along the eaves and down the roof, whichever way this face looks.
    const bool end = surface.slope_u != 0;
    const double along = (end ? b : a) + shift_;
    const double down = (end ? a : b) + shift_;
    const float grain = noise_.grain(col, row);
    const float wear = part_.wear;
    switch (part_.material) {
      case RoofMaterial::Plain: return part_.color * (1 + 0.03F * grain);
      case RoofMaterial::Concrete: {
        const float stain = noise_.cloud(along * 3, down * 3);
        const float spots = noise_.cloud(along * 9 + 50, down * 9);
        const float dirt = std::clamp(0.8F * stain + 0.6F * spots - 0.5F, 0.0F, 1.2F) * wear;
        return blend(part_.color, part_.color * 0.55F, dirt) * (1 + 0.05F * stain + 0.03F * spots + 0.035F * grain);
      }
      case RoofMaterial::Metal: {
        // Corrugation, sheets of a metre by three that have aged differently, rust that runs down.
        const double wave = along / 0.8;
        const auto ribs = static_cast<float>(std::abs(2 * (wave - std::floor(wave)) - 1) - 0.5);
        const auto sheet = noise_.grain(static_cast<int64_t>(along), static_cast<int64_t>(down / 3.2) * 7);
        const float rust = std::clamp(0.45F * noise_.cloud(along * 4, down * 1.2) + 1.8F * wear - 1.35F, 0.0F, 0.85F);
        return blend(part_.color, {0.52F, 0.38F, 0.3F}, rust) * (1 + 0.12F * ribs + 0.05F * sheet + 0.025F * grain);
      }
      case RoofMaterial::Tile: {
        const double course = down / 0.7;
        const auto rows = static_cast<float>(std::abs(2 * (course - std::floor(course)) - 1) - 0.5);
        const float patch = noise_.cloud(along * 4, down * 4);
        return part_.color * (1 + 0.07F * rows + (0.04F + 0.06F * wear) * patch + 0.06F * grain);
      }
      case RoofMaterial::Shingle: {
        const float patch = noise_.cloud(along * 3, down * 3);
        return part_.color * (1 + (0.02F + 0.04F * wear) * patch + 0.06F * grain);
      }
      case RoofMaterial::Membrane: {
        const double seam = along / 2.5;
        const float line = seam - std::floor(seam) < 0.07 ? -0.07F : 0.0F;
        const float stain = noise_.cloud(along * 1.5, down * 1.5);
        return part_.color * (1 + line + 0.05F * wear * stain + 0.02F * grain);
      }
      case RoofMaterial::Thatch: return part_.color * (1 + 0.1F * noise_.cloud(along * 6, down * 1.5) + 0.1F * grain);
    }
    return part_.color;
  }

 private:
  const NoiseTiles& noise_ = NoiseTiles::get();
  const RoofPart& part_;
  int64_t width_;
  double shift_;
};

void paint_part(Canvas& canvas, const Building& building, const RoofPart& part) {
  const RoofPainter color(canvas, part);
  const Point shift = canvas.lean * building.eave;
  // The wind-worn ridge line is a little brighter, as its capping catches the light.
  fill(canvas, leaned(canvas, part.outline, building.eave), [&](std::size_t i, double x, double y) {
    // A shed or tank that juts out over the outline is cut there: the outline is the truth about this roof.
    if (canvas.occupied[i] != canvas.buildings) return;
    const Point at = part.frame.local(Point{x, y} - shift);
    const Surface surface = surface_at(part, at.x, at.y);
    const auto height = static_cast<float>(part.base + surface.height);
    Texel& texel = canvas.texels[i];
    if (!part.over && height < texel.height) return;
    Color c = color(i, at.x, at.y, surface);
    const bool pitched = part.shape == RoofShape::Gable || part.shape == RoofShape::Hip;
    if (pitched && std::abs(at.y) < 0.16 && std::abs(surface.slope_v) > 0) c = c * 1.12F;
    texel = {c, height, static_cast<float>(part.frame.u.x * surface.slope_u + part.frame.v.x * surface.slope_v),
             static_cast<float>(part.frame.u.y * surface.slope_u + part.frame.v.y * surface.slope_v)};
  });
}

}  // namespace

bool paint_building(Canvas& canvas, const Building& building) {
  const Ring seen = leaned(canvas, building.footprint, building.eave);
  bool free = true;
  bool visible = false;
  const auto probe = [&](std::size_t i, double, double) {
    visible = true;
    free = free && canvas.occupied[i] == Canvas::kFree;
  };
  fill(canvas, seen, probe);
  if (canvas.lean.x != 0 || canvas.lean.y != 0) fill(canvas, building.footprint, probe);
  if (!free || !visible) return false;

  // Walls: the outline swept from the ground to the eaves, each step one sample further.
  const double reach = length(canvas.lean) * building.eave;
  const auto steps = static_cast<int>(std::ceil(reach / canvas.sample_m));
  for (int s = 0; s < steps; ++s) {
    const double height = building.eave * s / steps;
    const Color wall = building.wall * (0.55F + 0.2F * static_cast<float>(s) / static_cast<float>(steps));
    fill(canvas, leaned(canvas, building.footprint, height), [&](std::size_t i, double, double) {
      canvas.texels[i] = {wall, static_cast<float>(height), 0, 0};
    });
  }
  ++canvas.buildings;
  // Below any eave, so that every part of this roof is higher than what stood here.
  fill(canvas, seen, [&](std::size_t i, double, double) {
    canvas.texels[i].height = 0;
    canvas.occupied[i] = canvas.buildings;
  });
  for (const RoofPart& part : building.parts) paint_part(canvas, building, part);
  return true;
}

}  // namespace plat::detail
