// SPDX-License-Identifier: Apache-2.0
#include "synthesis/covers.hpp"
#include "synthesis/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace plat::detail {
namespace {

RoofPart rectangle_part(const Frame& at, double half_u, double half_v, double base, const Cover& cover,
                        Random& random) {
  RoofPart part;
  part.frame = at;
  part.half_u = half_u;
  part.half_v = half_v;
  part.outline = at.rectangle(-half_u, -half_v, half_u, half_v);
  part.base = base;
  part.material = cover.material;
  part.color = cover.color;
  part.wear = static_cast<float>(random.uniform());
  return part;
}

/// A box, tank or hatch laid on a roof.
RoofPart item(const Frame& at, double half_u, double half_v, double base, const Color& color, Random& random) {
  RoofPart part = rectangle_part(at, half_u, half_v, base, {RoofMaterial::Plain, varied(color, random, 0.08)}, random);
  part.over = true;
  return part;
}

RoofPart tank(const Point& at, double base, Random& random) {
  static constexpr std::array<Color, 4> kTanks{
      {{0.12F, 0.12F, 0.13F}, {0.1F, 0.45F, 0.38F}, {0.2F, 0.35F, 0.6F}, {0.8F, 0.8F, 0.78F}}};
  const double radius = random.uniform(0.5, 0.8);
  RoofPart part = item({at, {1, 0}, {0, 1}}, radius, radius, base + 1.4, random.pick(kTanks), random);
  part.outline.clear();
  for (int i = 0; i < 10; ++i) {
    const double angle = i * std::numbers::pi / 5;
    part.outline.push_back({at.x + radius * std::cos(angle), at.y + radius * std::sin(angle)});
  }
  return part;
}

/// Things that stand on a flat roof: stair room, sheet-metal shelter, tanks, panels, clutter.
void furnish_flat_roof(Building& building, const Frame& frame, double half_u, double half_v, double level,
                       const SceneStyle& style, Random& random) {
  const double free_u = half_u - 1.2;
  const double free_v = half_v - 1.2;
  if (free_u < 0.8 || free_v < 0.8) return;
  const bool dense = style.region == Region::DenseTown || style.region == Region::DryTown;
  const double area = 4 * half_u * half_v;
  const auto somewhere = [&](double margin_u, double margin_v) {
    const double room_u = std::max(0.0, half_u - margin_u - 0.4);
    const double room_v = std::max(0.0, half_v - margin_v - 0.4);
    const double v = random.uniform(-room_v, room_v);
    const double u = random.uniform(-room_u, room_u);
    return frame(u, v);
  };
  if (dense && random.chance(0.45)) {
    const double hu = std::min(free_u, random.uniform(1.4, 2.8));
    const double hv = std::min(free_v, random.uniform(1.4, 2.8));
    const double corner_v = (half_v - hv - 0.3) * (random.chance(0.5) ? 1 : -1);
    const double corner_u = (half_u - hu - 0.3) * (random.chance(0.5) ? 1 : -1);
    const Cover cover = random.chance(0.6) ? concrete_cover(random) : metal_cover(random);
    const double height = random.uniform(2.2, 2.9);
    RoofPart room =
        rectangle_part({frame(corner_u, corner_v), frame.u, frame.v}, hu, hv, level + height, cover, random);
    room.over = true;
    building.parts.push_back(room);
  }
  if (dense && random.chance(0.35)) {
    const double share = random.uniform(0.3, 0.85);
    const double hu = half_u * share;
    const double at_u = (half_u - hu - 0.2) * (random.chance(0.5) ? 1 : -1);
    const Cover cover = metal_cover(random);
    const double height = random.uniform(2, 2.8);
    const double hv = half_v * random.uniform(0.6, 0.97);
    RoofPart sheet = rectangle_part({frame(at_u, 0), frame.u, frame.v}, hu - 0.3, hv, level + height, cover, random);
    sheet.shape = RoofShape::Shed;
    sheet.slope = random.uniform(0.05, 0.15);
    sheet.over = true;
    building.parts.push_back(sheet);
  }
  const auto count = [&](double mean) { return static_cast<int>(mean + random.uniform()); };
  if (dense) {
    for (int i = count(area / 130); i > 0; --i) building.parts.push_back(tank(somewhere(1, 1), level, random));
    static constexpr std::array<Color, 7> kClutter{{{0.35F, 0.33F, 0.31F},
                                                    {0.75F, 0.72F, 0.68F},
                                                    {0.3F, 0.4F, 0.22F},
                                                    {0.55F, 0.35F, 0.28F},
                                                    {0.25F, 0.35F, 0.55F},
                                                    {0.5F, 0.48F, 0.45F},
                                                    {0.85F, 0.83F, 0.8F}}};
    for (int i = count(area / 16); i > 0; --i) {
      const Color color = random.pick(kClutter);
      const double height = random.uniform(0.2, 1);
      const double hv = random.uniform(0.2, 0.7);
      const double hu = random.uniform(0.2, 0.9);
      building.parts.push_back(item({somewhere(0.8, 0.8), frame.u, frame.v}, hu, hv, level + height, color, random));
    }
    if (random.chance(0.2)) {
      building.parts.push_back(
          item({somewhere(1, 1), frame.u, frame.v}, 1, 0.6, level + 0.8, {0.12F, 0.15F, 0.24F}, random));
    }
  } else {
    for (int i = count(area / 120); i > 0; --i) {
      const double size = random.uniform(0.5, 1.4);
      const double height = random.uniform(0.7, 1.6);
      const double hv = size * random.uniform(0.6, 1);
      building.parts.push_back(
          item({somewhere(1.5, 1.5), frame.u, frame.v}, size, hv, level + height, {0.72F, 0.73F, 0.73F}, random));
    }
  }
}

/// Screed repairs and low walls between terraces, as old flat roofs collect them.
void divide_flat_roof(Building& building, const Frame& frame, double half_u, double half_v, const Cover& cover,
                      Random& random) {
  for (int i = static_cast<int>(random.integer(0, 2)); i > 0; --i) {
    const double hu = half_u * random.uniform(0.2, 0.5);
    const double hv = half_v * random.uniform(0.2, 0.6);
    const double at_v = random.uniform(-0.9, 0.9) * (half_v - hv - 0.5);
    const double at_u = random.uniform(-0.9, 0.9) * (half_u - hu - 0.5);
    const Frame at{frame(at_u, at_v), frame.u, frame.v};
    RoofPart patch =
        rectangle_part(at, hu, hv, building.eave, {cover.material, varied(cover.color, random, 0.12)}, random);
    patch.over = true;
    building.parts.push_back(patch);
  }
  if (random.chance(0.35)) {
    const double at_u = random.uniform(-0.4, 0.4) * half_u;
    RoofPart wall = rectangle_part(
        {frame(at_u, 0), frame.u, frame.v}, 0.12, half_v - 0.2, building.eave + 0.9,
        {RoofMaterial::Plain, varied(blend(cover.color, {0.85F, 0.82F, 0.78F}, 0.4F), random, 0.1)}, random);
    wall.over = true;
    building.parts.push_back(wall);
  }
}

/// Covers a ring with a flat roof behind a parapet.
void add_flat_roof(Building& building, const Ring& ring, const Frame& frame, double half_u, double half_v,
                   const Cover& cover, double parapet_m, Random& random) {
  RoofPart rim = rectangle_part(frame, half_u, half_v, building.eave, cover, random);
  rim.outline = ring;
  rim.over = true;
  const bool has_rim = parapet_m > 0 && std::min(half_u, half_v) > 1.5;
  if (has_rim) {
    RoofPart floor = rim;
    floor.outline = inset(ring, random.uniform(0.2, 0.35));
    rim.base = building.eave + parapet_m;
    rim.material = RoofMaterial::Plain;
    rim.color = random.chance(0.25) ? varied({0.6F, 0.38F, 0.3F}, random, 0.1)
                                    : varied(blend(cover.color, {0.85F, 0.82F, 0.78F}, 0.4F), random, 0.08);
    building.parts.push_back(rim);
    building.parts.push_back(floor);
  } else {
    building.parts.push_back(rim);
  }
}

void add_roof_windows(Building& building, const RoofPart& roof, Random& random) {
  const int chimneys = static_cast<int>(random.integer(0, 2));
  for (int i = 0; i < chimneys; ++i) {
    const double at_v = random.uniform(-0.4, 0.4) * roof.half_v;
    const double at_u = random.uniform(-0.6, 0.6) * roof.half_u;
    const Point at = roof.frame(at_u, at_v);
    building.parts.push_back(item({at, roof.frame.u, roof.frame.v}, 0.4, 0.35,
                                  roof.base + roof.half_v * roof.slope + 0.7, {0.55F, 0.42F, 0.37F}, random));
  }
  if (random.chance(0.15)) {
    // Solar panels lie in the roof's plane: as a shed on one side of the ridge.
    const double hu = roof.half_u * random.uniform(0.3, 0.6);
    const double at_u = random.uniform(-0.3, 0.3) * roof.half_u;
    const Frame at{roof.frame(at_u, -roof.half_v * 0.5), roof.frame.u, roof.frame.v};
    RoofPart panel = rectangle_part(at, hu, roof.half_v * 0.33, roof.base + roof.half_v * roof.slope * 0.2,
                                    {RoofMaterial::Plain, {0.13F, 0.15F, 0.23F}}, random);
    panel.shape = RoofShape::Shed;
    panel.slope = roof.slope;
    panel.over = true;
    building.parts.push_back(panel);
  }
}

}  // namespace

Building make_house(const Frame& frame, double width, double depth, const SceneStyle& style, Random& random) {
  Building building;
  const Region region = style.region;
  const bool flat = random.chance(region == Region::DenseTown ? 0.65
                                  : region == Region::DryTown ? 0.85
                                  : region == Region::Suburb  ? 0.04
                                                              : 0.06);
  const Cover cover = flat ? concrete_cover(random) : pitched_cover(region, random);
  const bool low = region == Region::Village;
  building.eave =
      low ? random.uniform(2.3, 3) : 3 * static_cast<double>(random.integer(1, flat ? 3 : 2)) + random.uniform(0, 0.6);
  building.wall = varied({0.72F, 0.66F, 0.58F}, random, 0.12);
  const double slope = cover.material == RoofMaterial::Metal ? random.uniform(0.15, 0.45) : random.uniform(0.35, 0.85);
  const RoofShape shape = random.chance(region == Region::Suburb ? 0.5 : 0.25) ? RoofShape::Hip : RoofShape::Gable;

  const double hu = width / 2;
  const double hv = depth / 2;
  const double draw = random.uniform();
  const double mirror = random.chance(0.5) ? 1 : -1;
  const bool wing = draw > (low ? 0.85 : 0.5) && hu > 4 && hv > 3;
  const double wing_half = std::min(hu * random.uniform(0.3, 0.5), hv * 0.9);
  const double extra = wing ? random.uniform(1.5, 4.5) : 0;
  const double at_u = draw > 0.8 ? random.uniform(-0.4, 0.4) * (hu - wing_half) : mirror * (hu - wing_half);
  Frame turned = frame;
  if (!wing && depth > width) turned = {frame.origin, frame.v, frame.u * -1};
  if (wing) {
    Ring ring{frame(-hu, -hv), frame(hu, -hv), frame(hu, hv)};
    if (at_u + wing_half < hu - 0.01)
      ring.insert(ring.end(), {frame(at_u + wing_half, hv)});
    else
      ring.pop_back();
    ring.push_back(frame(at_u + wing_half, hv + extra));
    ring.push_back(frame(at_u - wing_half, hv + extra));
    if (at_u - wing_half > -hu + 0.01) {
      ring.push_back(frame(at_u - wing_half, hv));
      ring.push_back(frame(-hu, hv));
    }
    building.footprint = ring;
  } else {
    building.footprint = frame.rectangle(-hu, -hv, hu, hv);
  }
  if (flat) {
    add_flat_roof(building, building.footprint, frame, hu, hv, cover, random.chance(0.8) ? random.uniform(0.4, 1.0) : 0,
                  random);
    furnish_flat_roof(building, frame, hu, hv, building.eave, style, random);
    return building;
  }
  const double main_u = turned.u == frame.u ? hu : hv;
  const double main_v = turned.u == frame.u ? hv : hu;
  RoofPart main = rectangle_part(turned, main_u, main_v, building.eave, cover, random);
  main.shape = shape;
  main.slope = slope;
  building.parts.push_back(main);
  if (wing) {
    RoofPart side = rectangle_part({frame(at_u, (hv + extra) / 2), frame.v, frame.u * -1}, (hv + extra) / 2, wing_half,
                                   building.eave, cover, random);
    side.wear = main.wear;
    side.shape = shape;
    side.slope = slope;
    building.parts.push_back(side);
  }
  if (!low) add_roof_windows(building, main, random);
  return building;
}

Building make_town_building(const Ring& outline, const Frame& frame, double half_u, double half_v,
                            const SceneStyle& style, Random& random) {
  Building building;
  building.footprint = outline;
  building.wall = varied({0.68F, 0.6F, 0.52F}, random, 0.15);
  const bool european = style.region == Region::EuropeanTown;
  const double area = 4 * half_u * half_v;
  const double pitched = european ? 0.88 : style.region == Region::DenseTown ? 0.25 : 0.08;
  const auto storeys = static_cast<double>(area < 30 ? 1 : random.integer(1, european ? 3 : 4));
  building.eave = 3 * storeys + random.uniform(0, 0.5);
  if (random.chance(pitched) || area < 16) {
    const Cover cover = pitched_cover(style.region, random);
    RoofPart roof = rectangle_part(frame, half_u, half_v, building.eave, cover, random);
    roof.outline = outline;
    const bool along = half_u > half_v || european;
    if (!along) {
      roof.frame = {frame.origin, frame.v, frame.u * -1};
      std::swap(roof.half_u, roof.half_v);
    }
    roof.shape = european || random.chance(0.5) ? RoofShape::Gable : RoofShape::Shed;
    roof.slope = european ? random.uniform(0.5, 0.9) : random.uniform(0.08, 0.3);
    roof.over = true;
    building.parts.push_back(roof);
    if (european) add_roof_windows(building, roof, random);
    return building;
  }
  Cover cover = concrete_cover(random);
  if (style.region == Region::DryTown) cover.color = varied({0.78F, 0.71F, 0.6F}, random, 0.07);
  add_flat_roof(building, outline, frame, half_u, half_v, cover, random.chance(0.85) ? random.uniform(0.5, 1.1) : 0,
                random);
  if (random.chance(0.3) && half_u > 3.5) {
    // A terrace: one end is a storey higher.
    const double share = random.uniform(0.3, 0.6);
    const Cover upper_cover = concrete_cover(random);
    const double at_u = (random.chance(0.5) ? 1 : -1) * half_u * (1 - share);
    RoofPart upper = rectangle_part({frame(at_u, 0), frame.u, frame.v}, half_u * share - 0.15, half_v - 0.3,
                                    building.eave + 2.9, upper_cover, random);
    upper.over = true;
    building.parts.push_back(upper);
  }
  divide_flat_roof(building, frame, half_u - 0.3, half_v - 0.3, cover, random);
  furnish_flat_roof(building, frame, half_u, half_v, building.eave, style, random);
  return building;
}

Building make_hall(const Frame& frame, double width, double depth, const SceneStyle& style, Random& random) {
  Building building;
  building.footprint = frame.rectangle(-width / 2, -depth / 2, width / 2, depth / 2);
  building.eave = random.uniform(4, 9);
  building.wall = varied({0.7F, 0.7F, 0.68F}, random, 0.1);
  if (random.chance(style.region == Region::Suburb ? 0.65 : 0.3)) {
    const Cover cover{RoofMaterial::Membrane,
                      varied(random.chance(0.6) ? Color{0.82F, 0.82F, 0.8F} : Color{0.5F, 0.5F, 0.5F}, random, 0.08)};
    add_flat_roof(building, building.footprint, frame, width / 2, depth / 2, cover, 0.5, random);
    SceneStyle plain = style;
    plain.region = Region::Suburb;
    furnish_flat_roof(building, frame, width / 2, depth / 2, building.eave, plain, random);
    return building;
  }
  const Cover cover = metal_cover(random);
  const auto bays = static_cast<int>(std::max(1.0, std::round(depth / random.uniform(14, 30))));
  const double half = depth / (2.0 * bays);
  for (int i = 0; i < bays; ++i) {
    RoofPart bay = rectangle_part({frame(0, -depth / 2 + (2 * i + 1) * half), frame.u, frame.v}, width / 2, half,
                                  building.eave, cover, random);
    bay.shape = RoofShape::Gable;
    bay.slope = random.uniform(0.1, 0.25);
    building.parts.push_back(bay);
    if (random.chance(0.4)) {
      for (double a = -width / 2 + 4; a < width / 2 - 4; a += 6) {
        RoofPart light = item({bay.frame(a, half * 0.5), frame.u, frame.v}, 0.5, half * 0.35,
                              building.eave + half * 0.2, {0.85F, 0.87F, 0.86F}, random);
        light.shape = RoofShape::Shed;
        light.slope = -bay.slope;
        building.parts.push_back(light);
      }
    }
  }
  return building;
}

}  // namespace plat::detail
