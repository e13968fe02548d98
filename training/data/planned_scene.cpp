// SPDX-License-Identifier: Apache-2.0
#include "training/data/planned_scene.hpp"

#include "geo/rasterize.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace plat {
namespace {

/// What is held of a scene: the labelled part and what lies around it.
Window held_part(const SceneFrame& frame, const Window& labelled, double context) {
  constexpr int64_t kStep = 4;  // the reductions of a part are then those of the whole
  const auto margin = static_cast<int64_t>(std::ceil(context));
  const int64_t col = std::max<int64_t>(0, labelled.col - margin) / kStep * kStep;
  const int64_t row = std::max<int64_t>(0, labelled.row - margin) / kStep * kStep;
  return intersect({col, row, labelled.col_end() + margin - col, labelled.row_end() + margin - row},
                   frame.grid.window());
}

void move(std::vector<MultiPolygon>& objects, double col, double row) {
  for (MultiPolygon& object : objects) {
    for (Polygon& part : object) {
      for (Point& p : part.exterior) p = {p.x + col, p.y + row};
      for (Ring& hole : part.holes) {
        for (Point& p : hole) p = {p.x + col, p.y + row};
      }
    }
  }
}

}  // namespace

void PlannedScene::hold_labelled(double context) {
  part = held_part(frame, labels.covered, context);
  for (auto* geometries : {&labels.objects, &labels.unknown})
    move(*geometries, -static_cast<double>(part.col), -static_cast<double>(part.row));
  labels.covered.col -= part.col;
  labels.covered.row -= part.row;
}

double PlannedScene::model_pixels(double pixels) const {
  return pixels * static_cast<double>(frame.model_width) * static_cast<double>(frame.model_height) /
         static_cast<double>(frame.grid.window().pixel_count());
}

LabelledScene load_planned(PlannedScene planned) {
  PlacedLabels& placed = planned.labels;
  LoadedScene loaded = load_scene(planned.frame, planned.part);
  LabelledScene scene =
      make_scene(planned.name, std::move(loaded.pixels), loaded.grid, planned.frame.gsd_m, std::move(placed.objects));
  scene.georeferenced = planned.frame.georeferenced;
  scene.weight = planned.rule.weight;
  scene.label_margin_m = planned.rule.label_margin_m;
  scene.incomplete = planned.rule.incomplete;
  scene.model = planned.frame.model_grid(planned.part);
  for (int64_t row = 0; row < scene.height(); ++row) {
    for (int64_t col = 0; col < scene.width(); ++col) {
      if (!placed.covered.contains(col, row)) scene.use.at(col, row) = static_cast<uint8_t>(PixelUse::None);
      if (loaded.valid.at(col, row) == 0) scene.use.at(col, row) = static_cast<uint8_t>(PixelUse::NoData);
    }
  }
  loaded.valid = {};
  if (!placed.unknown.empty()) {
    const Image<uint8_t> unknown = rasterize_mask(placed.unknown, scene.width(), scene.height());
    for (std::size_t i = 0; i < unknown.size(); ++i) {
      uint8_t& use = scene.use.data()[i];
      if (unknown.data()[i] != 0 && is_labelled(use)) use = static_cast<uint8_t>(PixelUse::None);
    }
  }
  return scene;
}

}  // namespace plat
