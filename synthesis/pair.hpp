// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"
#include "synthesis/scene.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// What happens to a drawn town between two dates, and what differs in the camera that sees it the second time. The
/// shares are of all houses that stand at either date; a house changes once at most. Defaults as in real pairs.
struct PairOptions {
  double appear = 0.08;                         ///< share of houses built, 0 .. 1; the four shares add up to 1 at most
  double vanish = 0.06;                         ///< share torn down
  double grow = 0.03;                           ///< share extended: 20 to 55 % of what then stands is new
  double shrink = 0.02;                         ///< share of which as much is torn down
  double sun_azimuth_deg = 215;                 ///< of the after image, clockwise from its top
  double sun_elevation_deg = 38;                ///< of the after image, 15 .. 85
  double dryness = 0.5;                         ///< how far plants have withered since: 0 not at all .. 1 all
  double moved_cars = 0.8;                      ///< share of cars that come or go
  double moved_trees = 0.06;                    ///< share of trees felled or grown
  double roof_tone = 0.03;                      ///< deviation of the factor by which a roof that stays is brighter
  std::array<double, 3> gain{1.06, 1.0, 0.93};  ///< of the after image's grey values, for each band, 0.2 .. 5
  std::array<double, 3> offset{-3, 2, 6};       ///< grey values (of 255) added then, -128 .. 128
  double gamma = 1.1;                           ///< exponent of its grey values, as shares of 255, 0.2 .. 5
  Point shift_px{2.3, -1.4};  ///< where the after image shows things, right and down of where they are; 12 at most
  double noise = 1.8;         ///< of the after image, standard deviation in grey values (of 255)

  /// Both images have been JPEGs of this quality, 1 .. 100; 0: never. The bytes then depend on the JPEG library.
  int jpeg_quality = 0;

  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

/// What happened to a building between the dates.
enum class DrawnChange { Appeared, Vanished, Grown, Shrunk, Unchanged };
/// Its name in files: "appeared", "vanished", "grown", "shrunk", "unchanged".
std::string name_of(DrawnChange change);

/// A building at both dates: roof outlines cut at the image's edge, in pixel coordinates of the before image.
struct PairedBuilding {
  int64_t id = 0;  ///< from 1, the same at both dates
  DrawnChange change = DrawnChange::Unchanged;
  MultiPolygon before;  ///< empty where it is not there
  MultiPolygon after;
  double area_before_m2 = 0;
  double area_after_m2 = 0;
  double iou = 0;  ///< intersection over union of both outlines
};

/// One town seen at two dates.
struct DrawnPair {
  Image<uint8_t> before;  ///< red, green, blue
  Image<uint8_t> after;
  std::vector<PairedBuilding> buildings;
  double gsd_m = 0;
};

/// Draws a town at two dates: the style says what it is and how the before image shows it. Where a house is torn down or
/// not built yet lies grass, soil or gravel. The same arguments give the same pair. Thread-safe.
DrawnPair draw_pair(int64_t width, int64_t height, uint64_t seed, const SceneStyle& style, const PairOptions& options);

}  // namespace plat
