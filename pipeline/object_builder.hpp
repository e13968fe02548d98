// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/geometry.hpp"
#include "geo/grid.hpp"
#include "postprocess/instances.hpp"
#include "postprocess/outline.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace plat {

/// How far outlines may move where nothing else is asked for, in pixels: enough for the staircase of a pixel outline to
/// become a wall, and for the roughness that a network's maps have.
inline constexpr double kSimplifyPixels = 1.25;
inline constexpr double kRegularizePixels = 2;

/// How the pixels of an object become its outline.
struct ObjectBuilderOptions {
  double min_area_m2 = 0;     ///< smaller objects are dropped, >= 0
  bool regularize = true;     ///< square the outlines; else only simplify them
  double regularize_m = 0.6;  ///< how far squaring may move an edge, > 0
  double simplify_m = 0.4;    ///< how far simplification may move an outline, >= 0; 0 keeps the pixels' edges
  /// Side of a pixel in metres where the grid cannot tell it (no CRS, no georeferencing).
  std::optional<double> assumed_gsd_m;
};

/// An object ready to be written.
struct ExtractedObject {
  MultiPolygon pixel;                       ///< outline in the scene's pixel frame
  MultiPolygon world;                       ///< the same in world coordinates
  double area_m2 = 0;                       ///< on the ground
  double score = 0;                         ///< 0..1
  std::vector<Testimony> witnesses;         ///< what each tells of it
  OutlineKind kind = OutlineKind::Squared;  ///< of a part that is drawn least as it was wished for
  OutlineReason reason = OutlineReason::None;

  /// Both for people: "squared", "simplified (shape)", …
  std::string outline_text() const;
};

/// Makes polygons of the objects in regions: exact outline, squared or simplified in a local frame of metres on the
/// ground (so that a right angle is one on the ground whatever the CRS), then carried to world coordinates and measured.
/// Works on many objects at once; the order and the result do not depend on threads. Thread-safe.
class ObjectBuilder {
 public:
  ObjectBuilder(const Grid& grid, const ObjectBuilderOptions& options);
  ~ObjectBuilder();
  /// The objects of some regions that are large enough, region by region, in order of their labels.
  std::vector<ExtractedObject> build(std::span<const InstancePatch> patches) const;
  /// Gives an object another outline, in the scene's pixel frame, where that has a valid place in the world.
  void redraw(ExtractedObject& object, const MultiPolygon& outline) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
