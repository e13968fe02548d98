// SPDX-License-Identifier: Apache-2.0
#include "training/learn/validation.hpp"

#include "core/cancel.hpp"
#include "evaluation/counts.hpp"
#include "postprocess/stitcher.hpp"
#include "tiling/tile_grid.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

namespace plat::nn {
namespace {

/// The position mirrored into [0, size).
int64_t mirrored(int64_t i, int64_t size) {
  const int64_t period = 2 * size;
  i = ((i % period) + period) % period;
  return i < size ? i : period - 1 - i;
}

at::Tensor tile_tensor(const Image<float>& pixels, const Window& window) {
  at::Tensor tile = at::empty({1, pixels.bands(), window.height, window.width}, at::kFloat);
  float* to = tile.mutable_data_ptr<float>();
  for (int64_t b = 0; b < pixels.bands(); ++b) {
    for (int64_t r = 0; r < window.height; ++r) {
      const auto row = pixels.row(mirrored(window.row + r, pixels.height()), b);
      for (int64_t c = 0; c < window.width; ++c)
        *to++ = row[static_cast<std::size_t>(mirrored(window.col + c, pixels.width()))];
    }
  }
  return tile;
}

Image<float> to_image(const at::Tensor& maps) {
  const at::Tensor plain = maps.cpu().contiguous();
  Image<float> image(plain.size(-1), plain.size(-2), plain.size(-3));
  const float* from = plain.const_data_ptr<float>();
  std::copy(from, from + image.size(), image.data());
  return image;
}

}  // namespace

Image<float> predict_area(Sam& network, const Image<float>& pixels, const ValidationOptions& options) {
  const c10::InferenceMode inference;
  Image<float> stitched(pixels.width(), pixels.height(), 3);
  const TileGrid grid(pixels.width(), pixels.height(), options.tile_size, options.overlap);
  Stitcher stitcher(grid, 3, [&stitched](MapBlock&& block) {
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t r = 0; r < block.maps.height(); ++r)
        std::ranges::copy(block.maps.row(r, b), stitched.row(block.row + r, b).begin() + block.col);
    }
  });
  const Image<uint8_t> valid(options.tile_size, options.tile_size, 1, 1);
  const at::Device device = network->parameters().front().device();
  for (int64_t i = 0; i < grid.size(); ++i) {
    throw_if_cancelled();
    const Tile tile = grid.tile(i);
    const at::Tensor input = (tile_tensor(pixels, tile.window) - options.mean) / options.deviation;
    const ClassMaps maps = network->forward_classes(input.contiguous(at::MemoryFormat::ChannelsLast).to(device));
    stitcher.add(tile, to_image(at::cat({maps.extent, maps.boundary, maps.distance}, 1).sigmoid().squeeze(0)), valid);
  }
  return stitched;
}

ValidationFigures validate(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options) {
  PixelCounts pixels;
  ObjectCounts objects;
  for (const ValidationArea& area : areas) {
    const Image<float> maps = predict_area(network, area.pixels, options);
    Image<uint8_t> predicted(area.labels.width(), area.labels.height());
    Image<uint8_t> truth(area.labels.width(), area.labels.height());
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      predicted.data()[i] = static_cast<double>(maps.band(0)[i]) > options.thresholds.extent ? 1 : 0;
      truth.data()[i] = area.labels.data()[i] != 0 ? 1 : 0;
    }
    pixels.add(predicted, truth, area.counts);
    objects += count_objects(maps, area, options.thresholds, options.min_object_px);
  }
  return {pixels.iou(), objects.f1(), objects.precision(), objects.recall(), objects.truth()};
}

TunedThresholds tune(Sam& network, const std::vector<ValidationArea>& areas, const ValidationOptions& options) {
  std::vector<Image<float>> maps;
  for (const ValidationArea& area : areas) maps.push_back(predict_area(network, area.pixels, options));
  return tune_thresholds(options.thresholds, [&](const InstanceThresholds& tried) {
    ObjectCounts sum;
    for (std::size_t i = 0; i < areas.size(); ++i)
      sum += count_objects(maps[i], areas[i], tried, options.min_object_px);
    return sum;
  });
}

}  // namespace plat::nn
