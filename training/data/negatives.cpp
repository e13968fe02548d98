// SPDX-License-Identifier: Apache-2.0
#include "training/data/negatives.hpp"

#include "core/error.hpp"
#include "training/data/data_files.hpp"
#include "training/data/kept_out_box.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

namespace plat {
namespace {

constexpr double kCoarsest = 2;  // pixels of the model in one of the image, above which it would be a blur

/// The middle of a grid.
Window middle_of(const Grid& grid) {
  constexpr int64_t kStep = 4;  // the reductions of a part are then those of the whole
  const int64_t width = std::min(grid.width, kLargestNegative), height = std::min(grid.height, kLargestNegative);
  return {(grid.width - width) / 2 / kStep * kStep, (grid.height - height) / 2 / kStep * kStep, width, height};
}

}  // namespace

void NegativeOptions::validate() const {
  if (std::ranges::any_of(paths, &std::string::empty)) throw UsageError("--negatives needs paths of images");
  if (!(share >= 0 && share <= 0.9)) throw UsageError("--negatives-share must lie in [0, 0.9]");
}

std::vector<PlannedNegative> plan_negatives(const NegativeOptions& negatives, const SceneOptions& options) {
  std::vector<SceneFile> files;
  std::set<std::string> seen;
  for (const std::string& path : negatives.paths) {
    for (const std::string& file : rasters_in(path)) {
      // Of a folder the masks of its images are no imagery.
      if (file != path && looks_like_mask(file)) continue;
      if (seen.insert(file).second) files.push_back({file, ""});
    }
  }
  if (files.empty()) throw DataError("--negatives: no raster is there");
  std::vector<PlannedNegative> planned;
  for (SceneFrame& frame : plan_scenes(files, options)) {
    const Window part = middle_of(frame.grid);
    const bool pixel_by_pixel = frame.gsd_m > kCoarsest * options.gsd_m;
    const std::string image = files[frame.files.front()].path;
    planned.push_back({image, std::move(frame), part, pixel_by_pixel});
  }
  return planned;
}

int64_t hide_ground_of(LabelledScene& negative, const std::vector<LabelledScene>& scenes) {
  for (const LabelledScene& scene : scenes) hide_shared_ground(negative, scene);
  return negative.count(PixelUse::Train);
}

LabelledScene load_negative(const PlannedNegative& planned, double gsd_m) {
  LoadedScene loaded = load_scene(planned.frame, planned.part);
  LabelledScene scene = make_scene(file_name(planned.image), std::move(loaded.pixels), loaded.grid,
                                   planned.pixel_by_pixel ? gsd_m : planned.frame.gsd_m, {});
  scene.georeferenced = planned.frame.georeferenced;
  for (std::size_t i = 0; i < loaded.valid.size(); ++i) {
    if (loaded.valid.data()[i] == 0) scene.use.data()[i] = static_cast<uint8_t>(PixelUse::NoData);
  }
  return scene;
}

}  // namespace plat
