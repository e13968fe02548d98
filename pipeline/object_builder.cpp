// SPDX-License-Identifier: Apache-2.0
#include "pipeline/object_builder.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "geo/crs.hpp"
#include "postprocess/coverage.hpp"
#include "postprocess/validity.hpp"
#include "postprocess/vectorize.hpp"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// A frame of metres on the ground round one place of the scene: x = (col - col0) * metres_x, y down likewise.
struct LocalFrame {
  double col0 = 0;
  double row0 = 0;
  double metres_x = 1;
  double metres_y = 1;

  Polygon to_metres(const Polygon& pixel) const {
    return mapped(pixel, [this](const Point& p) { return Point{(p.x - col0) * metres_x, (p.y - row0) * metres_y}; });
  }
  Polygon to_pixels(const Polygon& metres) const {
    return mapped(metres, [this](const Point& p) { return Point{p.x / metres_x + col0, p.y / metres_y + row0}; });
  }

 private:
  template <typename Map>
  static Polygon mapped(const Polygon& polygon, const Map& map) {
    const auto ring = [&map](const Ring& from) {
      Ring to(from.size());
      std::transform(from.begin(), from.end(), to.begin(), map);
      return to;
    };
    Polygon out{ring(polygon.exterior), {}};
    for (const Ring& hole : polygon.holes) out.holes.push_back(ring(hole));
    return out;
  }
};

bool boxes_meet(const MultiPolygon& polygons) {
  for (std::size_t i = 0; i < polygons.size(); ++i) {
    for (std::size_t j = i + 1; j < polygons.size(); ++j) {
      if (bounds(polygons[i]).intersects(bounds(polygons[j]))) return true;
    }
  }
  return false;
}

std::optional<CrsTransform> transform_to_wgs84(const Crs& crs) {
  if (crs.empty()) return std::nullopt;
  try {
    return CrsTransform(crs, Crs::wgs84());
  } catch (const DataError&) {
    return std::nullopt;
  }
}

/// A polygon as it will be read from a GeoJSON: seven decimals, in units of the last; holes that this closes are gone.
Polygon rounded(const Polygon& degrees) {
  const auto ring = [](const Ring& from) {
    Ring to;
    for (const Point& p : from) {
      const Point position{std::round(p.x * 1e7), std::round(p.y * 1e7)};
      if (to.empty() || !(to.back() == position)) to.push_back(position);
    }
    while (to.size() > 1 && to.back() == to.front()) to.pop_back();
    return to;
  };
  Polygon out{ring(degrees.exterior), {}};
  for (const Ring& hole : degrees.holes) {
    Ring kept = ring(hole);
    if (kept.size() >= 3) out.holes.push_back(std::move(kept));
  }
  return out;
}

}  // namespace

std::string ExtractedObject::outline_text() const {
  static constexpr std::array kKinds{"squared", "simplified", "pixels"};
  static constexpr std::array kReasons{"", " (shape)", " (neighbour)", " (place)"};
  return std::string(kKinds[static_cast<std::size_t>(kind)]) + kReasons[static_cast<std::size_t>(reason)];
}

struct ObjectBuilder::Impl {
  Impl(const Grid& scene_grid, const ObjectBuilderOptions& builder_options)
      : grid(scene_grid),
        options(builder_options),
        measures([crs = scene_grid.crs] { return GroundMeasure(crs); }),
        transforms([crs = scene_grid.crs] { return transform_to_wgs84(crs); }) {}

  LocalFrame frame_at(const Window& window, const GroundMeasure& measure) const {
    LocalFrame frame{static_cast<double>(window.col), static_cast<double>(window.row), 1, 1};
    if (options.assumed_gsd_m) {
      frame.metres_x = frame.metres_y = *options.assumed_gsd_m;
      return frame;
    }
    const double col = frame.col0 + 0.5 * static_cast<double>(window.width);
    const double row = frame.row0 + 0.5 * static_cast<double>(window.height);
    const Affine& world = grid.world_from_pixel;
    frame.metres_x = measure.distance_m(world({col - 0.5, row}), world({col + 0.5, row}));
    frame.metres_y = measure.distance_m(world({col, row - 0.5}), world({col, row + 0.5}));
    return frame;
  }

  /// Outlines of touching objects are moved together: they keep their common walls.
  std::vector<Outline> moved(std::span<const Polygon> metres) const {
    if (!options.regularize) return simplify_together(metres, options.simplify_m);
    RegularizeOptions squaring;
    squaring.tolerance = options.regularize_m;
    return regularize_together(metres, squaring);
  }

  /// Puts an outline in its place, if it lies in the world and stays valid there and in the coordinates of a GeoJSON.
  bool place(ExtractedObject& object, const MultiPolygon& outline) {
    // Parts of one object may touch at a corner; moved outlines of such parts could overlap.
    if (outline.size() > 1 && boxes_meet(outline)) return false;
    try {
      object.pixel = outline;
      object.world.clear();
      for (const Polygon& part : outline) {
        object.world.push_back(grid.to_world(part));
        if (!is_valid(object.world.back())) return false;
      }
      const std::optional<CrsTransform>& to_wgs84 = transforms.local();
      if (!to_wgs84) return true;
      return std::ranges::all_of(object.world, [&](const Polygon& part) {
        // Checked whatever the output's format, so that all formats hold the same polygons.
        const Polygon degrees = (*to_wgs84)(part);
        const auto in_world = [](const Point& p) { return std::abs(p.y) <= 90; };
        return std::ranges::all_of(degrees.exterior, in_world) && is_valid(rounded(degrees));
      });
    } catch (const DataError&) {
      // A moved outline may leave the world (a scene that reaches the poles).
      return false;
    }
  }

  void place_exactly(ExtractedObject& object, const MultiPolygon& outline) const {
    object.pixel = outline;
    object.world.clear();
    for (const Polygon& part : outline) object.world.push_back(grid.to_world(part));
  }

  std::vector<ExtractedObject> objects_of(const InstancePatch& patch) {
    throw_if_cancelled();
    const LocalFrame frame = frame_at(patch.window, measures.local());
    const double pixel_m2 = frame.metres_x * frame.metres_y;
    std::vector<ExtractedObject> objects;
    std::vector<MultiPolygon> exact;
    std::vector<Polygon> parts;
    std::vector<uint8_t> is_texture;
    for (auto& [label, outline] : vectorize(patch.labels, patch.window.col, patch.window.row)) {
      if (area(outline) * pixel_m2 < options.min_area_m2) continue;
      const auto at = static_cast<std::size_t>(label - 1);
      ExtractedObject& object = objects.emplace_back();
      object.score = patch.score[at];
      for (const std::vector<Testimony>& witness : patch.witnesses) object.witnesses.push_back(witness[at]);
      // Texture has no shape that lines could follow, and would take as many comparisons as it has pairs of holes.
      const bool texture = corner_count(outline) > kMostCorners;
      if (texture) {
        object.kind = OutlineKind::Pixels;
        object.reason = OutlineReason::Shape;
      } else {
        for (const Polygon& part : outline) parts.push_back(frame.to_metres(part));
      }
      is_texture.push_back(texture ? 1 : 0);
      exact.push_back(outline);
    }
    const std::vector<Outline> drawn = moved(parts);
    std::vector<MultiPolygon> shaped;
    auto part = drawn.begin();
    for (std::size_t i = 0; i < exact.size(); ++i) {
      MultiPolygon& shape = shaped.emplace_back();
      if (is_texture[i] != 0) continue;
      for (std::size_t k = 0; k < exact[i].size(); ++k, ++part) {
        shape.push_back(frame.to_pixels(part->polygon));
        if (k > 0 && part->kind <= objects[i].kind) continue;
        objects[i].kind = part->kind;
        objects[i].reason = part->reason;
      }
    }
    tbb::parallel_for(std::size_t{0}, objects.size(), [&](std::size_t i) {
      throw_if_cancelled();
      ExtractedObject& object = objects[i];
      if (is_texture[i] != 0) {
        place_exactly(object, exact[i]);
        return measure_area(object);
      }
      // Rings that touch do so at corners of pixels that both have as vertices, which no transform pulls apart.
      if (!place(object, shaped[i])) {
        place_exactly(object, exact[i]);
        object.kind = OutlineKind::Pixels;
        object.reason = OutlineReason::Place;
      }
      measure_area(object);
    });
    return objects;
  }

  void measure_area(ExtractedObject& object) {
    const GroundMeasure& measure = measures.local();
    object.area_m2 = 0;
    for (std::size_t k = 0; k < object.world.size(); ++k) {
      object.area_m2 += options.assumed_gsd_m ? area(object.pixel[k]) * *options.assumed_gsd_m * *options.assumed_gsd_m
                                              : measure.area_m2(object.world[k]);
    }
  }

  Grid grid;
  ObjectBuilderOptions options;
  tbb::enumerable_thread_specific<GroundMeasure> measures;
  /// Unset where there is no CRS, or one that is not of this Earth.
  tbb::enumerable_thread_specific<std::optional<CrsTransform>> transforms;
};

ObjectBuilder::ObjectBuilder(const Grid& grid, const ObjectBuilderOptions& options)
    : impl_(std::make_unique<Impl>(grid, options)) {}
ObjectBuilder::~ObjectBuilder() = default;

void ObjectBuilder::redraw(ExtractedObject& object, const MultiPolygon& outline) const {
  ExtractedObject redrawn = object;
  if (!impl_->place(redrawn, outline)) return;
  redrawn.reason = OutlineReason::Neighbour;
  impl_->measure_area(redrawn);
  object = std::move(redrawn);
}

std::vector<ExtractedObject> ObjectBuilder::build(std::span<const InstancePatch> patches) const {
  std::vector<std::vector<ExtractedObject>> objects(patches.size());
  // Isolated: a thread that waits here must not take up a tile, which would hold the caller up for its inference.
  tbb::this_task_arena::isolate([&] {
    tbb::parallel_for(std::size_t{0}, patches.size(),
                      [&](std::size_t i) { objects[i] = impl_->objects_of(patches[i]); });
  });
  std::vector<ExtractedObject> all;
  for (auto& some : objects) std::ranges::move(some, std::back_inserter(all));
  return all;
}

}  // namespace plat
