// SPDX-License-Identifier: Apache-2.0
#include "training/data/labelled_scene.hpp"

#include "training/samples/image_filter.hpp"

#include <algorithm>
#include <utility>

namespace plat {

int64_t LabelledScene::count(PixelUse wanted) const {
  return std::count(use.data(), use.data() + use.size(), static_cast<uint8_t>(wanted));
}

LabelledScene make_scene(std::string name, Image<uint8_t> pixels, Grid grid, double gsd_m,
                         std::vector<MultiPolygon> objects) {
  LabelledScene scene;
  scene.name = std::move(name);
  scene.grid = std::move(grid);
  scene.gsd_m = gsd_m;
  scene.use = Image<uint8_t>(pixels.width(), pixels.height(), 1, static_cast<uint8_t>(PixelUse::Train));
  scene.model = {pixels.width(), pixels.height(), {}};
  scene.pyramid.push_back(std::move(pixels));
  // Two reductions: augmentation never shrinks by more than that at a reasonable range of scales.
  for (int level = 0; level < 2; ++level) {
    const Image<uint8_t>& last = scene.pyramid.back();
    if (std::min(last.width(), last.height()) < 2) break;
    scene.pyramid.push_back(halve(last));
  }
  scene.objects = std::move(objects);
  for (const MultiPolygon& object : scene.objects) scene.object_bounds.push_back(bounds(object));
  return scene;
}

std::vector<std::size_t> objects_in(const LabelledScene& scene, const Bounds& rectangle) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    if (scene.object_bounds[i].intersects(rectangle)) found.push_back(i);
  }
  return found;
}

}  // namespace plat
