// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "synthesis/canvas.hpp"
#include "synthesis/random.hpp"
#include "synthesis/scene.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace plat::detail {

/// What the ground of a patch looks like: two colours mixed by clouds, fine grain, perhaps furrows.
struct Ground {
  Color base;
  Color other;
  double patch_m = 1.5;     ///< metres for each unit of the cloud that mixes the colours
  float mix = 0.3F;         ///< contrast of the mixing
  float grain = 0.06F;      ///< deviation of the fine grain
  double furrow_m = 0;      ///< distance of furrows or rows of plants; 0: none
  double furrow_angle = 0;  ///< direction in radians
  float furrow_gain = 0;    ///< contrast of furrows
};

enum class GroundKind {
  Grass,
  DryGrass,
  Soil,
  Concrete,
  Asphalt,
  Gravel,
  Vegetables,
  Crop,
  Ploughed,
  Stubble,
  Water,
  Scrub
};

struct GroundPatch {
  Ring outline;
  Ground ground;
  float height = 0;    ///< above the surroundings (a hedge, a wall); its edges cast shadows
  bool water = false;  ///< nothing stands in it
};

struct Street {
  std::vector<Point> centre;
  double width = 6;
  Ground surface;
  Ground sidewalk;
  double sidewalk_m = 0;  ///< width on each side
  bool marked = false;    ///< dashed centre line
};

enum class RoofShape { Flat, Shed, Gable, Hip };
enum class RoofMaterial { Concrete, Metal, Tile, Shingle, Membrane, Thatch, Plain };

/// A roof, or a thing on it: an outline with a surface above.
struct RoofPart {
  Ring outline;
  Frame frame;  ///< at the middle; ridges run along u
  double half_u = 0;
  double half_v = 0;
  double base = 0;  ///< height of its lowest edge
  RoofShape shape = RoofShape::Flat;
  double slope = 0;
  RoofMaterial material = RoofMaterial::Plain;
  Color color;
  float wear = 0.3F;  ///< stains, rust, patches: 0 new .. 1 old
  bool over = false;  ///< laid on what is there; else only where it is the highest
};

struct Building {
  Ring footprint;  ///< outline of the roof on the ground, before any lean
  double eave = 3;
  Color wall;
  std::vector<RoofPart> parts;
};

struct Tree {
  Point position;
  double radius = 2;
  double height = 5;
  Color color;
  uint64_t seed = 0;  ///< of its leaves
};

struct Car {
  Frame frame;  ///< u points ahead
  double half_length = 2.2;
  Color color;
};

/// All that stands in a scene, in the order in which it is painted within each list.
struct Plan {
  std::vector<GroundPatch> grounds;
  std::vector<Street> streets;
  std::vector<GroundPatch> walls;
  std::vector<Building> buildings;
  std::vector<Car> cars;
  std::vector<Tree> trees;
  std::vector<Ring> fields;
};

/// The bent street grid: plan coordinates (u along the streets, v across) to metres in the scene.
class Warp {
 public:
  Warp(const SceneStyle& style, double width_m, double height_m, Random& random);
  Point operator()(double u, double v) const;
  /// A right-angled frame at a place, turned as the grid is there.
  Frame frame(double u, double v) const;
  /// The image of a rectangle, its sides bent with the grid.
  Ring patch(double u0, double v0, double u1, double v1) const;
  /// The image of a rectangle's corners only.
  Ring quad(double u0, double v0, double u1, double v1) const;

 private:
  struct Wave {
    double amplitude;
    double frequency;
    double phase;
  };
  Point centre_;
  double cos_;
  double sin_;
  std::array<Wave, 2> along_;
  std::array<Wave, 2> across_;
};

/// A piece of land between streets, in plan coordinates.
struct Block {
  double u0 = 0;
  double v0 = 0;
  double u1 = 0;
  double v1 = 0;
  double density = 0;
};

/// What planning a part of a scene needs.
struct Planner {
  const SceneStyle& style;
  const Warp& warp;
  Random& random;
  Plan& plan;
};

Ground make_ground(GroundKind kind, double green, Random& random);
/// A tree of a colour and size that fits the scene.
Tree make_tree(const Point& position, double green, Random& random);
void scatter_trees(Planner& p, const Block& area, double count);
/// Heaps, crates and other things that lie about, at random places of an area.
void scatter_clutter(Planner& p, const Block& area, double count);
/// A low wall, fence or hedge along a line.
void add_wall(Planner& p, const Point& a, const Point& b, bool hedge);
void park_car(Planner& p, const Frame& frame);

/// One house: pitched or flat as the region builds, its front towards -v of the frame; `width` along u, `depth` along
/// v.
Building make_house(const Frame& frame, double width, double depth, const SceneStyle& style, Random& random);
/// A building that fills an outline up to the neighbours', as dense towns have them; sides given for its details.
Building make_town_building(const Ring& outline, const Frame& frame, double half_u, double half_v,
                            const SceneStyle& style, Random& random);
/// A hall, shop or factory.
Building make_hall(const Frame& frame, double width, double depth, const SceneStyle& style, Random& random);
/// The outline moved inward by a distance (outward when negative).
Ring inset(const Ring& ring, double distance);

void plan_detached_block(Planner& p, const Block& block);
void plan_touching_block(Planner& p, const Block& block);
void plan_industrial_block(Planner& p, const Block& block);
void plan_rural_block(Planner& p, const Block& block);
void plan_open_block(Planner& p, const Block& block);

/// Lays out streets and blocks and fills them.
Plan make_plan(const SceneStyle& style, double width_m, double height_m, uint64_t seed);

}  // namespace plat::detail
