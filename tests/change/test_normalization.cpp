// SPDX-License-Identifier: Apache-2.0
#include "change/normalization.hpp"
#include "core/error.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

using plat::fit_normalization;
using plat::Normalization;
using plat::PixelPairs;
using plat::RadiometricFit;

namespace {

constexpr std::array<double, 3> kGain{0.6, 1.4, 0.9};
constexpr std::array<double, 3> kOffset{40, -20, 5};

/// Pixels of three bands that depend on one another, before = gain * after + offset but for noise; the first ones have changed.
PixelPairs drawn_pairs(double changed_share, double noise, int64_t count = 20'000, unsigned seed = 5) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  PixelPairs pairs{3, 3};
  for (int64_t i = 0; i < count; ++i) {
    const double light = 30 * normal(random);
    const double other = 40 * normal(random);
    std::array<double, 3> before{}, after{};
    for (std::size_t b = 0; b < 3; ++b) {
      before[b] = 110 + light + 12 * normal(random);
      after[b] = (before[b] - kOffset[b]) / kGain[b] + noise * normal(random);
      if (static_cast<double>(i) < changed_share * static_cast<double>(count)) {
        after[b] = 190 + other + 15 * normal(random);
      }
    }
    for (const double value : before) pairs.values.push_back(static_cast<float>(value));
    for (const double value : after) pairs.values.push_back(static_cast<float>(value));
  }
  return pairs;
}

/// The slope of least squares of the values before on those after.
double least_squares_gain(const PixelPairs& pairs, int64_t band) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (int64_t i = 0; i < pairs.size(); ++i) {
    const double before = static_cast<double>(pairs.values[static_cast<std::size_t>(6 * i + band)]);
    const double after = static_cast<double>(pairs.values[static_cast<std::size_t>(6 * i + 3 + band)]);
    n += 1, x += after, y += before, xx += after * after, xy += after * before;
  }
  return (n * xy - x * y) / (n * xx - x * x);
}

/// The pixels of irmad_reference.py.
PixelPairs reference_pairs(int count, int changed) {
  int64_t state = 12345;
  const auto unit = [&] {
    state = (1103515245 * state + 12345) % (int64_t{1} << 31);
    return static_cast<double>(state) / static_cast<double>(int64_t{1} << 31);
  };
  PixelPairs pairs{3, 2};
  for (int i = 0; i < count; ++i) {
    const double common = unit();
    const double a = std::floor(100 * common + 60 * unit() + 20);
    const double b = std::floor(150 * common + 30 * unit());
    const double c = std::floor(80 * common + 90 * unit());
    double d = std::floor(0.5 * a + 12 * unit() + 30);
    double e = std::floor(1.5 * c + 0.2 * b + 30 * unit());
    if (i < changed) {
      d = std::floor(200 * unit());
      e = std::floor(250 * unit());
    }
    for (const double value : {a, b, c, d, e}) pairs.values.push_back(static_cast<float>(value));
  }
  return pairs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalization)

BOOST_AUTO_TEST_CASE(gains_and_offsets_are_found_among_changed_pixels) {
  for (const double changed : {0.0, 0.2, 0.4}) {
    BOOST_TEST_CONTEXT("changed " << changed) {
      const PixelPairs pairs = drawn_pairs(changed, 1);
      const RadiometricFit fit = fit_normalization(pairs, Normalization::IrMad);
      BOOST_TEST_REQUIRE(fit.bands.size() == 3);
      BOOST_TEST((fit.used == Normalization::IrMad));
      BOOST_TEST(fit.obstacle == "");
      // Noise of 1 in 30 leaves a line of 20,000 pixels a few thousandths.
      BOOST_TEST(std::abs(fit.unchanged_share - (1 - changed)) < 0.04);
      for (std::size_t b = 0; b < 3; ++b) {
        BOOST_TEST(std::abs(fit.bands[b].gain / kGain[b] - 1) < 0.005);
        BOOST_TEST(std::abs(fit.bands[b].offset - kOffset[b]) < 0.7);
        BOOST_TEST(std::abs(fit.curves[b](100) - (100 * kGain[b] + kOffset[b])) < 0.5);
        BOOST_TEST(fit.bands[b].correlation_after > 0.99);
        BOOST_TEST(fit.bands[b].rmse_after < 1.5);
        BOOST_TEST(fit.bands[b].rmse_before > 5);
        if (changed > 0) {
          BOOST_TEST(std::abs(least_squares_gain(pairs, static_cast<int64_t>(b)) / kGain[b] - 1) > 0.1);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(one_and_two_bands_do_not_shrink_to_nothing) {
  const PixelPairs all = drawn_pairs(0.3, 8);
  for (const std::size_t bands : {1, 2}) {
    PixelPairs pairs{static_cast<int64_t>(bands), static_cast<int64_t>(bands)};
    for (std::size_t i = 0; i < static_cast<std::size_t>(all.size()); ++i) {
      for (std::size_t b = 0; b < bands; ++b) pairs.values.push_back(all.values[6 * i + b]);
      for (std::size_t b = 0; b < bands; ++b) pairs.values.push_back(all.values[6 * i + 3 + b]);
    }
    // A single band takes changed pixels that happen to lie near the line for unchanged.
    BOOST_TEST(std::abs(plat::find_unchanged(pairs).share - 0.7) < (bands == 1 ? 0.15 : 0.08));
  }
}

BOOST_AUTO_TEST_CASE(pixels_that_agree_exactly_have_not_changed) {
  const plat::UnchangedPixels found = plat::find_unchanged(drawn_pairs(0.25, 0));
  BOOST_TEST(std::abs(found.share - 0.75) < 0.05);
  BOOST_TEST(found.canonical_correlations.back() > 0.99999);
}

BOOST_AUTO_TEST_CASE(affine_transforms_of_either_scene_change_nothing) {
  const PixelPairs pairs = drawn_pairs(0.2, 4);
  PixelPairs mixed = pairs;
  for (std::size_t i = 0; i < pairs.values.size(); i += 6) {
    const float* v = &pairs.values[i];
    mixed.values[i] = 2 * v[0] - v[1] + 7;
    mixed.values[i + 1] = 0.01F * v[1] + 0.02F * v[2];
    mixed.values[i + 2] = -v[0] + 3 * v[2] - 1000;
    mixed.values[i + 3] = 500 - 20 * v[3];
    mixed.values[i + 4] = v[4] + v[5];
    mixed.values[i + 5] = v[3] + v[4] - v[5];
  }
  const plat::UnchangedPixels plain = plat::find_unchanged(pairs), moved = plat::find_unchanged(mixed);
  BOOST_TEST(plain.rounds == moved.rounds);
  BOOST_TEST_REQUIRE(moved.canonical_correlations.size() == 3);
  // Values are float32: mixtures round to six digits.
  for (std::size_t k = 0; k < 3; ++k) {
    BOOST_TEST(std::abs(plain.canonical_correlations[k] - moved.canonical_correlations[k]) < 1e-5);
  }
  for (std::size_t i = 0; i < plain.probability.size(); ++i) {
    BOOST_REQUIRE(std::abs(plain.probability[i] - moved.probability[i]) < 1e-3);
  }
}

// Figures of tests/change/irmad_reference.py.
BOOST_AUTO_TEST_CASE(rounds_are_those_of_the_reference) {
  struct Reference {
    int rounds;
    std::array<double, 2> correlations;
    std::array<double, 3> probabilities;  // of pixels 100, 500 and 1000
    double sum;
  };
  const PixelPairs pairs = reference_pairs(2000, 500);
  for (const Reference& expected :
       {Reference{1, {0.70838616, 0.34527927}, {0.06096961, 0.99948594, 0.52564407}, 1370.471791430929},
        Reference{2, {0.97182349, 0.76288443}, {9.68293465e-06, 0.958404440, 0.553448428}, 1287.0009986932278},
        Reference{10, {0.99365664, 0.96875921}, {0, 0.832766688, 0.265803852}, 843.4363476668585}}) {
    const plat::UnchangedPixels found = plat::find_unchanged(pairs, expected.rounds);
    BOOST_TEST(found.rounds == expected.rounds);
    BOOST_TEST_REQUIRE(found.canonical_correlations.size() == 2);
    double sum = 0;
    for (const double p : found.probability) sum += p;
    // The figures are printed to eight digits; sums of 2000 pixels round in another order.
    BOOST_TEST(std::abs(found.canonical_correlations[0] - expected.correlations[0]) < 1e-7);
    BOOST_TEST(std::abs(found.canonical_correlations[1] - expected.correlations[1]) < 1e-7);
    BOOST_TEST(std::abs(found.probability[100] - expected.probabilities[0]) < 1e-6);
    BOOST_TEST(std::abs(found.probability[500] - expected.probabilities[1]) < 1e-6);
    BOOST_TEST(std::abs(found.probability[1000] - expected.probabilities[2]) < 1e-6);
    BOOST_TEST(std::abs(sum - expected.sum) < 1e-4);
  }
}

BOOST_AUTO_TEST_CASE(bands_that_depend_on_one_another_or_are_constant_are_no_obstacle) {
  PixelPairs pairs = drawn_pairs(0.2, 1);
  for (std::size_t i = 0; i < pairs.values.size(); i += 6) {
    pairs.values[i + 1] = pairs.values[i];
    pairs.values[i + 4] = pairs.values[i + 3];
    pairs.values[i + 5] = 9;
  }
  const RadiometricFit fit = fit_normalization(pairs, Normalization::IrMad);
  BOOST_TEST_REQUIRE(fit.bands.size() == 3);
  BOOST_TEST(fit.canonical_correlations.size() == 1);
  BOOST_TEST(std::abs(fit.bands[0].gain / kGain[0] - 1) < 0.02);
  BOOST_TEST(fit.bands[1].gain == fit.bands[0].gain);
  BOOST_TEST(fit.bands[2].gain == 1);
  BOOST_TEST(fit.bands[2].correlation_before == 0);
  for (const auto wanted : {Normalization::IrMad, Normalization::Histogram}) {
    BOOST_TEST(fit_normalization(pairs, wanted).curves[2](12) == 12);
  }
  for (float& value : pairs.values) value = 7;
  for (const auto wanted : {Normalization::IrMad, Normalization::Histogram, Normalization::Auto}) {
    const RadiometricFit constant = fit_normalization(pairs, wanted);
    BOOST_TEST((constant.used == Normalization::None));
    BOOST_TEST(constant.obstacle == "no band has more than one value on both dates");
  }
}

BOOST_AUTO_TEST_CASE(equal_scenes_keep_their_values) {
  PixelPairs pairs = drawn_pairs(0, 0, 2000);
  for (std::size_t i = 0; i < pairs.values.size(); i += 6) {
    std::copy_n(pairs.values.begin() + static_cast<std::ptrdiff_t>(i), 3,
                pairs.values.begin() + static_cast<std::ptrdiff_t>(i) + 3);
  }
  for (const auto wanted : {Normalization::IrMad, Normalization::Histogram, Normalization::Auto}) {
    const RadiometricFit fit = fit_normalization(pairs, wanted);
    for (const plat::ToneCurve& curve : fit.curves) {
      for (const double value : {-50.0, 60.0, 117.3, 400.0}) BOOST_TEST(std::abs(curve(value) - value) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(auto_takes_what_fits) {
  const auto used = [](const auto& after_of) {
    PixelPairs pairs = drawn_pairs(0, 0);
    for (std::size_t i = 0; i < pairs.values.size(); ++i) {
      if (i % 6 >= 3) pairs.values[i] = static_cast<float>(after_of(static_cast<double>(pairs.values[i - 3])));
    }
    return fit_normalization(pairs, Normalization::Auto).used;
  };
  BOOST_TEST((used([](double v) { return v; }) == Normalization::IrMad));
  BOOST_TEST((used([](double v) { return 1.05 * v - 5; }) == Normalization::IrMad));
  BOOST_TEST((used([](double v) { return 0.6 * v + 40; }) == Normalization::IrMad));
  BOOST_TEST((used([](double v) { return 20 * v + 300; }) == Normalization::IrMad));
  BOOST_TEST((used([](double v) { return std::exp(0.05 * v); }) == Normalization::Histogram));
  BOOST_TEST((used([](double v) { return 255 - v; }) == Normalization::Histogram));
}

BOOST_AUTO_TEST_CASE(histograms_become_equal) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal(0, 1);
  PixelPairs pairs{1, 1};
  std::vector<double> before, after;
  for (int i = 0; i < 20'000; ++i) {
    pairs.values.push_back(static_cast<float>(100 + 20 * normal(random)));
    pairs.values.push_back(static_cast<float>(std::exp(6 + 0.5 * normal(random))));
  }
  const RadiometricFit fit = fit_normalization(pairs, Normalization::Histogram);
  BOOST_TEST_REQUIRE(fit.curves.size() == 1);
  for (std::size_t i = 0; i < pairs.values.size(); i += 2) {
    before.push_back(static_cast<double>(pairs.values[i]));
    after.push_back(fit.curves[0](static_cast<double>(pairs.values[i + 1])));
  }
  std::ranges::sort(before);
  std::ranges::sort(after);
  // Between the outermost knots the curve is exact but for the bend between two of them.
  for (std::size_t percent = 2; percent < 99; ++percent) {
    BOOST_TEST(std::abs(before[200 * percent] - after[200 * percent]) < 0.5);
  }
  BOOST_TEST(std::ranges::is_sorted(fit.curves[0].to));
  BOOST_TEST(fit.curves[0](1e4) > fit.curves[0].to.back());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_fitted_is_said) {
  const auto obstacle = [](const PixelPairs& pairs, Normalization wanted) {
    const RadiometricFit fit = fit_normalization(pairs, wanted);
    BOOST_TEST((fit.used == Normalization::None));
    BOOST_TEST(fit.curves.empty());
    return fit.obstacle;
  };
  BOOST_TEST(obstacle(drawn_pairs(0, 1, 30), Normalization::Auto).find("only 30 of the pixels") == 0);
  BOOST_TEST(obstacle(reference_pairs(2000, 0), Normalization::Histogram) == "they have 3 and 2 bands");
  PixelPairs falling = drawn_pairs(0, 1);
  for (std::size_t i = 0; i < falling.values.size(); i += 6) falling.values[i + 4] *= -1;
  BOOST_TEST(obstacle(falling, Normalization::IrMad).find("no rising line") == 0);
  BOOST_TEST((fit_normalization(falling, Normalization::Auto).used != Normalization::IrMad));
  BOOST_TEST(obstacle(falling, Normalization::None) == "");
}

BOOST_AUTO_TEST_CASE(names_are_read_as_they_are_written) {
  for (const auto n : {Normalization::None, Normalization::Histogram, Normalization::IrMad, Normalization::Auto}) {
    BOOST_TEST((plat::normalization_of(plat::name_of(n)) == n));
  }
  BOOST_CHECK_THROW(plat::normalization_of("mad"), plat::UsageError);
}

BOOST_AUTO_TEST_SUITE_END()
