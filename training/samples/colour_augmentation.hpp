// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "training/samples/light_changes.hpp"
#include "training/samples/random.hpp"

#include <utility>

namespace plat {

/// How often and how far the colours and the sharpness of training pixels are changed. Chances are in [0, 1]; ranges are
/// drawn from uniformly; a {0, 0} range or a chance of 0 turns a change off.
struct ColourOptions {
  LightOptions light;          ///< haze, uneven sun and shadows, which come first: they are there before a sensor is
  double permute = 0.15;       ///< chance that the bands change places
  double mix = 0.15;           ///< chance that each band becomes a random mixture of all
  double grey = 0.35;          ///< chance that all bands become one grey (panchromatic imagery)
  double infrared = 0.4;       ///< chance that vegetation shines in the grey, as with sensors that see infrared
  double infrared_gain = 2.5;  ///< most that it shines, as a multiple of its greenness
  double saturate = 0.7;       ///< chance of another saturation, where not grey
  std::pair<double, double> saturation = {0.4, 1.6};          ///< factor
  double coarsen = 0.3;                                       ///< chance of a loss of resolution
  std::pair<double, double> coarseness = {1.3, 2.6};          ///< factor by which pixels get larger, at least 1
  double blur = 0.15;                                         ///< chance of a Gaussian blur, where not coarsened
  std::pair<double, double> blur_deviation = {0.4, 1.2};      ///< pixels
  double sharpen = 0.15;                                      ///< chance of an unsharp mask, where neither of the above
  std::pair<double, double> sharpness = {0.3, 1.0};           ///< strength
  double stretch = 0.3;                                       ///< chance of a percentile stretch
  double stretch_percent = 4;                                 ///< largest share cut at either end, percent
  double log_gamma = 0.5;                                     ///< gamma is exp of a number in [-this, this]
  double log_contrast = 0.4;                                  ///< contrast is exp of a number in [-this, this]
  double brightness = 0.15;                                   ///< largest shift, as a share of the range
  double log_balance = 0.1;                                   ///< gain of each band is exp of a number in [-this, this]
  double noise = 0.3;                                         ///< chance of Gaussian noise
  std::pair<double, double> noise_deviation = {0.005, 0.04};  ///< as a share of the range
  double jpeg = 0.15;                                         ///< chance of JPEG artefacts
  std::pair<double, double> jpeg_quality = {30, 90};          ///< 1..100
  /// Throws UsageError naming the field.
  void validate() const;
};

/// Changes three bands in 0..255 as another sensor, season or processing might have; the result stays in 0..255.
Image<float> augment_colour(Image<float> pixels, Random& random, const ColourOptions& options = {});

}  // namespace plat
