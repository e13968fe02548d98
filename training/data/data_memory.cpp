// SPDX-License-Identifier: Apache-2.0
#include "training/data/data_memory.hpp"

#include "training/data/scene_loader.hpp"
#include "training/data/validation_areas.hpp"

#include <algorithm>

namespace plat {
namespace {

// Red, green and blue with two reductions, and a PixelUse.
constexpr double kBytesPerPixel = 3 * (1 + 1.0 / 4 + 1.0 / 16) + 1;
// Where a raster has data, or where its labels are unknown.
constexpr double kLoadingBytesPerPixel = 1;
// Of a small raster: its floating-point copies and its blocks in GDAL's cache.
constexpr double kReadingBytesPerPixel = 40;

/// Whole bytes of which a few sums do not overflow.
int64_t bounded(double bytes) {
  constexpr double kMost = 1e17;
  return static_cast<int64_t>(std::min(bytes, kMost));
}

/// What is needed beside the result while a scene is read.
int64_t loading(double pixels) {
  return std::min(kSceneReadBytes, bounded(pixels * kReadingBytesPerPixel)) + bounded(pixels * kLoadingBytesPerPixel);
}

int64_t sum(int64_t a, int64_t b) { return bounded(static_cast<double>(a) + static_cast<double>(b)); }

}  // namespace

void DataMemory::add_scene(const std::string& name, double pixels) {
  ++scenes;
  const int64_t bytes = bounded(pixels * kBytesPerPixel);
  scene_bytes = sum(scene_bytes, bytes);
  loading_bytes = std::max(loading_bytes, loading(pixels));
  if (bytes <= largest_bytes) return;
  largest = name;
  largest_bytes = bytes;
}

void DataMemory::add_negative(double pixels) {
  ++negatives;
  negative_bytes = sum(negative_bytes, bounded(pixels * kBytesPerPixel));
  loading_bytes = std::max(loading_bytes, loading(pixels));
}

void DataMemory::plan_validation(double pixels) {
  // Areas lie apart: what is looked at around them is many times a small one, and little of a large one.
  constexpr double kAround = 2;
  validation_bytes =
      bounded(std::min(kAround * pixels, static_cast<double>(kLargestValidationArea)) * kValidationBytesPerPixel);
}

}  // namespace plat
