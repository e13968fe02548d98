// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "geo/scaling.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plat {

/// How the radiometry of the later of two scenes is made that of the earlier.
enum class Normalization : uint8_t {
  None,       ///< each scene is shown by its own values
  Histogram,  ///< quantiles are made equal, band by band
  IrMad,      ///< a line a band, fitted to the pixels that have not changed
  Auto,       ///< what fits (fit_normalization)
};
/// "none", "histogram", "irmad" or "auto"; throws UsageError.
Normalization normalization_of(const std::string& text);
std::string name_of(Normalization normalization);

/// Values of pixels that two scenes both show.
struct PixelPairs {
  int64_t before_bands = 0;
  int64_t after_bands = 0;
  std::vector<float> values = {};  ///< pixel by pixel: the bands before, then those after

  int64_t bands() const { return before_bands + after_bands; }
  int64_t size() const { return bands() == 0 ? 0 : static_cast<int64_t>(values.size()) / bands(); }
};

/// Which pixels have not changed between two dates.
struct UnchangedPixels {
  std::vector<double> probability;  ///< of each pixel
  std::vector<double>
      canonical_correlations;  ///< of the unchanged pixels' bands, falling; fewer than bands where those depend on one another
  double share = 0;            ///< of all pixels, 0..1
  int rounds = 0;
};

inline constexpr int kMostMadRounds = 30;

/// Iteratively reweighted multivariate alteration detection (IR-MAD; Nielsen 2007, https://doi.org/10.1109/TIP.2006.888195):
/// differences of canonical variates, whose sum of squares is chi-squared where nothing has changed; each pixel weighs as probable as
/// that is, until the correlations settle. Affine changes of either scene's bands, also mixtures of them, do not matter, nor do
/// constant or dependent bands, nor unequal numbers of bands. Beyond Nielsen, squares are scaled by what such weights leave of normal
/// differences' variance: else the spread of few bands shrinks round by round, and `share` means nothing. One round is plain MAD.
/// Deterministic.
UnchangedPixels find_unchanged(const PixelPairs& pairs, int most_rounds = kMostMadRounds);

/// How well a band agrees with the same band before, over the unchanged pixels, each weighted by its probability.
struct BandAgreement {
  double gain = 1;  ///< before = gain * after + offset, where a line was fitted
  double offset = 0;
  double correlation_before = 0;  ///< of values as they are; 0 where a band is of one value
  double correlation_after = 0;   ///< of those that are normalized
  double rmse_before = 0;         ///< in values of the scene before
  double rmse_after = 0;
};

/// A normalization and how well it fits.
struct RadiometricFit {
  Normalization used = Normalization::None;  ///< never Auto
  std::string obstacle;                      ///< why there is none; empty where there is, or where none is better
  std::vector<ToneCurve> curves;             ///< a band each; empty: values stay
  std::vector<BandAgreement> bands;          ///< empty where none was looked for
  std::vector<double> canonical_correlations;
  double unchanged_share = 0;
  int rounds = 0;
  int64_t pixels = 0;

  /// For people: "irmad (82 % of 200000 pixels unchanged; gain 1.02 0.98 0.95, offset 3.1 2.0 7.2; rmse 12.1 -> 8.4)".
  std::string text() const;
};

/// Finds what takes the values of the scene after to those of the scene before. Lines are orthogonal regressions of standardized
/// values (the reduced major axis, which no change of units moves) over unchanged pixels; curves join 64 quantiles. A band of one
/// value at either date stays as it is. Auto leaves values that agree already (over unchanged pixels to a fourth of a band's
/// deviation); else it takes lines where they fit (a fifth of the pixels is unchanged, and correlates to 0.99 in each band), else
/// curves: on bent values lines let the unchanged be called changed. An obstacle is said where too few pixels are shown by both
/// dates, no band varies, numbers of bands differ, or no line rises. Deterministic.
RadiometricFit fit_normalization(const PixelPairs& pairs, Normalization wanted);

}  // namespace plat
