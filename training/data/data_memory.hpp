// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace plat {

/// What training data will take in memory, told before a pixel is read. Bytes but for the first.
struct DataMemory {
  int64_t scenes = 0;            ///< number of them
  int64_t scene_bytes = 0;       ///< their pixels with the reductions, and what each pixel is used for
  int64_t loading_bytes = 0;     ///< further, only while they are read
  int64_t validation_bytes = 0;  ///< of the largest validation area while the network is measured on it, an estimate
  int64_t negatives = 0;         ///< number of images without objects
  int64_t negative_bytes = 0;    ///< what they take
  std::string largest;           ///< the scene that takes most
  int64_t largest_bytes = 0;

  /// Adds a scene of which so many pixels are held.
  void add_scene(const std::string& name, double pixels);
  /// Adds an image without objects.
  void add_negative(double pixels);
  /// Expects validation areas of so many pixels of the model's resolution in all.
  void plan_validation(double pixels);
};

}  // namespace plat
