// SPDX-License-Identifier: Apache-2.0
#include "change/block_shift.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

namespace plat {
namespace {

constexpr double kBlur = 1.0;        // pixels: noise and the blocks of JPEGs are finer than edges
constexpr int kFiner = 50;           // steps a pixel
constexpr double kWhitening = 0.7;   // 0 leaves a spectrum's power, 1 makes it equal everywhere
constexpr double kNoiseFloor = 0.1;  // of the mean power: frequencies below are not levelled up
constexpr int64_t kPeakRadius = 3;   // pixels that belong to a peak

cv::Mat as_mat(const Image<float>& image) {
  cv::Mat mat(static_cast<int>(image.height()), static_cast<int>(image.width()), CV_32F);
  std::copy_n(image.data(), image.size(), mat.ptr<float>());
  return mat;
}

/// Gradients as complex numbers of compressed length, faded out at the block's edges and near missing data.
cv::Mat gradients(const Image<float>& image, const cv::Mat& weight) {
  cv::Mat blurred;
  cv::GaussianBlur(as_mat(image), blurred, {}, kBlur, kBlur, cv::BORDER_REPLICATE);
  cv::Mat dx, dy;
  cv::Scharr(blurred, dx, CV_32F, 1, 0);
  cv::Scharr(blurred, dy, CV_32F, 0, 1);
  cv::Mat length;
  cv::magnitude(dx, dy, length);
  // Half of the typical edge: what is far above it counts alike, what is far below hardly.
  const cv::Scalar mean = cv::mean(length, weight > 0);
  length += std::max(mean[0], 1e-6);
  cv::divide(dx, length, dx);
  cv::divide(dy, length, dy);
  cv::multiply(dx, weight, dx);
  cv::multiply(dy, weight, dy);
  cv::Mat both;
  cv::merge(std::vector<cv::Mat>{dx, dy}, both);
  return both;
}

cv::Mat weights(const Image<uint8_t>& valid) {
  cv::Mat window;
  const cv::Size size(static_cast<int>(valid.width()), static_cast<int>(valid.height()));
  cv::createHanningWindow(window, size, CV_32F);
  cv::Mat mask(size, CV_8U);
  std::copy_n(valid.data(), valid.size(), mask.ptr());
  cv::Mat eroded;
  cv::erode(mask, eroded, cv::getStructuringElement(cv::MORPH_RECT, {9, 9}));
  window.setTo(0, eroded == 0);
  return window;
}

double energy(const cv::Mat& complex_image) {
  const double norm = cv::norm(complex_image, cv::NORM_L2);
  return norm * norm;
}

/// Shifts that a finer peak is looked for at: one pixel each way, and a few more, so that they fill vectors of the processor.
constexpr int kReach = kFiner;
constexpr int kShifts = 2 * kReach + 1;
constexpr int kShiftsPadded = (kShifts + 7) / 8 * 8;
using OfShifts = std::array<float, kShiftsPadded>;

/// What a spectrum's frequencies are turned by at each shift round `from`: by frequency, then shift.
struct Turns {
  Turns(int size, int64_t from)
      : real(static_cast<std::size_t>(size), OfShifts{}), imaginary(static_cast<std::size_t>(size), OfShifts{}) {
    // Every angle is a whole number of steps round the circle.
    const int64_t steps = int64_t{size} * kFiner;
    std::vector<std::complex<float>> circle(static_cast<std::size_t>(steps));
    for (int64_t i = 0; i < steps; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(steps);
      circle[static_cast<std::size_t>(i)] = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
    }
    for (int j = 0; j < size; ++j) {
      const int64_t frequency = j <= size / 2 ? j : j - size;
      for (int i = 0; i < kShifts; ++i) {
        const int64_t step = frequency * (from * kFiner + i - kReach) % steps;
        const std::complex<float>& turn = circle[static_cast<std::size_t>(step < 0 ? step + steps : step)];
        real[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)] = turn.real();
        imaginary[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)] = turn.imag();
      }
    }
  }
  std::vector<OfShifts> real;
  std::vector<OfShifts> imaginary;
};

/// The real part of the correlation at a shift between pixels' centres, on a lattice of kFiner steps a pixel round `start`.
Point finer_peak(const cv::Mat& spectrum, int64_t start_x, int64_t start_y) {
  // Separable: first along rows for all shifts wanted in x, then along columns. Shifts are innermost: their sums do not depend
  // on one another, so that the compiler takes several at a time.
  const Turns across(spectrum.cols, start_x);
  const Turns down(spectrum.rows, start_y);
  std::vector<OfShifts> correlation(kShifts, OfShifts{});  // by shift in x, then in y
  for (int r = 0; r < spectrum.rows; ++r) {
    const auto* line = spectrum.ptr<std::complex<float>>(r);
    OfShifts real{}, imaginary{};
    for (int c = 0; c < spectrum.cols; ++c) {
      const float a = line[c].real(), b = line[c].imag();
      const OfShifts& turn_a = across.real[static_cast<std::size_t>(c)];
      const OfShifts& turn_b = across.imaginary[static_cast<std::size_t>(c)];
      for (std::size_t i = 0; i < kShiftsPadded; ++i) {
        real[i] += a * turn_a[i] - b * turn_b[i];
        imaginary[i] += a * turn_b[i] + b * turn_a[i];
      }
    }
    const OfShifts& turn_a = down.real[static_cast<std::size_t>(r)];
    const OfShifts& turn_b = down.imaginary[static_cast<std::size_t>(r)];
    for (std::size_t i = 0; i < kShifts; ++i) {
      OfShifts& sums = correlation[i];
      for (std::size_t j = 0; j < kShiftsPadded; ++j) sums[j] += real[i] * turn_a[j] - imaginary[i] * turn_b[j];
    }
  }
  Point best{static_cast<double>(start_x), static_cast<double>(start_y)};
  float highest = -1e30F;
  for (int i = 0; i < kShifts; ++i) {
    for (int j = 0; j < kShifts; ++j) {
      const float here = correlation[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
      if (here <= highest) continue;
      highest = here;
      best = {static_cast<double>(start_x) + static_cast<double>(i - kReach) / kFiner,
              static_cast<double>(start_y) + static_cast<double>(j - kReach) / kFiner};
    }
  }
  return best;
}

/// Levels a spectrum's power up, so that its correlation has a narrow peak: what lies beside it, such as shadows that have
/// moved, then does not pull the peak towards itself. Frequencies that both images have little of keep little, for they are noise.
void whiten(cv::Mat& spectrum) {
  std::vector<cv::Mat> parts;
  cv::split(spectrum, parts);
  cv::Mat power;
  cv::magnitude(parts[0], parts[1], power);
  power += kNoiseFloor * cv::mean(power)[0];
  cv::pow(power, kWhitening, power);
  for (cv::Mat& part : parts) cv::divide(part, power, part);
  cv::merge(parts, spectrum);
}

}  // namespace

BlockMatch match_block(const BlockPair& block, int64_t largest) {
  const int64_t width = block.before.width();
  const int64_t height = block.before.height();
  assert(width >= 32 && height >= 32 && largest <= std::min(width, height) / 4);
  const cv::Mat weight = weights(block.valid);
  const cv::Mat before = gradients(block.before, weight);
  const cv::Mat after = gradients(block.after, weight);
  const double scale = std::sqrt(energy(before) * energy(after));
  if (!(scale > 0)) return {};
  cv::Mat spectrum_before, spectrum_after, cross, correlation;
  cv::dft(before, spectrum_before, cv::DFT_COMPLEX_OUTPUT);
  cv::dft(after, spectrum_after, cv::DFT_COMPLEX_OUTPUT);
  cv::mulSpectrums(spectrum_after, spectrum_before, cross, 0, true);
  cv::dft(cross, correlation, cv::DFT_INVERSE | cv::DFT_SCALE);

  const auto value = [&](int64_t dx, int64_t dy) {
    const auto row = static_cast<int>((dy + height) % height);
    const auto col = static_cast<int>((dx + width) % width);
    return static_cast<double>(correlation.at<cv::Vec2f>(row, col)[0]) / scale;
  };
  BlockMatch match;
  int64_t best_x = 0, best_y = 0;
  match.peak = -1;
  for (int64_t dy = -largest; dy <= largest; ++dy) {
    for (int64_t dx = -largest; dx <= largest; ++dx) {
      const double here = value(dx, dy);
      if (here <= match.peak) continue;
      match.peak = here;
      best_x = dx;
      best_y = dy;
    }
  }
  for (int64_t dy = -largest; dy <= largest; ++dy) {
    for (int64_t dx = -largest; dx <= largest; ++dx) {
      if (std::abs(dx - best_x) <= kPeakRadius && std::abs(dy - best_y) <= kPeakRadius) continue;
      const double here = value(dx, dy);
      // Only tops: the flank of a broad peak is none of its own.
      if (here > match.second && here >= value(dx - 1, dy) && here >= value(dx + 1, dy) && here >= value(dx, dy - 1) &&
          here >= value(dx, dy + 1)) {
        match.second = here;
      }
    }
  }
  whiten(cross);
  match.shift = finer_peak(cross, best_x, best_y);
  return match;
}

}  // namespace plat
