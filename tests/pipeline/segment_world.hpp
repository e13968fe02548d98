// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/log.hpp"
#include "pipeline/segment.hpp"
#include "tests/pipeline/extract_world.hpp"
#include "tests/support/region_segmenter.hpp"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace plat::test {

/// The options that keep outlines on pixel edges and embeddings out of the user's folders.
inline SegmentOptions exact(int threads = 1) {
  SegmentOptions options;
  options.threads = threads;
  options.simplify_m = 0;
  options.cache = false;
  options.overwrite = true;
  options.ram_bytes = int64_t{8} << 30;
  return options;
}

/// The place of a pixel's centre in the frame of metre_grid.
inline Point place(int64_t col, int64_t row) {
  return {500000.5 + static_cast<double>(col), 2999999.5 - static_cast<double>(row)};
}

inline MapPrompt point_prompt(int64_t id, Point at) { return {id, {{at, true}}, {}}; }

inline Polygon box_round(const Window& w, double margin = 0) {
  const Point low = place(w.col, w.row_end() - 1), high = place(w.col_end() - 1, w.row);
  const double m = 0.5 + margin;
  return {{{low.x - m, low.y - m}, {high.x + m, low.y - m}, {high.x + m, high.y + m}, {low.x - m, high.y + m}}, {}};
}

inline Window window_of(const Feature& feature) {
  const Bounds box = bounds(feature.geometry);
  return {std::llround(box.min_x - 500000), std::llround(3000000 - box.max_y), std::llround(box.max_x - box.min_x),
          std::llround(box.max_y - box.min_y)};
}

/// A scene with many bright rectangles, some across the seams of any tiling and at its edges.
struct World {
  explicit World(int64_t width = 300, int64_t height = 220) : grid(metre_grid(width, height)), drawn() {
    auto scene = dark_scene(width, height);
    drawn = many_windows(width, height);
    for (const Window& window : drawn) paint(scene, window);
    write_scene(scene_path(), scene, grid);
  }
  std::string scene_path() const { return folder.file("scene.tif"); }
  std::string file(const std::string& name) const { return folder.file(name); }
  PromptLayer points() const {
    PromptLayer layer;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const Window& w = drawn[i];
      layer.prompts.push_back(
          point_prompt(static_cast<int64_t>(i) + 1, place(w.col + w.width / 2, w.row + w.height / 2)));
    }
    return layer;
  }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  TemporaryFolder folder;
  Grid grid;
  std::vector<Window> drawn;
};

inline SegmentSummary run(const World& world, const PromptLayer& prompts, const RegionSegmenter& model,
                          const SegmentOptions& options = exact(), const std::string& output = "out.gpkg") {
  return segment(world.scene_path(), world.file(output), prompts, options, model, "region");
}

}  // namespace plat::test
