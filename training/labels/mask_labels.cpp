// SPDX-License-Identifier: Apache-2.0
#include "training/labels/mask_labels.hpp"

#include "geo/mask_values.hpp"
#include "postprocess/vectorize.hpp"

namespace plat {

LabelSet read_mask(const std::string& path) {
  const MaskValues mask = read_mask_values(path);
  const Grid& grid = mask.grid;
  LabelSet labels;
  labels.path = path;
  labels.in_pixels = !mask.georeferenced;
  labels.crs = grid.crs;
  labels.tells_classes = true;
  labels.from_mask = true;
  const auto placed = [&](const MultiPolygon& outline) {
    MultiPolygon out;
    for (const Polygon& part : outline) out.push_back(labels.in_pixels ? part : grid.to_world(part));
    return out;
  };
  labels.covered = labels.in_pixels ? Bounds{0, 0, static_cast<double>(grid.width), static_cast<double>(grid.height)}
                                    : grid.world_bounds();
  for (const auto& [value, parts] : vectorize(mask.values)) {
    if (value == kUnknownPixel) {
      labels.unknown.push_back(placed(parts));
      continue;
    }
    for (const Polygon& part : parts) labels.objects.push_back({placed({part}), std::to_string(value)});
  }
  return labels;
}

}  // namespace plat
