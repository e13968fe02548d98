// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "core/instance_thresholds.hpp"
#include "core/window.hpp"
#include "postprocess/stitcher.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace plat {

/// What another image of the same ground tells of an object.
struct Testimony {
  double says = 0;    ///< mean of its extent over those of the object's pixels that it shows, in [0, 1]
  double unseen = 0;  ///< the share of them that it does not show, in [0, 1]
  bool operator==(const Testimony&) const = default;
};

/// One connected region of a class, cut out of the scene, with its objects told apart.
struct InstancePatch {
  Window window;          ///< where it lies in the scene
  Image<int32_t> labels;  ///< 0 = no object of this region, else 1..count in order of first pixel (row-major)
  int32_t count = 0;
  std::vector<double> score;  ///< mean extent probability of each object, in [0, 1]
  /// For each witness what it tells of each object.
  std::vector<std::vector<Testimony>> witnesses = {};
};

/// Splits a stitched extent/boundary/distance image into objects by a marker-controlled watershed; pixels that are not
/// `valid` never belong to one. `maps` holds the three maps of one class. Labels are 1..count in order of first pixel.
/// Deterministic, for any number of threads.
///
/// The class's pixels are those of enough extent. The relief distance - boundary_weight * boundary is smoothed over each
/// region of connected pixels; its tops that rise by seed_contrast above the saddle to the next higher one are the objects'
/// seeds, so each region has one at least. Seeds grow downhill through the region until they meet; equal heights are shared
/// by distance from the seeds. Pinholes of up to kLargestFilledHole valid pixels are filled. Objects whose mean probability
/// is below min_score are dropped.
/// With close_gap_px, objects grow into valid gaps between them that are no wider (wherever a larger disc does not fit)
/// until they meet; which pixels of the class are whose stays as it was.
Image<int32_t> split_instances(const Image<float>& maps, const Image<uint8_t>& valid,
                               const InstanceThresholds& thresholds);

/// Holes in a region of no more pixels than this are filled.
inline constexpr int64_t kLargestFilledHole = 16;
/// The widest gaps that can be closed, in pixels.
inline constexpr double kWidestGapPixels = 20;
/// Bounding boxes of regions stay below this many pixels (about half a gigabyte while such a region is split).
inline constexpr int64_t kLargestRegion = int64_t{1} << 25;

/// What a region takes besides the pixels of its window, told in such pixels: many small regions wait no longer than a few large ones.
inline constexpr int64_t kPixelsPerRegion = 256;

/// What the regions of a class may take. Regions that outgrow it are cut along pixel edges, and a warning says so (fields that cover a
/// whole scene, for example); their parts are split on their own.
struct InstanceLimits {
  int64_t region_pixels = kLargestRegion;  ///< of the bounding box of a region, at most kLargestRegion
  /// Of all regions that go on below what is known of the scene. Where they are more, the largest are cut.
  int64_t open_pixels = std::numeric_limits<int64_t>::max();
  /// What a row of blocks that is not complete takes in memory; more of it goes to a file.
  int64_t waiting_bytes = std::numeric_limits<int64_t>::max();
};

/// Finds the objects of one class in blocks of a scene as they come. A region (connected pixels of the class) is split as
/// soon as its last row has passed: the result equals that of the whole scene at once, whatever the blocks, while memory
/// holds only the regions still open. Regions that only a gap to be closed separates are one, so that their outlines can be
/// made together. Regions are handed on ordered by last row, then by first pixel (row-major): an order
/// that blocks and threads do not change, and in which no region waits for another.
/// Where regions outgrow the limits depends on the scene's rows alone, not on blocks or threads.
/// Witnesses are further maps of the class behind its three: what other images of the same ground give for the extent, or a
/// value below 0 where they show nothing. They have no part in telling objects apart.
/// Regions are split in parallel; the sink is called from the thread that calls `add` and `finish`. Not thread-safe.
class InstanceStream {
 public:
  InstanceStream(int64_t scene_width, InstanceThresholds thresholds, std::function<void(InstancePatch&&)> sink,
                 const InstanceLimits& limits = {}, int64_t witnesses = 0);
  ~InstanceStream();
  /// The next block of the scene, in a Stitcher's order. `first_band`: where the class's maps begin in it.
  void add(const MapBlock& block, int64_t first_band);
  void finish();
  /// Where regions lie that are yet to be handed on: in these windows, or from first_new_row() on.
  std::vector<Window> open_windows() const;
  /// No region that has no pixel yet will have one above this row of the scene.
  int64_t first_new_row() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
