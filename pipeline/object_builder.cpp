// SPDX-License-Identifier: Apache-2.0
#include "pipeline/object_builder.hpp"

#include "core/error.hpp"
#include "geo/crs.hpp"
#include "postprocess/regularize.hpp"
#include "postprocess/simplify.hpp"
#include "postprocess/vectorize.hpp"

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <map>
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

/// One object before its outline is made.
struct Draft {
  const InstancePatch* patch = nullptr;
  int32_t label = 0;
  MultiPolygon outline;
};

}  // namespace

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

  template <typename Shape>
  static MultiPolygon shaped(const MultiPolygon& outline, const LocalFrame& frame, const Shape& shape) {
    MultiPolygon out;
    for (const Polygon& part : outline) out.push_back(frame.to_pixels(shape(frame.to_metres(part))));
    return out;
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
        return is_valid(rounded((*to_wgs84)(part)));
      });
    } catch (const DataError&) {
      // A moved outline may leave the world (a scene that reaches the poles).
      return false;
    }
  }

  ExtractedObject finish(const Draft& draft) {
    const GroundMeasure& measure = measures.local();
    const LocalFrame frame = frame_at(draft.patch->window, measure);
    const double pixel_m2 = frame.metres_x * frame.metres_y;
    ExtractedObject object;
    if (area(draft.outline) * pixel_m2 < options.min_area_m2) return object;
    object.score = draft.patch->score[static_cast<std::size_t>(draft.label - 1)];

    const auto squared = [this](const Polygon& metres) {
      RegularizeOptions squaring;
      squaring.tolerance = options.regularize_m;
      return plat::regularize(metres, squaring);
    };
    const auto simplified = [this](const Polygon& metres) { return simplify(metres, options.simplify_m); };
    const bool moved = (options.regularize && place(object, shaped(draft.outline, frame, squared))) ||
                       (options.simplify_m > 0 && place(object, shaped(draft.outline, frame, simplified)));
    if (!moved) {
      // Rings that touch do so at corners of pixels that both have as vertices, which no transform pulls apart.
      object.pixel = draft.outline;
      object.world.clear();
      for (const Polygon& part : draft.outline) object.world.push_back(grid.to_world(part));
    }
    for (std::size_t i = 0; i < object.world.size(); ++i) {
      object.area_m2 += options.assumed_gsd_m ? area(object.pixel[i]) * pixel_m2 : measure.area_m2(object.world[i]);
    }
    return object;
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

std::vector<ExtractedObject> ObjectBuilder::build(std::span<const InstancePatch> patches) const {
  std::vector<ExtractedObject> objects;
  // Isolated: a thread that waits here must not take up a tile, which would hold the caller up for its inference.
  tbb::this_task_arena::isolate([&] {
    std::vector<std::map<int32_t, MultiPolygon>> outlines(patches.size());
    tbb::parallel_for(std::size_t{0}, patches.size(), [&](std::size_t i) {
      outlines[i] = vectorize(patches[i].labels, patches[i].window.col, patches[i].window.row);
    });
    std::vector<Draft> drafts;
    for (std::size_t i = 0; i < patches.size(); ++i) {
      for (auto& [label, outline] : outlines[i]) drafts.push_back({&patches[i], label, std::move(outline)});
    }
    objects.resize(drafts.size());
    tbb::parallel_for(std::size_t{0}, drafts.size(), [&](std::size_t i) { objects[i] = impl_->finish(drafts[i]); });
  });
  std::erase_if(objects, [](const ExtractedObject& object) { return object.world.empty(); });
  return objects;
}

}  // namespace plat
