// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/geometry.hpp"

#include <cstdint>
#include <vector>

namespace plat {

/// Whose houses a scene shows: roof shapes, materials, lot sizes and gardens go together.
enum class Region {
  Suburb,        ///< detached houses with pitched shingle or tile roofs, lawns, driveways
  EuropeanTown,  ///< rows and closed blocks with clay tile roofs
  DenseTown,     ///< South Asian: touching flat concrete roofs with parapets, tanks, coloured sheet metal
  Village,       ///< scattered small metal or thatched roofs on bare soil
  DryTown,       ///< touching flat pale roofs, courtyards, hardly any green
};

/// What a drawn scene looks like. Lengths in metres, angles in degrees, colours as seen (0..1).
struct SceneStyle {
  Region region = Region::DenseTown;
  double gsd_m = 0.3;             ///< ground sample distance, 0.05 .. 2
  double density = 0.6;           ///< how built-up the middle is: 0 open country .. 1 town
  double density_spread = 0.3;    ///< how much that varies over the scene, 0 .. 1
  double green = 0.5;             ///< trees and lawns: 0 none .. 1 lush
  double industry = 0.1;          ///< share of blocks with large halls, 0 .. 1
  double sun_azimuth_deg = 150;   ///< where the light comes from, clockwise from the top of the image
  double sun_elevation_deg = 50;  ///< 15 .. 85
  double sun_strength = 1.0;      ///< 1 clear sky .. 0 overcast without shadows
  double lean = 0.0;            ///< metres that a roof is displaced for each metre of height (off-nadir view), 0 .. 0.3
  double lean_azimuth_deg = 0;  ///< where it is displaced to
  double street_angle_deg = 15;   ///< direction of the street grid
  double street_curvature = 0.5;  ///< 0 straight .. 1 strongly bent
  double exposure = 1.0;          ///< brightness factor
  double contrast = 1.0;          ///< about the middle grey
  double saturation = 1.0;        ///< 0 grey .. 1 as painted .. 1.4 vivid
  double warmth = 0.0;            ///< colour cast: -0.1 blue .. 0.1 yellow
  double haze = 0.03;             ///< share of white veil, 0 .. 0.3
  double blur_px = 0.5;           ///< the sensor's point spread, standard deviation in pixels
  double sharpening = 0.2;        ///< unsharp mask applied by the producer, 0 .. 1
  double noise = 2.0;             ///< standard deviation of the noise in grey values (of 255)

  /// Throws UsageError naming the field that is out of its range.
  void validate() const;
};

/// A style drawn at random, so that scenes of many seeds cover suburbs to dense towns, seasons, suns and sensors.
SceneStyle random_style(uint64_t seed);

/// An invented aerial image and what is true in it.
struct DrawnScene {
  Image<float> pixels;             ///< red, green, blue in 0..255, whole numbers
  std::vector<Polygon> buildings;  ///< roof outlines as seen, in pixel coordinates; those at the edge reach outside
  std::vector<Polygon> fields;     ///< cultivated fields, likewise
  double gsd_m = 0;
};

/// Draws a scene: the same arguments give the same scene. Outlines of buildings touch but do not overlap (but for
/// slivers below half a pixel); trees may hide a part of a roof, as in real imagery. 512 x 512 pixels take about 0.15 s.
/// Thread-safe.
DrawnScene draw_scene(int64_t width, int64_t height, uint64_t seed, const SceneStyle& style);
/// The part of an outline in pixel coordinates that lies in an image; empty where that is below 16 pixels.
MultiPolygon visible_part(const Polygon& outline, int64_t width, int64_t height);
/// Draws a scene in a random style: training data of any amount.
DrawnScene draw_random_scene(int64_t width, int64_t height, uint64_t seed);

}  // namespace plat
