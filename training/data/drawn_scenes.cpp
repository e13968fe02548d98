// SPDX-License-Identifier: Apache-2.0
#include "training/data/drawn_scenes.hpp"

#include "synthesis/scene.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace plat {

LabelledScene DrawnScenes::scene(uint64_t seed, int64_t size, double gsd_m) const {
  SceneStyle style = random_style(seed);
  style.gsd_m = gsd_m;
  const DrawnScene drawn = draw_scene(size, size, seed, style);
  Image<uint8_t> pixels(size, size, 3);
  std::transform(drawn.pixels.data(), drawn.pixels.data() + drawn.pixels.size(), pixels.data(),
                 [](float value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0F, 255.0F))); });
  std::vector<MultiPolygon> objects;
  for (const Polygon& building : drawn.buildings) objects.push_back({building});
  Grid grid;
  grid.width = size;
  grid.height = size;
  return make_scene("drawn " + std::to_string(seed), std::move(pixels), grid, gsd_m, std::move(objects));
}

}  // namespace plat
