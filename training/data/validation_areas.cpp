// SPDX-License-Identifier: Apache-2.0
#include "training/data/validation_areas.hpp"

#include "core/cancel.hpp"
#include "training/samples/crop_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace plat {
namespace {

/// The bounds of the validation pixels in each cell of a scene; empty where it has none.
Image<Bounds> validation_cells(const LabelledScene& scene) {
  Image<Bounds> cells((scene.width() + kAreaCell - 1) / kAreaCell, (scene.height() + kAreaCell - 1) / kAreaCell);
  for (int64_t row = 0; row < scene.height(); ++row) {
    for (int64_t col = 0; col < scene.width(); ++col) {
      if (scene.use.at(col, row) != static_cast<uint8_t>(PixelUse::Validate)) continue;
      Bounds& cell = cells.at(col / kAreaCell, row / kAreaCell);
      cell.add(Point{static_cast<double>(col), static_cast<double>(row)});
      cell.add(Point{static_cast<double>(col + 1), static_cast<double>(row + 1)});
    }
  }
  return cells;
}

/// Cells of a scene that belong together, the first of them at (col, row).
struct Group {
  int64_t col = 0;
  int64_t row = 0;
  Image<Bounds> cells;  ///< empty where a cell is none of the group's
};

/// The cells of the group that one cell belongs to; takes them out.
Group take_group(Image<Bounds>& cells, int64_t first_col, int64_t first_row) {
  struct Cell {
    int64_t col, row;
    Bounds box;
  };
  std::vector<Cell> found;
  std::vector<std::pair<int64_t, int64_t>> open{{first_col, first_row}};
  Window all{first_col, first_row, 1, 1};
  while (!open.empty()) {
    const auto [c, r] = open.back();
    open.pop_back();
    if (cells.at(c, r).empty()) continue;
    found.push_back({c, r, std::exchange(cells.at(c, r), Bounds())});
    all = bounding(all, {c, r, 1, 1});
    for (int64_t nr = std::max<int64_t>(0, r - 1); nr < std::min(r + 2, cells.height()); ++nr) {
      for (int64_t nc = std::max<int64_t>(0, c - 1); nc < std::min(c + 2, cells.width()); ++nc)
        open.emplace_back(nc, nr);
    }
  }
  Group group{all.col, all.row, Image<Bounds>(all.width, all.height)};
  for (const Cell& cell : found) group.cells.at(cell.col - all.col, cell.row - all.row) = cell.box;
  return group;
}

/// What a group of cells has to be looked at, with the context.
Window looked_at(const LabelledScene& scene, const Bounds& box) {
  const Window inner = scene.model.window_of(box);
  const Window held =
      scene.model.window_of({0, 0, static_cast<double>(scene.width()), static_cast<double>(scene.height())});
  constexpr int64_t kAround = kValidationContext;
  return intersect({inner.col - kAround, inner.row - kAround, inner.width + 2 * kAround, inner.height + 2 * kAround},
                   held);
}

/// Adds the area of a group, in parts where it is too large.
void add_areas(const LabelledScene& scene, const Group& group, std::vector<ValidationArea>& areas) {
  Bounds box;
  for (const Bounds& cell : group.cells.band(0)) {
    if (!cell.empty()) box.add(cell);
  }
  if (box.empty()) return;
  const Window window = looked_at(scene, box);
  const int64_t width = group.cells.width(), height = group.cells.height();
  if (window.pixel_count() > kLargestValidationArea && std::max(width, height) > 1) {
    const bool wide = width >= height;
    const Window first = wide ? Window{0, 0, width / 2, height} : Window{0, 0, width, height / 2};
    const Window second =
        wide ? Window{width / 2, 0, width - width / 2, height} : Window{0, height / 2, width, height - height / 2};
    for (const Window& half : {first, second})
      add_areas(scene, {group.col + half.col, group.row + half.row, crop(group.cells, half)}, areas);
    return;
  }
  ValidationArea area{&scene, PixelUse::Validate, window, Image<uint8_t>(width, height), group.col, group.row};
  std::ranges::transform(group.cells.band(0), area.cells.data(),
                         [](const Bounds& cell) { return static_cast<uint8_t>(cell.empty() ? 0 : 1); });
  areas.push_back(std::move(area));
}

/// Whether the pixels of the scene at a position count in an area.
bool has(const ValidationArea& area, const Point& p) {
  const int64_t col = static_cast<int64_t>(std::floor(p.x)) / kAreaCell - area.first_cell_col;
  const int64_t row = static_cast<int64_t>(std::floor(p.y)) / kAreaCell - area.first_cell_row;
  return col >= 0 && row >= 0 && col < area.cells.width() && row < area.cells.height() && area.cells.at(col, row) != 0;
}

}  // namespace

AreaTruth truth_of(const ValidationArea& area) {
  const int64_t width = area.window.width, height = area.window.height;
  const Affine affine = area.scene->model.part_from_window(area.window);
  AreaTruth truth{warp_labels(*area.scene, affine, width, height),
                  warp_use(*area.scene, affine, width, height, area.use)};
  if (area.cells.empty()) return truth;
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      uint8_t& counts = truth.counts.at(col, row);
      if (counts != 0 && !has(area, affine({static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5})))
        counts = 0;
    }
  }
  return truth;
}

std::vector<ValidationArea> validation_areas(std::span<const LabelledScene> scenes) {
  std::vector<ValidationArea> areas;
  for (const LabelledScene& scene : scenes) {
    throw_if_cancelled();
    Image<Bounds> cells = validation_cells(scene);
    for (int64_t row = 0; row < cells.height(); ++row) {
      for (int64_t col = 0; col < cells.width(); ++col) {
        if (!cells.at(col, row).empty()) add_areas(scene, take_group(cells, col, row), areas);
      }
    }
  }
  return areas;
}

}  // namespace plat
