// SPDX-License-Identifier: Apache-2.0
#include "training/forgetting/rehearsal_data.hpp"

#include "core/error.hpp"
#include "training/data/data_files.hpp"
#include "training/data/scene_loader.hpp"
#include "training/data/training_data.hpp"
#include "training/forgetting/measure_forgetting.hpp"
#include "training/forgetting/retained_objects.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace plat {
namespace {

std::vector<SceneFile> distilled_files(const std::vector<std::string>& paths) {
  std::vector<SceneFile> files;
  for (const std::string& path : paths) {
    for (const std::string& file : rasters_in(path)) files.push_back({file, path});
  }
  if (files.empty()) throw DataError("--distil-data: no raster is there");
  return files;
}

std::vector<SceneFrame> distilled_scenes(const TrainOptions& options) {
  return plan_scenes(distilled_files(options.forgetting.distil_data),
                     {options.data.bands, options.data.gsd_m, options.data.image_gsd_m, options.data.assign_crs});
}

/// Opens what is replayed.
TrainingDataLoader replayed_data(const TrainOptions& options) {
  TrainingDataOptions data = options.data;
  data.data.clear();
  data.scenes = options.forgetting.replay_scenes;
  data.labels = options.forgetting.replay_labels;
  data.val_bbox.reset();
  data.val_fraction = 0;
  data.rules = {};
  data.negatives = {};
  try {
    return TrainingDataLoader(std::move(data));
  } catch (const DataError& error) {
    throw DataError(std::string("--replay-scenes: ") + error.what());
  }
}

}  // namespace

int64_t rehearsal_bytes(const TrainOptions& options) {
  DataMemory memory;
  if (options.forgetting.distil > 0) {
    for (const SceneFrame& frame : distilled_scenes(options))
      memory.add_scene("", static_cast<double>(frame.grid.window().pixel_count()));
  }
  // The last are read, one data set at a time, while all others are still there.
  return memory.scene_bytes + (measures_forgetting(options) ? retained_bytes(options) : 0) +
         (options.forgetting.replays() ? replayed_data(options).memory().scene_bytes : 0);
}

CropOptions crop_options(const TrainOptions& options) {
  CropOptions crop = options.crop;
  crop.gsd_m = options.data.gsd_m;
  crop.prompts = options.loss.prompt > 0 ? options.loss.prompts_per_crop : 0;
  return crop;
}

std::unique_ptr<CropSampler> distil_sampler(const TrainOptions& options) {
  if (options.forgetting.distil <= 0) return nullptr;
  std::vector<LabelledScene> scenes;
  for (const SceneFrame& frame : distilled_scenes(options)) {
    LoadedScene loaded = load_scene(frame, frame.grid.window());
    LabelledScene scene = make_scene("", std::move(loaded.pixels), loaded.grid, frame.gsd_m, {});
    for (std::size_t i = 0; i < loaded.valid.size(); ++i) {
      if (loaded.valid.data()[i] == 0) scene.use.data()[i] = static_cast<uint8_t>(PixelUse::NoData);
    }
    scenes.push_back(std::move(scene));
  }
  if (std::ranges::none_of(scenes, [](const LabelledScene& scene) { return scene.count(PixelUse::Train) > 0; }))
    throw DataError("--distil-data: no raster there has a pixel with data; name imagery that shows something");
  CropOptions crop = crop_options(options);
  crop.prompts = 0;
  constexpr uint64_t kOther = 0x9D15'7111;  // other crops than the labelled ones of the same numbers
  return std::make_unique<CropSampler>(std::move(scenes), crop, options.seed ^ kOther);
}

std::unique_ptr<CropSampler> replay_sampler(const TrainOptions& options) {
  if (!options.forgetting.replays()) return nullptr;
  TrainingData found = replayed_data(options).load();
  if (!found.teaches)
    throw DataError(
        "--replay-labels: all objects lie where the labels are unknown or the imagery has no data; replay data "
        "with objects in sight");
  return std::make_unique<CropSampler>(std::move(found.scenes), crop_options(options), options.seed);
}

}  // namespace plat
