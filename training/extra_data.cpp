// SPDX-License-Identifier: Apache-2.0
#include "training/extra_data.hpp"

#include "training/scene_loader.hpp"
#include "training/training_data.hpp"

#include <utility>
#include <vector>

namespace plat {

CropOptions crop_options(const TrainOptions& options) {
  CropOptions crop = options.crop;
  crop.gsd_m = options.data.gsd_m;
  crop.prompts = options.loss.prompt > 0 ? options.loss.prompts_per_crop : 0;
  return crop;
}

std::unique_ptr<CropSampler> distil_sampler(const TrainOptions& options) {
  if (options.forgetting.distil <= 0) return nullptr;
  std::vector<LabelledScene> scenes;
  const std::vector<std::string> files = list_scenes(options.forgetting.distil_data);
  for (LoadedScene& loaded : load_scenes(files, options.data.bands, options.data.gsd_m)) {
    LabelledScene scene = make_scene("", std::move(loaded.pixels), loaded.grid, loaded.gsd_m, {});
    for (std::size_t i = 0; i < loaded.valid.size(); ++i) {
      if (loaded.valid.data()[i] == 0) scene.use.data()[i] = static_cast<uint8_t>(PixelUse::None);
    }
    scenes.push_back(std::move(scene));
  }
  CropOptions crop = crop_options(options);
  crop.prompts = 0;
  constexpr uint64_t kOther = 0x9D15'7111;  // other crops than the labelled ones of the same numbers
  return std::make_unique<CropSampler>(std::move(scenes), crop, options.seed ^ kOther);
}

std::unique_ptr<CropSampler> replay_sampler(const TrainOptions& options) {
  if (!options.forgetting.replays()) return nullptr;
  TrainingDataOptions data = options.data;
  data.scenes = options.forgetting.replay_scenes;
  data.labels = options.forgetting.replay_labels;
  data.val_bbox.reset();
  data.val_fraction = 0;
  return std::make_unique<CropSampler>(load_training_data(data).scenes, crop_options(options), options.seed);
}

}  // namespace plat
