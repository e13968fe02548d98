// SPDX-License-Identifier: Apache-2.0
#include "synthesis/plan.hpp"

#include "synthesis/noise.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace plat::detail {
namespace {

constexpr double kPi = std::numbers::pi;

/// How built-up the surroundings of a place are, 0..1.
class DensityMap {
 public:
  DensityMap(const SceneStyle& style, Random& random)
      : style_(style), shift_{random.uniform(0, 512), random.uniform(0, 512)} {}
  double operator()(const Point& p) const {
    // One cloud unit is 1.5 m, so that town and country change over some hundred metres.
    const double cloud = static_cast<double>(NoiseTiles::get().cloud(p.x / 1.5 + shift_.x, p.y / 1.5 + shift_.y));
    return std::clamp(style_.density + style_.density_spread * cloud, 0.0, 1.0);
  }

 private:
  const SceneStyle& style_;
  Point shift_;
};

Street make_street(const SceneStyle& style, double width, bool main, Random& random) {
  Street street;
  street.width = width;
  const bool paved_region = style.region == Region::Suburb || style.region == Region::EuropeanTown;
  const double paved = main ? 0.9 : paved_region ? 0.95 : style.region == Region::Village ? 0.1 : 0.5;
  if (random.chance(paved)) {
    street.surface = make_ground(random.chance(0.8) ? GroundKind::Asphalt : GroundKind::Concrete, style.green, random);
    if (width > 6) {
      street.sidewalk = make_ground(GroundKind::Concrete, style.green, random);
      street.sidewalk_m = random.chance(paved_region ? 0.8 : 0.4) ? random.uniform(1, 2.4) : 0;
    }
    street.marked = width > 8 && paved_region && random.chance(0.7);
  } else {
    street.surface = make_ground(random.chance(0.6) ? GroundKind::Soil : GroundKind::Gravel, style.green, random);
  }
  return street;
}

void line_with_cars_and_trees(Planner& p, const Street& street, double car_share, double tree_share) {
  for (std::size_t i = 0; i + 1 < street.centre.size(); ++i) {
    const Point along = street.centre[i + 1] - street.centre[i];
    const double angle = std::atan2(along.y, along.x);
    for (const double side : {-1.0, 1.0}) {
      const Frame frame = Frame::facing(street.centre[i], angle);
      if (street.width > 5 && p.random.chance(car_share)) {
        const bool parked = p.random.chance(0.7);
        const double offset = side * (parked ? street.width / 2 - 1.1 : street.width / 4);
        park_car(p, {frame(p.random.uniform(0, 2), offset), frame.u, frame.v});
      }
      if (p.random.chance(tree_share)) {
        const Point at = frame(p.random.uniform(0, 3), side * (street.width / 2 + street.sidewalk_m + 0.8));
        p.plan.trees.push_back(make_tree(at, p.style.green, p.random));
      }
    }
  }
}

void fill_block(Planner& p, const Block& block) {
  const double draw = p.random.uniform();
  const double area = (block.u1 - block.u0) * (block.v1 - block.v0);
  if (block.density < 0.3) return plan_rural_block(p, block);
  if (draw < p.style.industry && area > 1500) return plan_industrial_block(p, block);
  if (draw > 0.93) return plan_open_block(p, block);
  switch (p.style.region) {
    case Region::Suburb:
    case Region::Village: return plan_detached_block(p, block);
    case Region::EuropeanTown:
    case Region::DenseTown:
    case Region::DryTown: return block.density < 0.45 ? plan_detached_block(p, block) : plan_touching_block(p, block);
  }
}

}  // namespace

Warp::Warp(const SceneStyle& style, double width_m, double height_m, Random& random)
    : centre_{width_m / 2, height_m / 2},
      cos_(std::cos(style.street_angle_deg * kPi / 180)),
      sin_(std::sin(style.street_angle_deg * kPi / 180)) {
  // A long wave bends whole streets, a short one makes plots irregular; slopes stay below 0.3, so that the grid never
  // folds and right-angled houses still fit their plots.
  const auto wave = [&](double shortest, double longest, double slope) {
    const double wavelength = random.uniform(shortest, longest);
    return Wave{slope * wavelength / (2 * kPi), 2 * kPi / wavelength, random.uniform(0, 2 * kPi)};
  };
  for (auto* waves : {&along_, &across_}) {
    (*waves)[0] = wave(250, 500, 0.2 * style.street_curvature * random.uniform());
    (*waves)[1] = wave(60, 130, 0.1 * style.street_curvature * random.uniform());
  }
}

Point Warp::operator()(double u, double v) const {
  double a = u;
  double b = v;
  for (const Wave& wave : along_) a += wave.amplitude * std::sin(wave.frequency * v + wave.phase);
  for (const Wave& wave : across_) b += wave.amplitude * std::sin(wave.frequency * u + wave.phase);
  return {centre_.x + cos_ * a - sin_ * b, centre_.y + sin_ * a + cos_ * b};
}

Frame Warp::frame(double u, double v) const {
  const Warp& self = *this;
  const Point along = self(u + 1, v) - self(u - 1, v);
  const Point across = self(u, v + 1) - self(u, v - 1);
  // The mean of both directions' turns keeps a house square to street and neighbours alike.
  const double angle = std::atan2(along.y - across.x, along.x + across.y);
  return Frame::facing(self(u, v), angle);
}

Ring Warp::patch(double u0, double v0, double u1, double v1) const {
  Ring ring;
  const auto side = [&](double ua, double va, double ub, double vb) {
    const int steps = std::max(1, static_cast<int>(std::hypot(ub - ua, vb - va) / 6));
    for (int i = 0; i < steps; ++i) {
      const double t = static_cast<double>(i) / steps;
      ring.push_back((*this)(ua + (ub - ua) * t, va + (vb - va) * t));
    }
  };
  side(u0, v0, u1, v0);
  side(u1, v0, u1, v1);
  side(u1, v1, u0, v1);
  side(u0, v1, u0, v0);
  return ring;
}

Ring Warp::quad(double u0, double v0, double u1, double v1) const {
  return {(*this)(u0, v0), (*this)(u1, v0), (*this)(u1, v1), (*this)(u0, v1)};
}

Plan make_plan(const SceneStyle& style, double width_m, double height_m, uint64_t seed) {
  Random random(seed);
  Plan plan;
  const Warp warp(style, width_m, height_m, random);
  const DensityMap density(style, random);
  Planner p{style, warp, random, plan};

  const double reach = std::hypot(width_m, height_m) / 2 + 40;
  const auto in_view = [&](const Block& b) {
    const double margin = 0.75 * std::hypot(b.u1 - b.u0, b.v1 - b.v0) + 10;
    const Point middle = warp((b.u0 + b.u1) / 2, (b.v0 + b.v1) / 2);
    return middle.x > -margin && middle.y > -margin && middle.x < width_m + margin && middle.y < height_m + margin;
  };
  const bool touching =
      style.region == Region::DenseTown || style.region == Region::DryTown || style.region == Region::EuropeanTown;
  const double depth_mean = style.density < 0.35 ? 95 : touching ? 44 : 62;

  plan.grounds.push_back(
      {{{-50, -50}, {width_m + 50, -50}, {width_m + 50, height_m + 50}, {-50, height_m + 50}},
       make_ground(style.green > 0.4 ? GroundKind::Grass : GroundKind::DryGrass, style.green, random)});
  double v = -reach - random.uniform(0, depth_mean);
  while (v < reach) {
    const bool main = random.chance(0.25);
    const double width = main ? random.uniform(8, 13) : touching ? random.uniform(3, 7) : random.uniform(5, 8);
    Street street = make_street(style, width, main, random);
    for (double u = -reach; u <= reach; u += 4) street.centre.push_back(warp(u, v));
    const double verge = street.width / 2 + street.sidewalk_m;
    const double v0 = v + verge;
    const double v1 = v0 + depth_mean * random.uniform(0.7, 1.4);
    line_with_cars_and_trees(p, street, 0.12 * style.density, 0.12 * style.green);
    plan.streets.push_back(std::move(street));

    double u = -reach - random.uniform(0, 100);
    while (u < reach) {
      const double u1 = u + depth_mean * random.uniform(0.8, 3.0);
      Block block{u, v0, u1, v1, density(warp((u + u1) / 2, (v0 + v1) / 2))};
      double gap = touching ? random.uniform(1.5, 6) : random.uniform(4, 7);
      if (block.density < 0.3 && random.chance(0.6)) gap = 0.6;
      if (in_view(block)) {
        if (gap > 1) {
          Street cross = make_street(style, gap, false, random);
          for (double w = v0 - verge; w <= v1 + 6; w += 4) cross.centre.push_back(warp(u1 + gap / 2, w));
          cross.sidewalk_m = 0;
          plan.streets.push_back(std::move(cross));
        }
        fill_block(p, block);
      }
      u = u1 + gap;
    }
    v = v1 + (touching ? 3.5 : 4) + 2;
  }
  for (Tree& tree : plan.trees) tree.seed = ++seed;
  return plan;
}

}  // namespace plat::detail
