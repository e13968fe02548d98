// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/segmenter.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace plat::test {

/// Calls bright pixels objects: extent and distance are the first band's value / 255, there is no boundary. What happens
/// at each call, such as an error, can be told from the tile's pixels.
class BrightSegmenter : public Segmenter {
 public:
  explicit BrightSegmenter(int64_t tile_size = 64, int64_t overlap = 16) {
    description_.name = "bright";
    description_.architecture = "test";
    description_.classes = {{"thing", {}}};
    description_.classes[0].thresholds.min_area_m2 = 1;
    description_.gsd_m = 1;
    description_.tile_size = tile_size;
    description_.overlap = overlap;
  }

  const ModelDescription& description() const override { return description_; }
  ModelDescription& edit() { return description_; }

  Image<float> segment(const Image<float>& pixels) const override {
    if (before) before(pixels);
    const auto classes = static_cast<int64_t>(description_.classes.size());
    Image<float> maps(pixels.width(), pixels.height(), classes * kMapsPerClass);
    for (int64_t c = 0; c < classes; ++c) {
      // Class n looks at band n.
      for (const ClassMap map : {ClassMap::Extent, ClassMap::Distance}) {
        const auto to = maps.band(c * kMapsPerClass + static_cast<int>(map));
        const auto from = pixels.band(c);
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[i] / 255.0F;
      }
    }
    return maps;
  }

  int64_t memory_per_tile() const override { return memory; }

  std::function<void(const Image<float>&)> before;
  int64_t memory = 1'000'000;

 private:
  ModelDescription description_;
};

}  // namespace plat::test
