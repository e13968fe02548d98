// SPDX-License-Identifier: Apache-2.0
#include "pipeline/object_stream.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "postprocess/drawn_outlines.hpp"
#include "postprocess/instances.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace plat {
namespace {

/// Corners may leave the outline by some tolerances, edges by one.
constexpr double kOutlineReach = 16;

ObjectBuilderOptions shape_of(const ClassPlan& c, const WorkPlan& plan, const ObjectOptions& options) {
  ObjectBuilderOptions shape;
  shape.min_area_m2 = c.thresholds.min_area_m2;
  shape.simplify_m = options.simplify_m.value_or(kSimplifyPixels * plan.gsd_m);
  shape.regularize = options.regularize.value_or(c.squared);
  shape.regularize_m = options.regularize_m.value_or(kRegularizePixels * plan.gsd_m);
  shape.assumed_gsd_m = plan.assumed_gsd_m;
  return shape;
}

/// The objects of one class on their way.
struct ClassStream {
  int64_t first_band;
  ObjectBuilder builder;
  double reach_px;                     ///< how far an outline may leave its region, generously
  std::vector<InstancePatch> pending;  ///< regions that are complete but not yet drawn
  DrawnOutlines drawn;
  InstanceStream instances;
  int64_t forgotten_row = 0;  ///< outlines above it are forgotten already, as far as no open region needs them

  ClassStream(const Grid& grid, const ClassPlan& c, const ObjectBuilderOptions& shape, const WorkPlan& plan,
              int64_t witnesses, std::function<void(InstancePatch&&)> sink)
      : first_band(c.first_band / kMapsPerClass * (kMapsPerClass + witnesses)),
        builder(grid, shape),
        reach_px(kOutlineReach * std::max(shape.simplify_m, shape.regularize ? shape.regularize_m : 0.0) / plan.gsd_m),
        instances(grid.width, c.thresholds, std::move(sink), plan.limits, witnesses) {}

  void forget_outlines() {
    if (instances.first_new_row() == forgotten_row) return;
    forgotten_row = instances.first_new_row();
    drawn.forget_above(static_cast<double>(forgotten_row), instances.open_windows(), reach_px);
  }
};

}  // namespace

void ObjectOptions::validate() const {
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  constexpr int64_t kLargestTile = 1 << 20;  // its memory can still be told in 64 bits
  require(!tile_size || (*tile_size > 0 && *tile_size <= kLargestTile),
          "--tile-size must lie between 1 and " + std::to_string(kLargestTile) + " pixels.");
  require(!overlap || *overlap >= 0, "--overlap must be 0 pixels or more.");
  require(!tile_size || !overlap || *overlap < *tile_size, "--overlap must be less than --tile-size.");
  require(!threshold || (*threshold > 0 && *threshold < 1), "--threshold must lie between 0 and 1.");
  require(!min_area_m2 || (*min_area_m2 >= 0 && std::isfinite(*min_area_m2)),
          "--min-area must be 0 square metres or more.");
  require(!min_score || (*min_score >= 0 && *min_score <= 1), "--min-score must lie between 0 and 1.");
  require(!close_gap_m || *close_gap_m >= 0, "--close-gaps must be 0 metres or more.");
  require(!simplify_m || *simplify_m >= 0, "--simplify must be 0 metres or more.");
  require(!regularize_m || *regularize_m > 0, "--regularize must be more than 0 metres.");
}

struct ObjectStream::Impl {
  Impl(const Grid& grid, const WorkPlan& plan, const ObjectOptions& options, Sink object_sink, int64_t witnesses)
      : sink(std::move(object_sink)), most_pending(plan.pending_pixels) {
    for (std::size_t i = 0; i < plan.classes.size(); ++i) {
      const ClassPlan& c = plan.classes[i];
      classes.push_back(std::make_unique<ClassStream>(grid, c, shape_of(c, plan, options), plan, witnesses,
                                                      [this, i](InstancePatch&& patch) { take(i, std::move(patch)); }));
    }
  }

  void take(std::size_t class_index, InstancePatch&& patch) {
    pending_pixels += patch.window.pixel_count() + kPixelsPerRegion;
    classes[class_index]->pending.push_back(std::move(patch));
    if (pending_pixels >= most_pending) draw();
  }

  void draw() {
    for (std::size_t i = 0; i < classes.size(); ++i) {
      ClassStream& c = *classes[i];
      std::vector<ExtractedObject> objects = c.builder.build(c.pending);
      c.pending.clear();
      for (ExtractedObject& object : objects) {
        throw_if_cancelled();
        if (const auto apart = c.drawn.kept_apart(object.pixel)) c.builder.redraw(object, *apart);
        c.drawn.add(object.pixel);
        sink(i, std::move(object));
      }
    }
    pending_pixels = 0;
  }

  Sink sink;
  int64_t most_pending;
  std::vector<std::unique_ptr<ClassStream>> classes;
  int64_t pending_pixels = 0;
};

ObjectStream::ObjectStream(const Grid& grid, const WorkPlan& plan, const ObjectOptions& options, Sink sink,
                           int64_t witnesses)
    : impl_(std::make_unique<Impl>(grid, plan, options, std::move(sink), witnesses)) {}

ObjectStream::~ObjectStream() = default;

void ObjectStream::add(const MapBlock& block) {
  for (auto& c : impl_->classes) c->instances.add(block, c->first_band);
}

void ObjectStream::draw() {
  impl_->draw();
  for (auto& c : impl_->classes) c->forget_outlines();
}

void ObjectStream::finish() {
  for (auto& c : impl_->classes) c->instances.finish();
  impl_->draw();
}

}  // namespace plat
