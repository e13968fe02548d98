// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/image.hpp"
#include "geo/raster_reader.hpp"

#include <string>
#include <vector>

namespace plat {

/// A piecewise linear map of a band's values that never falls; beyond its knots it goes on at its mean slope. Without knots: as they are.
struct ToneCurve {
  std::vector<double> from = {};  ///< rising; none, or two or more
  std::vector<double> to = {};    ///< as many

  static ToneCurve line(double gain, double offset);
  double operator()(double value) const;
};

/// Maps stored values to the display range 0..255, band by band: value -> clamp((value - low) / (high - low)) * 255.
/// Decided once per scene, never per tile.
struct Scaling {
  std::vector<double> low;
  std::vector<double> high;
  std::vector<ToneCurve> curves = {};  ///< what values pass first, a band each; empty: none

  /// Bytes as they are.
  static Scaling identity(int bands);
  /// Scales in place.
  void apply(Image<float>& pixels) const;
};

inline constexpr double kLowPercent = 1.0;
inline constexpr double kHighPercent = 99.0;
inline constexpr int64_t kMaxSamples = 4'000'000;

/// Percentiles (0..100) of each band's valid pixels, from at most about `max_samples` pixels spread over the whole
/// scene (streamed; overviews used; damage passed over). Where they coincide the least and the greatest value, and where those do
/// within what rounding explains, one value: nothing is shown then. Huge fill values that the file does not declare do not
/// count; a warning names them and those that undeclared_fill() finds. Throws DataError when the scene has no valid pixel, IoError when none can be read.
Scaling percentile_scaling(RasterReader& reader, double low_percent = kLowPercent, double high_percent = kHighPercent,
                           int64_t max_samples = kMaxSamples);
/// Identity for bytes, in a type of their own or in wider whole numbers; percentiles for all others.
Scaling default_scaling(RasterReader& reader);

/// One sentence on a value that looks like missing data which the file does not declare: a part of the scene holds it in all bands, far
/// from all other values, as -9999 or 65535 along its border. Empty where there is none, for bytes, and where no pixel can be read.
std::string undeclared_fill(const RasterReader& reader);

}  // namespace plat
