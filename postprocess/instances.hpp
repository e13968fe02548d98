// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "core/window.hpp"
#include "postprocess/stitcher.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace plat {

/// One connected region of a class, cut out of the scene, with its objects told apart.
struct InstancePatch {
  Window window;            ///< where it lies in the scene
  Image<int32_t> labels;    ///< 0 = outside this region, else 1..count in order of first pixel (row-major)
  int32_t count = 0;
  std::vector<double> score;  ///< mean extent probability of each object, in [0, 1]
};

/// Splits a stitched extent/boundary/distance image into objects by a marker-controlled watershed; pixels that are not
/// `valid` never belong to one. `maps` holds the three maps of one class. Deterministic.
Image<int32_t> split_instances(const Image<float>& maps, const Image<uint8_t>& valid, const InstanceThresholds& thresholds);

/// Finds the objects of one class in strips of a scene as they come. A region (connected pixels of the class) is split as
/// soon as its last row has passed: the result equals that of the whole scene at once, whatever the strips, while memory
/// holds only the regions still open. Regions are handed on in order of their first pixel (row-major).
/// Not thread-safe.
class InstanceStream {
 public:
  InstanceStream(int64_t scene_width, InstanceThresholds thresholds, std::function<void(InstancePatch&&)> sink);
  ~InstanceStream();
  /// `first_band`: where the class's three maps begin in the strip.
  void add(const Strip& strip, int64_t first_band);
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
