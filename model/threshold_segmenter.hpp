// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/segmenter.hpp"

namespace plat {

/// Calls pixels objects whose mean over the bands is above `level` (of 0..255). It needs no network: for trying a
/// pipeline out and for tests. Extent rises from 0 to 1 around the level; the boundary lies where the extent crosses
/// 0.5; the distance reaches 1 ten pixels inside. What lies beyond the tile is taken for a continuation of its
/// outermost pixels. Thread-safe.
class ThresholdSegmenter : public Segmenter {
 public:
  explicit ThresholdSegmenter(float level = 128);
  const ModelDescription& description() const override { return description_; }
  Image<float> segment(const Image<float>& pixels) const override;
  int64_t memory_per_tile() const override;

 private:
  ModelDescription description_;
  float level_;
};

}  // namespace plat
