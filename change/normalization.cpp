// SPDX-License-Identifier: Apache-2.0
#include "change/normalization.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>

namespace plat {
namespace {

constexpr int64_t kLeastPixels = 500;
constexpr std::size_t kKnots = 64;
/// Correlations that move less than this have settled.
constexpr double kSettled = 1e-5;
/// Directions of less than this share of the greatest variance are rounding: bands depend on one another.
constexpr double kDependent = 1e-9;
/// Where lines fit, unchanged pixels correlate at least so, and are at least this share: bent values are a line for a few.
constexpr double kFitting = 0.99;
constexpr double kLeastUnchanged = 0.2;
/// Variance of a difference of canonical variates below which it is rounding.
constexpr double kLeastVariance = 1e-10;

/// The probability that a chi-squared variable of `k` degrees of freedom exceeds z: a finite sum for whole k.
double chi_squared_above(double z, int k) {
  const double half = 0.5 * std::max(0.0, z);
  double sum = 0;
  double term = k % 2 == 0 ? 1 : 2 * std::sqrt(half / std::numbers::pi);
  for (int j = k % 2 == 0 ? 0 : 1; 2 * j < k; ++j) {
    sum += term;
    term *= half / (k % 2 == 0 ? j + 1 : j + 0.5);
  }
  return (k % 2 == 0 ? 0 : std::erfc(std::sqrt(half))) + std::exp(-half) * sum;
}

/// What weighting normal differences by their own chi-squared probability leaves of their variance: 2 P(X > Y), X and Y of k and
/// k + 2 degrees of freedom. Left in, it makes the spread of one or two bands shrink to nothing round by round.
double variance_left(int k) {
  const double a = 0.5 * k;
  return 1 - std::exp2(1 - k) / a * std::exp(std::lgamma(2 * a) - 2 * std::lgamma(a));
}

struct Moments {
  cv::Mat mean;        ///< a row
  cv::Mat covariance;  ///< weighted
};

Moments moments(const cv::Mat& rows, const std::vector<double>& weights) {
  const int bands = rows.cols;
  Moments m{cv::Mat::zeros(1, bands, CV_64F), cv::Mat::zeros(bands, bands, CV_64F)};
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(total > 0)) return m;
  auto* mean = m.mean.ptr<double>();
  for (int i = 0; i < rows.rows; ++i) {
    const auto* row = rows.ptr<double>(i);
    for (int b = 0; b < bands; ++b) mean[b] += weights[static_cast<std::size_t>(i)] / total * row[b];
  }
  for (int i = 0; i < rows.rows; ++i) {
    const auto* row = rows.ptr<double>(i);
    for (int a = 0; a < bands; ++a) {
      const double weighted = weights[static_cast<std::size_t>(i)] / total * (row[a] - mean[a]);
      auto* sum = m.covariance.ptr<double>(a);
      for (int b = a; b < bands; ++b) sum[b] += weighted * (row[b] - mean[b]);
    }
  }
  cv::completeSymm(m.covariance);
  return m;
}

/// Rows that make bands of this covariance uncorrelated and of variance 1; fewer than bands where those depend on one another.
cv::Mat whitening(const cv::Mat& covariance) {
  cv::Mat values, vectors;
  cv::eigen(covariance, values, vectors);
  cv::Mat rows(0, covariance.cols, CV_64F);
  for (int i = 0; i < values.rows; ++i) {
    const double value = values.at<double>(i);
    if (value > kDependent * std::max(values.at<double>(0), 1e-12)) rows.push_back(vectors.row(i) / std::sqrt(value));
  }
  return rows;
}

/// The values in rows, each band to mean 0 and variance 1 (0 where it is constant), so that units do not matter.
cv::Mat standardized(const PixelPairs& pairs) {
  cv::Mat rows(static_cast<int>(pairs.size()), static_cast<int>(pairs.bands()), CV_64F);
  std::ranges::copy(pairs.values, rows.ptr<double>());
  for (int b = 0; b < rows.cols; ++b) {
    cv::Scalar mean, deviation;
    cv::meanStdDev(rows.col(b), mean, deviation);
    // Nearly equal values are one value and rounding.
    const bool varies = deviation[0] > 1e-6 * std::abs(mean[0]);
    for (int i = 0; i < rows.rows; ++i) {
      double& value = rows.at<double>(i, b);
      value = varies ? (value - mean[0]) / deviation[0] : 0;
    }
  }
  return rows;
}

struct BandPair {
  std::vector<double> before;
  std::vector<double> after;
};

BandPair band_of(const PixelPairs& pairs, int64_t band) {
  BandPair pair;
  for (int64_t i = 0; i < pairs.size(); ++i) {
    const auto at = static_cast<std::size_t>(i * pairs.bands() + band);
    pair.before.push_back(static_cast<double>(pairs.values[at]));
    pair.after.push_back(static_cast<double>(pairs.values[at + static_cast<std::size_t>(pairs.before_bands)]));
  }
  return pair;
}

/// How two bands agree: means, deviations, correlation and root mean square difference, weighted.
struct Agreement {
  double mean_before = 0, mean_after = 0;
  double deviation_before = 0, deviation_after = 0;
  double correlation = 0;
  double rmse = 0;

  bool varies() const {
    return deviation_before > 1e-6 * std::abs(mean_before) && deviation_after > 1e-6 * std::abs(mean_after);
  }
};

Agreement agreement(const std::vector<double>& before, const std::vector<double>& after,
                    const std::vector<double>& weights) {
  cv::Mat rows(static_cast<int>(before.size()), 2, CV_64F);
  for (int i = 0; i < rows.rows; ++i) {
    rows.at<double>(i, 0) = before[static_cast<std::size_t>(i)];
    rows.at<double>(i, 1) = after[static_cast<std::size_t>(i)];
  }
  const Moments m = moments(rows, weights);
  Agreement a;
  a.mean_before = m.mean.at<double>(0);
  a.mean_after = m.mean.at<double>(1);
  a.deviation_before = std::sqrt(m.covariance.at<double>(0, 0));
  a.deviation_after = std::sqrt(m.covariance.at<double>(1, 1));
  if (a.varies()) a.correlation = m.covariance.at<double>(0, 1) / (a.deviation_before * a.deviation_after);
  a.rmse = std::sqrt(std::max(0.0, std::pow(a.mean_before - a.mean_after, 2) + m.covariance.at<double>(0, 0) +
                                       m.covariance.at<double>(1, 1) - 2 * m.covariance.at<double>(0, 1)));
  return a;
}

double quantile(const std::vector<double>& sorted, double p) {
  const double rank = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  if (below + 1 == sorted.size()) return sorted.back();
  return sorted[below] + (rank - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

/// Joins the quantiles of both. The outermost ones lie within the values, so that single pixels do not bend the ends.
ToneCurve between_quantiles(BandPair band) {
  std::ranges::sort(band.before);
  std::ranges::sort(band.after);
  ToneCurve curve;
  double same = 0;  // quantiles that fall on one value after: before, their mean counts
  for (std::size_t i = 0; i < kKnots; ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(kKnots);
    const double from = quantile(band.after, p);
    const double to = quantile(band.before, p);
    if (!curve.from.empty() && from == curve.from.back()) {
      curve.to.back() += (to - curve.to.back()) / ++same;
      continue;
    }
    curve.from.push_back(from);
    curve.to.push_back(to);
    same = 1;
  }
  const bool varies = curve.from.size() > 1 && curve.to.front() < curve.to.back();
  return varies ? curve : ToneCurve{};
}

/// The line by which the unchanged pixels after become those before.
ToneCurve unchanged_line(const Agreement& a, BandAgreement& told) {
  if (!a.varies()) return {};
  told.gain = a.deviation_before / a.deviation_after;
  told.offset = a.mean_before - told.gain * a.mean_after;
  return ToneCurve::line(told.gain, told.offset);
}

/// How well bands agree over unchanged pixels once those after pass the curves.
std::vector<Agreement> outcome(const PixelPairs& pairs, const std::vector<ToneCurve>& curves,
                               const std::vector<double>& weights) {
  std::vector<Agreement> result;
  for (int64_t b = 0; b < pairs.before_bands; ++b) {
    BandPair band = band_of(pairs, b);
    if (!curves.empty()) std::ranges::transform(band.after, band.after.begin(), curves[static_cast<std::size_t>(b)]);
    result.push_back(agreement(band.before, band.after, weights));
  }
  return result;
}

}  // namespace

Normalization normalization_of(const std::string& text) {
  for (const auto n : {Normalization::None, Normalization::Histogram, Normalization::IrMad, Normalization::Auto}) {
    if (text == name_of(n)) return n;
  }
  throw UsageError("--normalize: '" + text + "' is none of none, histogram, irmad, auto.");
}

std::string name_of(Normalization normalization) {
  switch (normalization) {
    case Normalization::None: return "none";
    case Normalization::Histogram: return "histogram";
    case Normalization::IrMad: return "irmad";
    case Normalization::Auto: return "auto";
  }
  return "";
}

UnchangedPixels find_unchanged(const PixelPairs& pairs, int most_rounds) {
  UnchangedPixels found;
  found.probability.assign(static_cast<std::size_t>(pairs.size()), 1);
  if (found.probability.empty()) return found;
  const cv::Mat rows = standardized(pairs);
  const auto before_bands = static_cast<int>(pairs.before_bands);
  while (found.rounds < most_rounds) {
    throw_if_cancelled();
    const Moments m = moments(rows, found.probability);
    const cv::Range before(0, before_bands), after(before_bands, rows.cols);
    const cv::Mat white_before = whitening(m.covariance(before, before));
    const cv::Mat white_after = whitening(m.covariance(after, after));
    const int pairs_of_variates = std::min(white_before.rows, white_after.rows);
    if (pairs_of_variates == 0) break;
    // Canonical correlation: the singular values of what whitened bands have in common.
    const cv::SVD svd(white_before * m.covariance(before, after) * white_after.t());
    cv::Mat differences;  // of each pair of canonical variates, as combinations of the bands
    const cv::Mat of_before = svd.u.t() * white_before, of_after = -svd.vt * white_after;
    cv::hconcat(of_before.rowRange(0, pairs_of_variates), of_after.rowRange(0, pairs_of_variates), differences);
    std::vector<double> correlations;
    const double left = found.rounds == 0 ? 1 : variance_left(pairs_of_variates);
    for (int k = 0; k < pairs_of_variates; ++k) {
      correlations.push_back(std::clamp(svd.w.at<double>(k), 0.0, 1.0));
      differences.row(k) *= std::sqrt(left / std::max(kLeastVariance, 2 * (1 - correlations.back())));
    }
    for (int i = 0; i < rows.rows; ++i) {
      const auto* row = rows.ptr<double>(i);
      const auto* mean = m.mean.ptr<double>();
      double squares = 0;
      for (int k = 0; k < pairs_of_variates; ++k) {
        const auto* of = differences.ptr<double>(k);
        double difference = 0;
        for (int b = 0; b < rows.cols; ++b) difference += of[b] * (row[b] - mean[b]);
        squares += difference * difference;
      }
      found.probability[static_cast<std::size_t>(i)] = chi_squared_above(squares, pairs_of_variates);
    }
    ++found.rounds;
    double moved = correlations.size() == found.canonical_correlations.size() ? 0 : 1;
    for (std::size_t k = 0; moved < 1 && k < correlations.size(); ++k) {
      moved = std::max(moved, std::abs(correlations[k] - found.canonical_correlations[k]));
    }
    found.canonical_correlations = std::move(correlations);
    if (moved < kSettled) break;
  }
  // Of what has not changed this share is at least so probable.
  constexpr double kDoubt = 0.05;
  const auto likely = std::ranges::count_if(found.probability, [](double p) { return p > kDoubt; });
  found.share =
      std::min(1.0, static_cast<double>(likely) / (1 - kDoubt) / static_cast<double>(found.probability.size()));
  return found;
}

RadiometricFit fit_normalization(const PixelPairs& pairs, Normalization wanted) {
  RadiometricFit fit;
  fit.pixels = pairs.size();
  if (wanted == Normalization::None) return fit;
  if (pairs.before_bands != pairs.after_bands) {
    fit.obstacle =
        "they have " + std::to_string(pairs.before_bands) + " and " + std::to_string(pairs.after_bands) + " bands";
    return fit;
  }
  if (pairs.size() < kLeastPixels) {
    fit.obstacle = "only " + std::to_string(pairs.size()) + " of the pixels looked at are seen on both dates, and " +
                   std::to_string(kLeastPixels) + " are needed";
    return fit;
  }
  const UnchangedPixels unchanged = find_unchanged(pairs);
  fit.canonical_correlations = unchanged.canonical_correlations;
  fit.unchanged_share = unchanged.share;
  fit.rounds = unchanged.rounds;
  if (unchanged.canonical_correlations.empty()) {
    fit.obstacle = "no band has more than one value on both dates";
    return fit;
  }

  const std::vector<Agreement> as_stored = outcome(pairs, {}, unchanged.probability);
  std::vector<ToneCurve> lines;
  bool rises = true, fits = unchanged.share >= kLeastUnchanged;
  for (std::size_t b = 0; b < as_stored.size(); ++b) {
    const Agreement& a = as_stored[b];
    BandAgreement& told = fit.bands.emplace_back();
    told.correlation_before = a.correlation;
    told.rmse_before = a.rmse;
    lines.push_back(unchanged_line(a, told));
    rises = rises && (!a.varies() || a.correlation > 0);
    fits = fits && (!a.varies() || a.correlation >= kFitting);
  }
  fit.used = wanted;
  // Also where both are nearly alike: a network's answer then does not depend on how the later scene was developed.
  if (wanted == Normalization::Auto) fit.used = fits ? Normalization::IrMad : Normalization::Histogram;
  if (fit.used == Normalization::IrMad && !rises) {
    fit.used = Normalization::None;
    fit.obstacle = "no rising line fits the pixels that seem unchanged";
  }
  if (fit.used == Normalization::IrMad) fit.curves = std::move(lines);
  if (fit.used == Normalization::Histogram) {
    for (int64_t b = 0; b < pairs.before_bands; ++b) fit.curves.push_back(between_quantiles(band_of(pairs, b)));
  }
  const std::vector<Agreement> normalized = outcome(pairs, fit.curves, unchanged.probability);
  for (std::size_t b = 0; b < fit.bands.size(); ++b) {
    BandAgreement& told = fit.bands[b];
    told.correlation_after = normalized[b].correlation;
    told.rmse_after = normalized[b].rmse;
    if (fit.used != Normalization::IrMad) told.gain = 1, told.offset = 0;
  }
  return fit;
}

std::string RadiometricFit::text() const {
  std::string text = name_of(used);
  if (!obstacle.empty()) return text + " (" + obstacle + ")";
  if (bands.empty()) return text;
  const auto list = [&](double BandAgreement::*member, const char* format) {
    std::string all;
    for (const BandAgreement& band : bands) {
      char number[40];
      std::snprintf(number, sizeof number, format, band.*member);
      all += (all.empty() ? "" : " ") + std::string(number);
    }
    return all;
  };
  char share[80];
  std::snprintf(share, sizeof share, " (%.0f %% of %lld pixels unchanged", 100 * unchanged_share,
                static_cast<long long>(pixels));
  text += share;
  if (used == Normalization::IrMad) {
    text += "; gain " + list(&BandAgreement::gain, "%.4g") + ", offset " + list(&BandAgreement::offset, "%.4g");
  }
  return text + "; rmse of these " + list(&BandAgreement::rmse_before, "%.3g") + " -> " +
         list(&BandAgreement::rmse_after, "%.3g") + ")";
}

}  // namespace plat
