// SPDX-License-Identifier: Apache-2.0
#include "synthesis/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace plat::detail {
namespace {

Color vary(const Color& c, Random& random, double amount) {
  const auto brightness = static_cast<float>(1 + random.normal(0, amount));
  const auto tint = [&] { return static_cast<float>(1 + random.normal(0, amount / 7)); };
  return {std::clamp(c.r * brightness * tint(), 0.02F, 1.0F), std::clamp(c.g * brightness * tint(), 0.02F, 1.0F),
          std::clamp(c.b * brightness * tint(), 0.02F, 1.0F)};
}

}  // namespace

Ground make_ground(GroundKind kind, double green, Random& random) {
  Ground g;
  const auto lush = static_cast<float>(std::clamp(green + random.normal(0, 0.15), 0.0, 1.0));
  const Color lawn = blend({0.56F, 0.54F, 0.36F}, {0.38F, 0.47F, 0.25F}, lush);
  const Color earth =
      vary(blend({0.66F, 0.57F, 0.45F}, {0.50F, 0.41F, 0.31F}, static_cast<float>(random.uniform())), random, 0.05);
  switch (kind) {
    case GroundKind::Grass: g = {vary(lawn, random, 0.08), vary(earth, random, 0.05), 0.5, 0.16F, 0.07F}; break;
    case GroundKind::DryGrass:
      g = {vary({0.58F, 0.54F, 0.38F}, random, 0.07), vary(lawn, random, 0.08), 0.4, 0.3F, 0.07F};
      break;
    case GroundKind::Scrub: g = {vary(lawn * 0.85F, random, 0.08), earth, 0.15, 0.42F, 0.1F}; break;
    case GroundKind::Soil: g = {earth, vary(lawn, random, 0.05), 0.35, 0.17F, 0.05F}; break;
    case GroundKind::Concrete:
      g = {vary({0.66F, 0.63F, 0.58F}, random, 0.07), {0.52F, 0.49F, 0.44F}, 0.3, 0.2F, 0.03F};
      break;
    case GroundKind::Gravel:
      g = {vary({0.62F, 0.59F, 0.54F}, random, 0.06), vary(earth, random, 0.05), 0.3, 0.3F, 0.07F};
      break;
    case GroundKind::Asphalt:
      g = {vary({0.43F, 0.43F, 0.43F}, random, 0.12), vary({0.52F, 0.5F, 0.47F}, random, 0.05), 0.4, 0.2F, 0.025F};
      break;
    case GroundKind::Vegetables:
      g = {vary(earth * 0.9F, random, 0.06),
           vary({0.3F, 0.43F, 0.2F}, random, 0.08),
           0.25,
           0.3F,
           0.07F,
           random.uniform(0.7, 1.4),
           0,
           0.35F};
      break;
    case GroundKind::Crop:
      g = {vary(blend({0.36F, 0.46F, 0.2F}, {0.52F, 0.52F, 0.26F}, static_cast<float>(random.uniform())), random, 0.1),
           vary({0.42F, 0.42F, 0.25F}, random, 0.08),
           1.2,
           0.22F,
           0.04F,
           random.uniform(1.0, 3.0),
           0,
           static_cast<float>(random.uniform(0.02, 0.1))};
      break;
    case GroundKind::Ploughed:
      g = {vary(earth * 0.85F, random, 0.08),
           vary(earth * 0.65F, random, 0.06),
           1.0,
           0.25F,
           0.06F,
           random.uniform(1.0, 2.5),
           0,
           static_cast<float>(random.uniform(0.05, 0.15))};
      break;
    case GroundKind::Stubble:
      g = {vary({0.7F, 0.62F, 0.44F}, random, 0.07),
           vary({0.6F, 0.53F, 0.37F}, random, 0.05),
           1.0,
           0.25F,
           0.05F,
           random.uniform(1.5, 4),
           0,
           static_cast<float>(random.uniform(0.03, 0.1))};
      break;
    case GroundKind::Water:
      g = {vary({0.22F, 0.29F, 0.28F}, random, 0.15), vary({0.3F, 0.35F, 0.28F}, random, 0.1), 2.0, 0.25F, 0.01F};
      break;
  }
  g.furrow_angle = random.uniform(0, std::numbers::pi);
  return g;
}

Tree make_tree(const Point& position, double green, Random& random) {
  static constexpr std::array<Color, 6> kLeaves{{{0.26F, 0.34F, 0.18F},
                                                 {0.31F, 0.39F, 0.19F},
                                                 {0.22F, 0.31F, 0.19F},
                                                 {0.37F, 0.42F, 0.21F},
                                                 {0.29F, 0.36F, 0.24F},
                                                 {0.40F, 0.40F, 0.22F}}};
  Tree tree;
  tree.position = position;
  tree.radius = random.chance(0.55) ? random.uniform(0.4, 1.4) : random.uniform(1.4, 4.5);
  tree.height = tree.radius * random.uniform(1.4, 2.4);
  tree.color = blend(vary(random.pick(kLeaves), random, 0.12), {0.45F, 0.42F, 0.28F},
                     static_cast<float>(std::max(0.0, 0.3 - 0.4 * green)));
  return tree;
}

void scatter_trees(Planner& p, const Block& area, double count) {
  // Trees come in clumps: half of them stand near another one.
  double u = 0;
  double v = 0;
  for (double i = p.random.uniform(); i < count; ++i) {
    const bool near = i >= 1 && p.random.chance(0.5);
    u = near ? u + p.random.normal(0, 3) : p.random.uniform(area.u0, area.u1);
    v = near ? v + p.random.normal(0, 3) : p.random.uniform(area.v0, area.v1);
    p.plan.trees.push_back(make_tree(p.warp(u, v), p.style.green, p.random));
  }
}

void scatter_clutter(Planner& p, const Block& area, double count) {
  static constexpr std::array<Color, 6> kThings{{{0.75F, 0.73F, 0.7F},
                                                 {0.3F, 0.28F, 0.27F},
                                                 {0.52F, 0.42F, 0.35F},
                                                 {0.3F, 0.42F, 0.58F},
                                                 {0.6F, 0.35F, 0.3F},
                                                 {0.58F, 0.57F, 0.54F}}};
  for (double i = p.random.uniform(); i < count; ++i) {
    const double v = p.random.uniform(area.v0, area.v1);
    const double u = p.random.uniform(area.u0, area.u1);
    const Frame turned = Frame::facing(p.warp(u, v), p.random.uniform(0, 6.28));
    const Color color = vary(p.random.pick(kThings), p.random, 0.1);
    const double depth = p.random.uniform(0.3, 1.1);
    const double width = p.random.uniform(0.3, 1.6);
    p.plan.walls.push_back({turned.rectangle(0, 0, width, depth),
                            {color, color * 0.8F, 0.1, 0.2F, 0.06F},
                            static_cast<float>(p.random.uniform(0.1, 1.2))});
  }
}

void add_wall(Planner& p, const Point& a, const Point& b, bool hedge) {
  const double distance = length(b - a);
  if (distance < 0.5) return;
  const Frame frame = Frame::facing(a, std::atan2(b.y - a.y, b.x - a.x));
  const double half = hedge ? p.random.uniform(0.3, 0.7) : 0.12;
  Ground ground;
  if (hedge) {
    ground = {vary({0.28F, 0.36F, 0.19F}, p.random, 0.1), {0.38F, 0.42F, 0.24F}, 0.1, 0.3F, 0.12F};
  } else {
    const Color wall = p.random.chance(0.4) ? Color{0.62F, 0.45F, 0.36F} : Color{0.68F, 0.65F, 0.6F};
    ground = {vary(wall, p.random, 0.1), wall * 0.8F, 0.2, 0.3F, 0.05F};
  }
  p.plan.walls.push_back({frame.rectangle(0, -half, distance, half), ground,
                          static_cast<float>(hedge ? p.random.uniform(1, 2) : p.random.uniform(1.2, 2))});
}

void park_car(Planner& p, const Frame& frame) {
  static constexpr std::array<Color, 8> kPaint{{{0.9F, 0.9F, 0.9F},
                                                {0.82F, 0.83F, 0.84F},
                                                {0.6F, 0.61F, 0.62F},
                                                {0.2F, 0.2F, 0.22F},
                                                {0.35F, 0.36F, 0.38F},
                                                {0.62F, 0.16F, 0.14F},
                                                {0.2F, 0.3F, 0.52F},
                                                {0.72F, 0.68F, 0.58F}}};
  Frame turned = Frame::facing(frame.origin, std::atan2(frame.u.y, frame.u.x) + p.random.normal(0, 0.04));
  p.plan.cars.push_back({turned, p.random.uniform(1.8, 2.4), p.random.pick(kPaint)});
}

Ring inset(const Ring& ring, double distance) {
  // Each edge moves along its inner normal; corners are where neighbouring edges meet again.
  const double inward = signed_area(ring) > 0 ? distance : -distance;
  Ring out;
  const std::size_t n = ring.size();
  for (std::size_t i = 0; i < n; ++i) {
    const Point before = ring[i] - ring[(i + n - 1) % n];
    const Point after = ring[(i + 1) % n] - ring[i];
    const Point a = before * (1 / length(before));
    const Point b = after * (1 / length(after));
    const double sine = a.x * b.y - a.y * b.x;
    const Point normal_a{-a.y, a.x};
    const Point normal_b{-b.y, b.x};
    if (std::abs(sine) < 1e-6) {
      out.push_back(ring[i] + normal_a * inward);
    } else {
      const double scale = inward / (1 + dot(a, b));
      out.push_back(ring[i] + (normal_a + normal_b) * scale);
    }
  }
  return out;
}

}  // namespace plat::detail
