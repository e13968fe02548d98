// SPDX-License-Identifier: Apache-2.0
#include "training/learn/validation.hpp"

#include "core/cancel.hpp"
#include "evaluation/counts.hpp"
#include "tiling/tile_grid.hpp"
#include "tiling/tile_pixels.hpp"
#include "training/samples/crop_sampler.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace plat::nn {
namespace {

TilePixels read_tile(const LabelledScene& scene, const Window& tile) {
  const ModelGrid& grid = scene.model;
  return tile_pixels(tile, grid.width, grid.height, [&](const Window& part) {
    const Affine place = grid.part_from_window(part);
    return RasterBlock{warp_pixels(scene, place, part.width, part.height, Show::Everything),
                       warp_known(scene, place, part.width, part.height)};
  });
}

bool any(const Image<uint8_t>& flags) {
  return std::any_of(flags.data(), flags.data() + flags.size(), [](uint8_t flag) { return flag != 0; });
}

at::Tensor to_tensor(Image<float>& pixels) {
  return at::from_blob(pixels.data(), {1, pixels.bands(), pixels.height(), pixels.width()}, at::kFloat);
}

Image<float> to_image(const at::Tensor& maps) {
  const at::Tensor plain = maps.cpu().contiguous();
  Image<float> image(plain.size(-1), plain.size(-2), plain.size(-3));
  const float* from = plain.const_data_ptr<float>();
  std::copy(from, from + image.size(), image.data());
  return image;
}

void add_pixels(const Image<float>& maps, const AreaTruth& truth, double threshold, PixelCounts& sum) {
  Image<uint8_t> predicted(maps.width(), maps.height());
  Image<uint8_t> labelled(maps.width(), maps.height());
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    predicted.data()[i] = static_cast<double>(maps.band(0)[i]) > threshold ? 1 : 0;
    labelled.data()[i] = truth.labels.data()[i] != 0 ? 1 : 0;
  }
  sum.add(predicted, labelled, truth.counts);
}

}  // namespace

MapBlock predict_area(Sam& network, const ValidationArea& area, const ValidationOptions& options) {
  const c10::InferenceMode inference;
  const Window& window = area.window;
  const ModelGrid& scene = area.scene->model;
  const TileGrid grid = TileGrid(scene.width, scene.height, options.tile_size, options.overlap).part(window);
  MapBlock stitched{window.col, window.row, Image<float>(window.width, window.height, 3),
                    Image<uint8_t>(window.width, window.height)};
  Stitcher stitcher(grid, 3, [&](MapBlock&& block) {
    const Window both = intersect(block.window(), window);
    const auto copy = [&](const auto& from, auto& to, int64_t band) {
      for (int64_t row = both.row; row < both.row_end(); ++row) {
        const auto values =
            from.row(row - block.row, band)
                .subspan(static_cast<std::size_t>(both.col - block.col), static_cast<std::size_t>(both.width));
        std::ranges::copy(values, to.row(row - window.row, band).begin() + (both.col - window.col));
      }
    };
    if (both.empty()) return;
    for (int64_t b = 0; b < 3; ++b) copy(block.maps, stitched.maps, b);
    copy(block.valid, stitched.valid, 0);
  });
  const at::Device device = network->parameters().front().device();
  for (int64_t i = 0; i < grid.size(); ++i) {
    throw_if_cancelled();
    const Tile tile = grid.tile(i);
    TilePixels shown = read_tile(*area.scene, tile.window);
    Image<float> maps;
    if (any(shown.valid)) {
      const at::Tensor input = (to_tensor(shown.pixels) - options.mean) / options.deviation;
      const ClassMaps found = network->forward_classes(input.contiguous(at::MemoryFormat::ChannelsLast).to(device));
      maps = to_image(at::cat({found.extent, found.boundary, found.distance}, 1).sigmoid().squeeze(0));
    }
    stitcher.add(tile, maps, shown.valid);
  }
  return stitched;
}

ValidationFigures validate(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options) {
  PixelCounts pixels;
  ObjectCounts objects;
  for (const ValidationArea& area : areas) {
    const MapBlock found = predict_area(network, area, options);
    const AreaTruth truth = truth_of(area);
    add_pixels(found.maps, truth, options.thresholds.extent, pixels);
    objects += count_objects(found, truth, options.thresholds, options.min_object_px);
  }
  return {pixels.iou(), objects.f1(), objects.precision(), objects.recall(), objects.truth()};
}

TunedThresholds tune(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options) {
  std::vector<std::pair<MapBlock, AreaTruth>> predicted;
  int64_t pixels = 0;
  for (const ValidationArea& area : areas) {
    pixels += area.window.pixel_count();
    if (pixels > options.tuning_pixels && !predicted.empty()) break;
    predicted.emplace_back(predict_area(network, area, options), truth_of(area));
  }
  return tune_thresholds(options.thresholds, [&](const InstanceThresholds& tried) {
    ObjectCounts sum;
    for (const auto& [found, truth] : predicted) sum += count_objects(found, truth, tried, options.min_object_px);
    return sum;
  });
}

}  // namespace plat::nn
