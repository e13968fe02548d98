// SPDX-License-Identifier: Apache-2.0
#include "training/labels/labels_on_scene.hpp"

#include "core/error.hpp"
#include "geo/bounds_index.hpp"
#include "geo/overlay.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace plat {
namespace {

/// The smallest window of pixels that holds a rectangle, cut to the grid.
Window pixel_window(const Grid& grid, const Bounds& pixels) {
  // A thousandth of a pixel of tolerance, so that rounding in a transform does not add a row.
  const auto low = [](double value) { return static_cast<int64_t>(std::floor(value + 1e-3)); };
  const auto high = [](double value) { return static_cast<int64_t>(std::ceil(value - 1e-3)); };
  const Bounds inside = {std::max(pixels.min_x, -1.0), std::max(pixels.min_y, -1.0),
                         std::min(pixels.max_x, static_cast<double>(grid.width) + 1),
                         std::min(pixels.max_y, static_cast<double>(grid.height) + 1)};
  if (inside.empty()) return {};
  return intersect({low(inside.min_x), low(inside.min_y), high(inside.max_x) - low(inside.min_x),
                    high(inside.max_y) - low(inside.min_y)},
                   grid.window());
}

/// From the coordinates of a set of labels to the pixels of a scene.
class Placement {
 public:
  Placement(const LabelSet& labels, const SceneFrame& scene) : grid_(scene.grid) {
    if (labels.in_pixels) {
      if (!scene.world_from_file)
        throw DataError("labels in pixels need an image with a plain transform; warp the image first (gdalwarp)");
      if (labels.covered && (std::llround(labels.covered->max_x) != scene.file_width ||
                             std::llround(labels.covered->max_y) != scene.file_height)) {
        throw DataError("the mask has " + std::to_string(std::llround(labels.covered->max_x)) + " x " +
                        std::to_string(std::llround(labels.covered->max_y)) + " pixels, the image " +
                        std::to_string(scene.file_width) + " x " + std::to_string(scene.file_height));
      }
      world_from_file_ = *scene.world_from_file;
    } else if (!scene.georeferenced) {
      throw DataError(
          "map coordinates cannot be placed on an image without georeference; label it in pixels (COCO, VIA, masks)");
    } else if (labels.crs.empty() != scene.grid.crs.empty()) {
      throw DataError(labels.crs.empty() ? "the labels name no CRS: add one to the file or say which with --labels-crs"
                                         : "the image names no CRS: say which with --assign-crs");
    } else if (!labels.crs.empty()) {
      transform_.emplace(labels.crs, scene.grid.crs);
      back_.emplace(scene.grid.crs, labels.crs);
    }
  }

  MultiPolygon operator()(const MultiPolygon& geometry) const {
    MultiPolygon out;
    for (const Polygon& part : geometry) {
      Polygon world = transform_ ? (*transform_)(part) : part;
      if (world_from_file_) {
        for (Point& p : world.exterior) p = (*world_from_file_)(p);
        for (Ring& hole : world.holes) {
          for (Point& p : hole) p = (*world_from_file_)(p);
        }
      }
      out.push_back(grid_.to_pixel(world));
    }
    return out;
  }

  Bounds operator()(const Bounds& box) const {
    if (transform_) return bounds(grid_.to_pixel(to_polygon((*transform_)(box))));
    return bounds((*this)(MultiPolygon{to_polygon(box)}));
  }

  /// A rectangle of the labels' coordinates outside which nothing lies on the scene, with room for curved edges.
  Bounds reach() const {
    Bounds box = grid_.world_bounds();
    if (world_from_file_) {
      const Affine back = world_from_file_->inverse();
      box = bounds(Ring{back({box.min_x, box.min_y}), back({box.max_x, box.min_y}), back({box.max_x, box.max_y}),
                        back({box.min_x, box.max_y})});
    }
    if (back_) box = (*back_)(box);
    const double width = (box.max_x - box.min_x) / 20;
    const double height = (box.max_y - box.min_y) / 20;
    return {box.min_x - width, box.min_y - height, box.max_x + width, box.max_y + height};
  }

 private:
  const Grid& grid_;
  std::optional<Affine> world_from_file_;
  std::optional<CrsTransform> transform_;
  std::optional<CrsTransform> back_;
};

/// Takes objects out that are there twice, and counts those that share ground.
void check_overlaps(PlacedLabels& placed) {
  std::vector<Bounds> boxes;
  for (const MultiPolygon& object : placed.objects) boxes.push_back(bounds(object));
  const BoundsIndex index(boxes);
  std::vector<char> twice(placed.objects.size());
  std::vector<char> overlapping(placed.objects.size());
  for (std::size_t i = 0; i < placed.objects.size(); ++i) {
    if (twice[i] != 0) continue;
    for (const int64_t other : index.find(boxes[i])) {
      const auto j = static_cast<std::size_t>(other);
      if (j <= i || twice[j] != 0) continue;
      const double first = area(placed.objects[i]);
      const double second = area(placed.objects[j]);
      const double common = intersection_area(placed.objects[i], placed.objects[j]);
      if (common > 0.95 * std::max(first, second)) {
        twice[j] = 1;
      } else if (common > 0.1 * std::min(first, second)) {
        overlapping[i] = overlapping[j] = 1;
      }
    }
  }
  placed.counts.duplicates = std::count(twice.begin(), twice.end(), 1);
  placed.counts.overlapping = std::count(overlapping.begin(), overlapping.end(), 1);
  std::vector<MultiPolygon> once;
  for (std::size_t i = 0; i < placed.objects.size(); ++i) {
    if (twice[i] == 0) once.push_back(std::move(placed.objects[i]));
  }
  placed.objects = std::move(once);
}

}  // namespace

void LabelCounts::add(const LabelCounts& other) {
  outside += other.outside;
  repaired += other.repaired;
  lost += other.lost;
  duplicates += other.duplicates;
  overlapping += other.overlapping;
  tiny += other.tiny;
  frames += other.frames;
}

PlacedLabels place_labels(const std::vector<std::shared_ptr<const LabelSet>>& labels, const ClassChoice& choice,
                          const SceneFrame& scene, bool own, double gsd_m) {
  PlacedLabels placed;
  LabelCounts& counts = placed.counts;
  const Bounds frame = {0, 0, static_cast<double>(scene.grid.width), static_cast<double>(scene.grid.height)};
  const double scale = scene.gsd_m / gsd_m;
  Bounds covered;
  for (const auto& set : labels) {
    const Placement place(*set, scene);
    const Bounds reach = place.reach();
    Bounds drawn;
    for (const LabelObject& object : set->objects) {
      const Bounds box = bounds(object.geometry);
      drawn.add(box);
      if (!choice.takes(*set, object)) continue;
      bool inside = false;
      if (box.intersects(reach)) {
        MultiPolygon pixels = place(object.geometry);
        if (bounds(pixels).intersects(frame)) {
          inside = true;
          if (!is_valid(pixels)) {
            pixels = make_valid(pixels);
            ++(pixels.empty() ? counts.lost : counts.repaired);
          }
          for (Polygon& part : pixels) {
            if (!bounds(part).intersects(frame)) continue;
            const double pixels_of_model = area(part) * scale * scale;
            if (pixels_of_model < 4) ++counts.tiny;
            if (area(part) > 0.9 * frame.max_x * frame.max_y && set->objects.size() > 1) ++counts.frames;
            placed.objects.push_back({std::move(part)});
          }
        }
      }
      if (own && !inside) ++counts.outside;
    }
    for (const MultiPolygon& region : set->unknown) {
      if (bounds(region).intersects(reach)) placed.unknown.push_back(place(region));
    }
    if (set->covered) drawn = *set->covered;
    // Only the part near the scene: what is far away may have no place in the scene's CRS.
    const Bounds near = {std::max(drawn.min_x, reach.min_x), std::max(drawn.min_y, reach.min_y),
                         std::min(drawn.max_x, reach.max_x), std::min(drawn.max_y, reach.max_y)};
    if (!own && !drawn.empty() && !near.empty()) covered.add(place(near));
  }
  check_overlaps(placed);
  placed.covered = own ? scene.grid.window() : pixel_window(scene.grid, covered);
  return placed;
}

}  // namespace plat
