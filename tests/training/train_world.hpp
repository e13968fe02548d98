// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/test_data.hpp"
#include "tests/training/drawn_world.hpp"

#include "geo/feature_io.hpp"
#include "geo/raster_writer.hpp"
#include "model/files/model_folder.hpp"
#include "training/train.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace plat::test {

inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::vector<nlohmann::json> read_metrics(const std::string& run) {
  std::istringstream lines(read(run + "/metrics.jsonl"));
  std::vector<nlohmann::json> out;
  for (std::string line; std::getline(lines, line);) out.push_back(nlohmann::json::parse(line));
  return out;
}

/// The smallest network that has every part, for tiles of 64 pixels.
inline ModelFolder tiny_model() {
  ModelFolder model;
  TinyVitConfig vision;
  vision.embed_dims = {8, 8, 16, 16};
  vision.depths = {1, 1, 1, 1};
  vision.num_heads = {1, 1, 1, 1};
  vision.window_sizes = {4, 4, 4, 4};
  vision.mlp_ratio = 2;
  vision.mbconv_expand_ratio = 2;
  vision.image_size = 64;
  vision.output_channels = 16;
  model.config.vision = vision;
  model.config.prompt_encoder.hidden_size = 16;
  model.config.prompt_encoder.image_size = 64;
  model.config.mask_decoder.hidden_size = 16;
  model.config.mask_decoder.mlp_dim = 32;
  model.config.mask_decoder.num_attention_heads = 2;
  model.config.mask_decoder.iou_head_hidden_dim = 16;
  model.config.class_decoder.classes = 1;
  model.config.class_decoder.fuse_dims = {16, 8, 8};
  model.config.class_decoder.fuse_convs = {1, 1, 1};
  model.config.class_decoder.subpixel = 2;
  model.description.architecture = "sam-tinyvit";
  model.description.classes = {ClassDescription{"building", {}}};
  model.description.tile_size = 64;
  model.description.overlap = 16;
  return model;
}

/// A drawn scene, its labels in WGS 84, a description of a tiny network, and options that train it.
struct World {
  World() {
    draw(4, "scene.tif", "labels.geojson");
    std::filesystem::create_directory(folder.path() / "tiny");
    write_model_folder(tiny_model(), folder.file("tiny"));
    options.data.scenes = {folder.file("scene.tif")};
    options.data.labels = {folder.file("labels.geojson")};
    options.data.val_block_m = 25;
    options.data.val_fraction = 0.2;
    options.architecture = folder.file("tiny");
    options.crop.size = 64;
    options.crop.scale = {0.8, 1.2};
    options.batch = 2;
    options.optimizer.learning_rate = 3e-3;
    options.optimizer.warmup_steps = 2;
    options.log_every = 1;
    options.save_every = 1000;
    options.validate_every = 1000;
    options.threads = 1;
    options.steps = 20;
    options.half_precision = false;
    options.output = folder.file("run");
  }
  /// Writes another drawn scene and its labels.
  void draw(uint64_t seed, const std::string& raster, const std::string& vector) const {
    const LabelledScene scene = drawn_world(288, 0.3, seed);
    write_raster(folder.file(raster), scene.pyramid.front(), scene.grid);
    FeatureWriter labels(folder.file(vector), scene.grid.crs, {});
    for (const MultiPolygon& object : scene.objects) labels.write({{scene.grid.to_world(object.front())}, {}});
    labels.close();
  }
  TemporaryFolder folder;
  TrainOptions options;
};

}  // namespace plat::test
