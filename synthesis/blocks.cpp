// SPDX-License-Identifier: Apache-2.0
#include "synthesis/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace plat::detail {
namespace {

void add_ground(Planner& p, const Block& area, GroundKind kind) {
  p.plan.grounds.push_back(
      {p.warp.patch(area.u0, area.v0, area.u1, area.v1), make_ground(kind, p.style.green, p.random)});
}

GroundKind yard_kind(Planner& p) {
  const double draw = p.random.uniform();
  if (draw < p.style.green * 0.8) return p.random.chance(0.75) ? GroundKind::Grass : GroundKind::Scrub;
  if (draw < 0.8) return p.random.chance(0.5) ? GroundKind::Soil : GroundKind::DryGrass;
  return p.random.chance(0.5) ? GroundKind::Concrete : GroundKind::Gravel;
}

/// The frame of a place that looks to the street on its v0 side (front = 1) or its v1 side (front = -1).
Frame facing_street(const Planner& p, double u, double v, double front) {
  const Frame frame = p.warp.frame(u, v);
  return {frame.origin, frame.u * front, frame.v * front};
}

void add_rectangle(Planner& p, const Frame& frame, double a0, double b0, double a1, double b1, GroundKind kind) {
  p.plan.grounds.push_back({frame.rectangle(a0, b0, a1, b1), make_ground(kind, p.style.green, p.random)});
}

/// A small roof of its own that fills a rectangle.
void add_shed(Planner& p, const Block& area) {
  const Frame frame = p.warp.frame((area.u0 + area.u1) / 2, (area.v0 + area.v1) / 2);
  p.plan.buildings.push_back(make_town_building(p.warp.quad(area.u0, area.v0, area.u1, area.v1), frame,
                                                (area.u1 - area.u0) / 2, (area.v1 - area.v0) / 2, p.style, p.random));
}

void plan_lot(Planner& p, const Block& lot, double front) {
  const double width = lot.u1 - lot.u0;
  const double depth = lot.v1 - lot.v0;
  const bool village = p.style.region == Region::Village;
  add_ground(p, lot, village && p.random.chance(0.7) ? GroundKind::Soil : yard_kind(p));
  if (p.random.chance(0.3)) {
    const GroundKind kind = p.random.chance(0.4) ? GroundKind::Vegetables : yard_kind(p);
    add_ground(p, {lot.u0, lot.v0 + depth * p.random.uniform(0.3, 0.6), lot.u1, lot.v1 - 1}, kind);
  }
  Frame frame = facing_street(p, (lot.u0 + lot.u1) / 2, (lot.v0 + lot.v1) / 2, front);
  const double turn = p.random.normal(0, village ? 0.12 : 0.015);
  frame = Frame::facing(frame.origin, std::atan2(frame.u.y, frame.u.x) + turn);
  if (!p.random.chance(village ? 0.8 : 0.95)) return scatter_trees(p, lot, width * depth / 120 * p.style.green);

  const double house_w = std::clamp(width * p.random.uniform(0.5, 0.78), 5.0, village ? 11.0 : 19.0);
  const double house_d = std::clamp(depth * p.random.uniform(0.28, 0.45), 4.5, village ? 8.0 : 13.0);
  const double setback = std::min(p.random.uniform(2, 8), depth - house_d - 7);
  const double shift = (width - house_w) * 0.35 * p.random.uniform(-1, 1);
  const double middle = -depth / 2 + std::max(1.0, setback) + house_d / 2;
  const Frame house{frame(shift, middle), frame.u, frame.v};
  p.plan.buildings.push_back(make_house(house, house_w, house_d, p.style, p.random));

  const double side = p.random.chance(0.5) ? 1 : -1;
  const double edge = side * (width / 2 - 0.4);
  if (!village && p.random.chance(0.8)) {
    const double inner = edge - side * p.random.uniform(2.8, 5.5);
    const double back = middle + p.random.uniform(-1, 1) * house_d / 2;
    add_rectangle(p, frame, std::min(edge, inner), -depth / 2, std::max(edge, inner), back,
                  p.random.chance(0.7) ? GroundKind::Concrete : GroundKind::Asphalt);
    if (p.random.chance(0.5)) {
      const Frame car{frame((edge + inner) / 2, (back - depth / 2) / 2), frame.v, frame.u * -1};
      park_car(p, car);
    }
  }
  if (p.random.chance(village ? 0.45 : 0.35)) {
    const double w = p.random.uniform(2.5, 6);
    const double d = p.random.uniform(2.5, 5);
    const Frame shed{frame(-side * (width / 2 - w / 2 - 1), depth / 2 - d / 2 - 1), frame.u, frame.v};
    p.plan.buildings.push_back(make_house(shed, w, d, p.style, p.random));
  }
  if (p.style.region == Region::Suburb && p.random.chance(0.12)) {
    const double a = p.random.uniform(-0.25, 0.25) * width;
    add_rectangle(p, frame, a - 4.5, depth / 2 - 9, a + 4.5, depth / 2 - 2, GroundKind::Concrete);
    p.plan.grounds.push_back({frame.rectangle(a - 3.5, depth / 2 - 7.5, a + 3.5, depth / 2 - 3.5),
                              {{0.36F, 0.62F, 0.68F}, {0.45F, 0.7F, 0.74F}, 0.4, 0.2F, 0.01F},
                              0,
                              true});
  }
  if (p.random.chance(0.5)) {
    const bool hedge = p.random.chance(p.style.green);
    add_wall(p, p.warp(lot.u0, lot.v0), p.warp(lot.u0, lot.v1), hedge);
    add_wall(p, p.warp(lot.u0, front > 0 ? lot.v1 : lot.v0), p.warp(lot.u1, front > 0 ? lot.v1 : lot.v0), hedge);
  }
  scatter_clutter(p, lot, width * depth / 140);
  scatter_trees(p, lot, width * depth / 70 * p.style.green * p.random.uniform(0.3, 1.6));
}

}  // namespace

void plan_detached_block(Planner& p, const Block& block) {
  const double depth = block.v1 - block.v0;
  const bool two_rows = depth > 38;
  const double middle = two_rows ? (block.v0 + block.v1) / 2 : block.v1;
  const double narrow = p.style.region == Region::Suburb ? 15 : 12;
  for (const double front : {1.0, -1.0}) {
    if (front < 0 && !two_rows) break;
    double u = block.u0;
    while (u < block.u1 - 5) {
      double end = u + p.random.uniform(narrow, narrow * 1.8);
      if (block.u1 - end < narrow) end = block.u1;
      const Block lot{u, front > 0 ? block.v0 : middle, end, front > 0 ? middle : block.v1, block.density};
      // The nearer to open country, the more lots stand empty.
      if (p.random.chance(0.35 + block.density)) {
        plan_lot(p, lot, front);
      } else {
        add_ground(p, lot, yard_kind(p));
        scatter_trees(p, lot, (end - u) * (lot.v1 - lot.v0) / 90 * p.style.green);
      }
      u = end;
    }
  }
}

void plan_touching_block(Planner& p, const Block& block) {
  add_ground(p, block, p.style.region == Region::DryTown ? GroundKind::Soil : yard_kind(p));
  const bool european = p.style.region == Region::EuropeanTown;
  const double depth = block.v1 - block.v0;
  const auto rows = static_cast<int>(std::max(1.0, std::round(depth / p.random.uniform(11, 18))));
  const double step = depth / rows;
  const double built = european ? 0.9 : 0.6 + 0.35 * block.density;
  for (int k = 0; k < rows; ++k) {
    // In closed European blocks only the rows at the streets are built; the inside is gardens and yards.
    const bool inside = rows > 2 && k > 0 && k + 1 < rows;
    const double front = k < (rows + 1) / 2 ? 1 : -1;
    const double v0 = block.v0 + k * step;
    double u = block.u0;
    while (u < block.u1 - 2.5) {
      double end = u + (p.random.chance(0.07) ? p.random.uniform(16, 30) : p.random.uniform(4.5, 13));
      if (block.u1 - end < 4.5) end = block.u1;
      const double gap_a = p.random.chance(0.3) ? p.random.uniform(0.4, 1.6) : 0;
      const double inset_front = p.random.chance(0.5) ? p.random.uniform(0, 1.2) : 0;
      // The denser the town, the less yard is left behind a house.
      const double yard = european ? 4 : 4 - 2.5 * block.density;
      const double inset_back = rows > 1 ? p.random.uniform(0, yard) : p.random.uniform(0, 1.5);
      Block cell{u + gap_a, v0 + (front > 0 ? inset_front : inset_back), end,
                 v0 + step - (front > 0 ? inset_back : inset_front), block.density};
      if (p.random.chance(inside ? (european ? 0.25 : built * 0.85) : built)) {
        const double um = (cell.u0 + cell.u1) / 2;
        const double vm = (cell.v0 + cell.v1) / 2;
        const Frame frame = facing_street(p, um, vm, 1);
        const double hu = (cell.u1 - cell.u0) / 2;
        const double hv = (cell.v1 - cell.v0) / 2;
        const bool cut = !european && hu > 3 && hv > 3.5 && p.random.chance(0.2);
        Ring ring = p.warp.quad(cell.u0, cell.v0, cell.u1, cell.v1);
        if (cut) {
          const double cu = um + hu * p.random.uniform(-0.2, 0.4);
          const double cv = vm + hv * p.random.uniform(-0.1, 0.5);
          ring = {p.warp(cell.u0, cell.v0), p.warp(cell.u1, cell.v0), p.warp(cell.u1, cv),
                  p.warp(cu, cv),           p.warp(cu, cell.v1),      p.warp(cell.u0, cell.v1)};
        }
        p.plan.buildings.push_back(make_town_building(ring, frame, hu, hv, p.style, p.random));
        if (!european && inset_back > 1.8 && p.random.chance(0.5)) {
          // A lean-to fills a part of the yard behind.
          const double width = p.random.uniform(0.3, 0.9) * (cell.u1 - cell.u0);
          const Block shed = front > 0 ? Block{cell.u0, cell.v1, cell.u0 + width, v0 + step - 0.2, 0}
                                       : Block{cell.u0, v0 + 0.2, cell.u0 + width, cell.v0, 0};
          add_shed(p, shed);
        }
      } else {
        add_ground(p, {u, v0, end, v0 + step}, p.random.chance(0.3) ? GroundKind::Vegetables : yard_kind(p));
        scatter_clutter(p, cell, (end - u) * step / 35);
        scatter_trees(p, cell, (end - u) * step / 25 * p.style.green);
        if (p.random.chance(0.5)) add_wall(p, p.warp(u, v0), p.warp(end, v0), false);
        if (!european && p.random.chance(0.5)) {
          const double w = p.random.uniform(2.5, 6);
          const double d = p.random.uniform(2.5, 5);
          const double su = p.random.uniform(cell.u0, std::max(cell.u0, cell.u1 - w));
          const double sv = p.random.uniform(cell.v0, std::max(cell.v0, cell.v1 - d));
          add_shed(p, {su, sv, std::min(su + w, end), sv + d, 0});
        }
      }
      u = end;
    }
  }
  scatter_trees(p, block, (block.u1 - block.u0) * depth / 160 * p.style.green);
}

void plan_industrial_block(Planner& p, const Block& block) {
  add_ground(p, block,
             p.random.chance(0.5)   ? GroundKind::Concrete
             : p.random.chance(0.5) ? GroundKind::Asphalt
                                    : GroundKind::Gravel);
  double u = block.u0 + 3;
  const double depth = block.v1 - block.v0;
  while (u < block.u1 - 15) {
    const double width = std::min(p.random.uniform(15, 55), block.u1 - u - 3);
    const double hall_d = std::max(10.0, (depth - 6) * p.random.uniform(0.45, 0.95));
    const double middle = block.v0 + 3 + hall_d / 2 + p.random.uniform() * std::max(0.0, depth - 6 - hall_d);
    const Frame frame = p.warp.frame(u + width / 2, middle);
    p.plan.buildings.push_back(make_hall(frame, width, hall_d, p.style, p.random));
    for (double a = u; a < u + width && p.random.chance(0.8); a += p.random.uniform(2.8, 6)) {
      const Frame car = p.warp.frame(a, block.v0 + 3 + hall_d + 5);
      park_car(p, {car.origin, car.v, car.u * -1});
    }
    u += width + p.random.uniform(3, 16);
  }
  scatter_trees(p, block, (block.u1 - block.u0) / 12 * p.style.green);
}

void plan_rural_block(Planner& p, const Block& block) {
  const double width = block.u1 - block.u0;
  const double draw = p.random.uniform();
  if (draw < 0.1 * p.style.green + 0.03) {
    add_ground(p, block, GroundKind::Scrub);
    scatter_trees(p, block, width * (block.v1 - block.v0) / 22 * std::max(0.3, p.style.green));
    return;
  }
  const std::size_t known_fields = p.plan.fields.size();
  const bool lengthwise = p.random.chance(0.5);
  const auto strips = p.random.integer(1, 4);
  for (int64_t i = 0; i < strips; ++i) {
    const double t0 = static_cast<double>(i) / static_cast<double>(strips);
    const double t1 = static_cast<double>(i + 1) / static_cast<double>(strips);
    const double depth = block.v1 - block.v0;
    const Block strip = lengthwise ? Block{block.u0, block.v0 + depth * t0, block.u1, block.v0 + depth * t1, 0}
                                   : Block{block.u0 + width * t0, block.v0, block.u0 + width * t1, block.v1, 0};
    const double margin = p.random.uniform(0.3, 1.2);
    static constexpr std::array<GroundKind, 6> kCrops{GroundKind::Crop,     GroundKind::Crop,
                                                      GroundKind::Ploughed, GroundKind::Stubble,
                                                      GroundKind::DryGrass, GroundKind::Vegetables};
    Ground ground = make_ground(p.random.pick(kCrops), p.style.green, p.random);
    const Frame frame = p.warp.frame((strip.u0 + strip.u1) / 2, (strip.v0 + strip.v1) / 2);
    ground.furrow_angle = std::atan2(frame.u.y, frame.u.x) + (lengthwise ? 0 : std::numbers::pi / 2);
    Ring ring = p.warp.patch(strip.u0 + margin, strip.v0 + margin, strip.u1 - margin, strip.v1 - margin);
    p.plan.grounds.push_back({ring, ground});
    p.plan.fields.push_back(std::move(ring));
    if (p.random.chance(0.3 * p.style.green)) {
      for (double v = strip.v0; v < strip.v1; v += p.random.uniform(2, 8)) {
        p.plan.trees.push_back(make_tree(p.warp(strip.u0, v), p.style.green, p.random));
      }
    }
  }
  if (p.random.chance(0.35)) {
    const Block farm{block.u0 + 2, block.v0 + 2, std::min(block.u1, block.u0 + 32), std::min(block.v1, block.v0 + 36),
                     block.density};
    plan_lot(p, farm, 1);
    p.plan.fields.resize(known_fields);  // the farmyard cuts them: what is left of them has no simple outline
  }
  if (p.random.chance(0.2)) {
    scatter_trees(p, block, 4);
  }
}

void plan_open_block(Planner& p, const Block& block) {
  const double area = (block.u1 - block.u0) * (block.v1 - block.v0);
  const double draw = p.random.uniform();
  if (draw < 0.35) {
    add_ground(p, block, p.style.green > 0.4 ? GroundKind::Grass : GroundKind::DryGrass);
    add_ground(p, {block.u0, (block.v0 + block.v1) / 2 - 1, block.u1, (block.v0 + block.v1) / 2 + 1},
               GroundKind::Gravel);
    scatter_trees(p, block, area / 45 * std::max(0.3, p.style.green));
  } else if (draw < 0.6) {
    add_ground(p, block, GroundKind::Asphalt);
    for (double v = block.v0 + 4; v < block.v1 - 4; v += 11) {
      for (double u = block.u0 + 2; u < block.u1 - 2; u += 2.7) {
        if (!p.random.chance(0.45)) continue;
        const Frame frame = p.warp.frame(u, v);
        park_car(p, {frame.origin, frame.v, frame.u * -1});
      }
    }
  } else if (draw < 0.8) {
    add_ground(p, block, p.random.chance(0.5) ? GroundKind::Soil : GroundKind::Scrub);
    scatter_trees(p, block, area / 150 * p.style.green);
  } else {
    add_ground(p, block, GroundKind::Scrub);
    const Frame frame = p.warp.frame((block.u0 + block.u1) / 2, (block.v0 + block.v1) / 2);
    Ring pond;
    for (int i = 0; i < 72; ++i) {
      const double angle = i * std::numbers::pi / 36;
      const double radius = 0.36 * (1 + 0.15 * std::sin(2 * angle + block.u0) + 0.09 * std::sin(3 * angle + block.v0) +
                                    0.03 * std::sin(11 * angle));
      pond.push_back(
          frame((block.u1 - block.u0) * radius * std::cos(angle), (block.v1 - block.v0) * radius * std::sin(angle)));
    }
    p.plan.grounds.push_back({pond, make_ground(GroundKind::Water, p.style.green, p.random), 0, true});
    scatter_trees(p, block, area / 120 * p.style.green);
  }
}

}  // namespace plat::detail
