// SPDX-License-Identifier: Apache-2.0
#include "training/data/validation_areas.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"
#include "training/samples/crop_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kCell = 16;  // pixels of the scene: validation pixels no farther apart lie together

/// The bounds of the validation pixels in each cell of a scene; empty where it has none.
Image<Bounds> validation_cells(const LabelledScene& scene) {
  Image<Bounds> cells((scene.width() + kCell - 1) / kCell, (scene.height() + kCell - 1) / kCell);
  for (int64_t row = 0; row < scene.height(); ++row) {
    for (int64_t col = 0; col < scene.width(); ++col) {
      if (scene.use.at(col, row) != static_cast<uint8_t>(PixelUse::Validate)) continue;
      Bounds& cell = cells.at(col / kCell, row / kCell);
      cell.add(Point{static_cast<double>(col), static_cast<double>(row)});
      cell.add(Point{static_cast<double>(col + 1), static_cast<double>(row + 1)});
    }
  }
  return cells;
}

/// The bounds of each group of neighbouring cells; takes the cells out.
std::vector<Bounds> groups(Image<Bounds> cells) {
  std::vector<Bounds> out;
  for (int64_t row = 0; row < cells.height(); ++row) {
    for (int64_t col = 0; col < cells.width(); ++col) {
      if (cells.at(col, row).empty()) continue;
      Bounds& box = out.emplace_back();
      std::vector<std::pair<int64_t, int64_t>> open{{col, row}};
      while (!open.empty()) {
        const auto [c, r] = open.back();
        open.pop_back();
        if (cells.at(c, r).empty()) continue;
        box.add(std::exchange(cells.at(c, r), Bounds()));
        for (int64_t nr = std::max<int64_t>(0, r - 1); nr < std::min(r + 2, cells.height()); ++nr) {
          for (int64_t nc = std::max<int64_t>(0, c - 1); nc < std::min(c + 2, cells.width()); ++nc)
            open.emplace_back(nc, nr);
        }
      }
    }
  }
  return out;
}

/// Joins boxes until no two have ground in common.
std::vector<Bounds> joined(std::vector<Bounds> boxes) {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      for (std::size_t k = i + 1; k < boxes.size(); ++k) {
        if (!boxes[i].intersects(boxes[k])) continue;
        boxes[i].add(boxes[k]);
        boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(k--));
        changed = true;
      }
    }
  }
  return boxes;
}

/// What the areas of a scene show, in its pixels.
std::vector<Bounds> shown(const LabelledScene& scene, double spacing) {
  const double context = spacing * kValidationContext;
  std::vector<Bounds> boxes = groups(validation_cells(scene));
  for (Bounds& box : boxes) {
    box = {std::max(0.0, box.min_x - context), std::max(0.0, box.min_y - context),
           std::min(box.max_x + context, static_cast<double>(scene.width())),
           std::min(box.max_y + context, static_cast<double>(scene.height()))};
  }
  return joined(std::move(boxes));
}

}  // namespace

std::vector<ValidationArea> validation_areas(std::span<const LabelledScene> scenes, double gsd_m,
                                             int64_t memory_bytes) {
  std::vector<std::vector<Bounds>> boxes;
  double bytes = 0;
  for (const LabelledScene& scene : scenes) {
    const double spacing = gsd_m / scene.gsd_m;
    for (const Bounds& box : boxes.emplace_back(shown(scene, spacing))) {
      bytes += (box.max_x - box.min_x) / spacing * ((box.max_y - box.min_y) / spacing) * kValidationBytesPerPixel;
    }
  }
  constexpr double kMost = 1e15;
  if (bytes > (memory_bytes > 0 ? static_cast<double>(memory_bytes) : kMost)) {
    throw UsageError("at a --gsd of " + std::to_string(gsd_m) + " m the validation areas take about " +
                     format_memory(static_cast<int64_t>(std::min(bytes, 1e18))) + ", more than " +
                     (memory_bytes > 0 ? "the " + format_memory(memory_bytes) + " that --ram leaves them"
                                       : std::string("any machine has")) +
                     "; keep out less (--val-fraction, --val-bbox), or pass a larger --gsd or --ram");
  }
  std::vector<ValidationArea> areas;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const LabelledScene& scene = scenes[i];
    const double spacing = gsd_m / scene.gsd_m;
    for (const Bounds& box : boxes[i]) {
      const Affine affine = {box.min_x, spacing, 0, box.min_y, 0, spacing};
      const int64_t width = std::max<int64_t>(1, std::llround((box.max_x - box.min_x) / spacing));
      const int64_t height = std::max<int64_t>(1, std::llround((box.max_y - box.min_y) / spacing));
      areas.push_back({scene.name, warp_pixels(scene, affine, width, height, Show::Everything),
                       warp_labels(scene, affine, width, height),
                       warp_use(scene, affine, width, height, PixelUse::Validate)});
    }
  }
  return areas;
}

}  // namespace plat
