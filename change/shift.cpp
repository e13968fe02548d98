// SPDX-License-Identifier: Apache-2.0
#include "change/shift.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"

#include <tbb/parallel_for.h>
#include <opencv2/core.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <span>

namespace plat {
namespace {

constexpr double kAmbiguous = 0.8;   // a second peak of this share of the first: the ground repeats itself
constexpr double kAgreement = 0.75;  // pixels by which a block may differ from the field
constexpr double kLeastShare = 0.4;  // of the telling blocks must agree
constexpr int kRounds = 10;
constexpr double kBetter = 0.8;  // a field of higher degree must leave less than this share of the spread

/// Starts of blocks along an axis: evenly spread, the outermost at the scene's edges.
std::vector<int64_t> starts(int64_t length, int64_t block, int64_t stride) {
  if (length <= block) return {0};
  const int64_t count = (length - block + stride - 1) / stride + 1;
  std::vector<int64_t> at;
  for (int64_t i = 0; i < count; ++i) at.push_back((length - block) * i / (count - 1));
  return at;
}

std::vector<Window> place_blocks(int64_t width, int64_t height, const ShiftOptions& options) {
  const Window size{0, 0, std::min(width, options.block), std::min(height, options.block)};
  auto stride = static_cast<double>(options.block - options.overlap);
  const double ground = static_cast<double>(width) * static_cast<double>(height);
  stride = std::max(stride, std::sqrt(ground / static_cast<double>(options.most_blocks)));
  std::vector<Window> blocks;
  for (const int64_t row : starts(height, size.height, static_cast<int64_t>(std::ceil(stride)))) {
    for (const int64_t col : starts(width, size.width, static_cast<int64_t>(std::ceil(stride)))) {
      blocks.push_back({col, row, size.width, size.height});
    }
  }
  return blocks;
}

Point centre_of(const Window& window) {
  return {static_cast<double>(window.col) + 0.5 * static_cast<double>(window.width),
          static_cast<double>(window.row) + 0.5 * static_cast<double>(window.height)};
}

double misfit(const ShiftField& field, const BlockShift& block) {
  const Point expected = field.at(centre_of(block.window));
  return std::hypot(block.shift.x - expected.x, block.shift.y - expected.y);
}

/// Least squares, weighted by the peaks, over blocks that agree with `start`; repeated until the same ones agree.
struct Fit {
  ShiftField field;
  std::vector<bool> agree;
  int64_t count = 0;
  double spread = 0;
};

Fit fit_from(std::span<const BlockShift> blocks, const ShiftField& start, int degree, double first_tolerance) {
  Fit fit{start, std::vector<bool>(blocks.size(), false), 0, 0};
  const auto terms = ShiftField::kTermsOfDegree[static_cast<std::size_t>(degree)];
  for (int round = 0; round < kRounds; ++round) {
    const double tolerance = std::max(kAgreement, first_tolerance * std::pow(0.6, round));
    std::vector<bool> agree(blocks.size());
    int64_t count = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      agree[i] = misfit(fit.field, blocks[i]) <= tolerance;
      count += agree[i] ? 1 : 0;
    }
    if (count < static_cast<int64_t>(terms)) break;
    const bool settled = tolerance == kAgreement && agree == fit.agree;
    fit.agree = agree;
    fit.count = count;
    if (settled) break;
    cv::Mat a(static_cast<int>(count), static_cast<int>(terms), CV_64F);
    cv::Mat b(static_cast<int>(count), 2, CV_64F);
    int row = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (!agree[i]) continue;
      const double weight = std::sqrt(blocks[i].peak);
      const auto term = fit.field.terms(centre_of(blocks[i].window));
      for (std::size_t k = 0; k < terms; ++k) a.at<double>(row, static_cast<int>(k)) = weight * term[k];
      b.at<double>(row, 0) = weight * blocks[i].shift.x;
      b.at<double>(row, 1) = weight * blocks[i].shift.y;
      ++row;
    }
    cv::Mat x;
    if (!cv::solve(a, b, x, cv::DECOMP_SVD)) break;
    fit.field.degree = degree;
    fit.field.dx = fit.field.dy = {};
    for (std::size_t k = 0; k < terms; ++k) {
      fit.field.dx[k] = x.at<double>(static_cast<int>(k), 0);
      fit.field.dy[k] = x.at<double>(static_cast<int>(k), 1);
    }
  }
  double squares = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (fit.agree[i]) squares += std::pow(misfit(fit.field, blocks[i]), 2);
  }
  fit.spread = fit.count > 0 ? std::sqrt(squares / static_cast<double>(fit.count)) : 0;
  return fit;
}

/// The translation that most blocks support.
Fit best_translation(std::span<const BlockShift> blocks, int64_t width, int64_t height) {
  double most = -1;
  Point best;
  for (const BlockShift& candidate : blocks) {
    double support = 0;
    for (const BlockShift& other : blocks) {
      const double apart = std::hypot(candidate.shift.x - other.shift.x, candidate.shift.y - other.shift.y);
      if (apart <= 1) support += other.peak * (1 - 0.5 * apart);
    }
    if (support <= most) continue;
    most = support;
    best = candidate.shift;
  }
  return fit_from(blocks, ShiftField::translation(width, height, best), 0, 1);
}

/// A field of first degree through three blocks that most others support: all threes of few blocks, else so many evenly taken.
std::optional<Fit> best_affine(std::span<const BlockShift> blocks, int64_t width, int64_t height) {
  constexpr std::size_t kMostTries = 4000;
  const std::size_t n = blocks.size();
  if (n < 6) return std::nullopt;
  const std::size_t all = n * (n - 1) * (n - 2) / 6;
  const std::size_t step = std::max<std::size_t>(1, all / kMostTries);
  std::optional<ShiftField> best;
  int64_t most = 0;
  std::size_t number = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      for (std::size_t k = j + 1; k < n; ++k) {
        if (number++ % step != 0) continue;
        ShiftField field{width, height, 1, {}, {}};
        cv::Matx33d a;
        cv::Matx<double, 3, 2> b;
        int row = 0;
        for (const std::size_t at : {i, j, k}) {
          const auto term = field.terms(centre_of(blocks[at].window));
          for (int t = 0; t < 3; ++t) a(row, t) = term[static_cast<std::size_t>(t)];
          b(row, 0) = blocks[at].shift.x;
          b(row, 1) = blocks[at].shift.y;
          ++row;
        }
        if (std::abs(cv::determinant(a)) < 0.05) continue;  // nearly on one line
        const cv::Matx<double, 3, 2> x = a.solve(b, cv::DECOMP_LU);
        for (int t = 0; t < 3; ++t) {
          field.dx[static_cast<std::size_t>(t)] = x(t, 0);
          field.dy[static_cast<std::size_t>(t)] = x(t, 1);
        }
        const auto agree =
            std::ranges::count_if(blocks, [&](const BlockShift& block) { return misfit(field, block) <= kAgreement; });
        if (agree <= most) continue;
        most = agree;
        best = field;
      }
    }
  }
  if (!best) return std::nullopt;
  return fit_from(blocks, *best, 1, kAgreement);
}

/// Whether a field with more terms explains clearly more: more blocks, or the same ones much better.
bool clearly_better(const Fit& fit, const Fit& than, std::size_t terms) {
  if (fit.count < static_cast<int64_t>(2 * terms)) return false;
  const auto more = static_cast<double>(fit.count) >= 1.25 * static_cast<double>(than.count) + 1;
  const auto as_many = static_cast<double>(fit.count) >= 0.95 * static_cast<double>(than.count);
  // What a spread leaves is worth a field only where it could be seen.
  return more || (as_many && than.spread > 0.1 && fit.spread < kBetter * than.spread);
}

}  // namespace

void ShiftOptions::validate() const {
  const auto require = [](bool fine, const std::string& message) {
    if (!fine) throw UsageError(message);
  };
  require(block >= 64 && block <= 1024, "--align-block must lie between 64 and 1024 pixels.");
  require(overlap >= 0 && overlap < block, "--align-overlap must be at least 0 and less than --align-block.");
  require(least_peak > 0 && least_peak < 1, "--align-peak must lie between 0 and 1.");
  require(largest >= 1, "the largest shift must be at least 1 pixel.");
  require(most_blocks >= 1, "at least one block must be measured.");
}

std::string MeasuredShift::text() const {
  char line[200];
  const int64_t all = telling;
  const Point middle = field.at({0.5 * static_cast<double>(field.width), 0.5 * static_cast<double>(field.height)});
  const auto plural = [](int64_t n) { return n == 1 ? "" : "s"; };
  switch (verdict) {
    case ShiftVerdict::Translation:
      std::snprintf(line, sizeof line, "shift of %.2f, %.2f pixels (%lld of %lld block%s agree, to %.2f pixels)",
                    middle.x, middle.y, static_cast<long long>(used), static_cast<long long>(all), plural(all),
                    spread_px);
      return line;
    case ShiftVerdict::Smooth:
      std::snprintf(line, sizeof line,
                    "shift that changes over the scene, %.2f, %.2f pixels in the middle and up to %.2f (%lld of %lld "
                    "blocks agree, "
                    "to %.2f pixels)",
                    middle.x, middle.y, field.largest(), static_cast<long long>(used), static_cast<long long>(all),
                    spread_px);
      return line;
    case ShiftVerdict::Unmeasured:
      std::snprintf(line, sizeof line, "shift not measured (of %zu block%s, %lld show structure that both dates have)",
                    blocks.size(), plural(static_cast<int64_t>(blocks.size())), static_cast<long long>(all));
      return line;
    case ShiftVerdict::Contradictory:
      std::snprintf(line, sizeof line, "shifts that disagree without pattern (no more than %lld of %lld blocks agree)",
                    static_cast<long long>(used), static_cast<long long>(all));
      return line;
  }
  return "";
}

MeasuredShift measure_shift(
    int64_t width, int64_t height,
    const std::function<std::optional<BlockPair>(const Window& before, const Window& after)>& read,
    const ShiftOptions& options, const Progress& progress) {
  options.validate();
  MeasuredShift result;
  result.field = ShiftField::translation(width, height, {0, 0});
  const std::vector<Window> windows = place_blocks(width, height, options);
  if (std::min(windows.front().width, windows.front().height) < 32) return result;
  const int64_t largest = std::min(options.largest, std::min(windows.front().width, windows.front().height) / 4);
  struct Found {
    std::optional<BlockShift> block;
    bool telling = false;
  };
  std::vector<Found> found(windows.size());
  std::atomic<std::size_t> done{0};
  tbb::parallel_for(std::size_t{0}, windows.size(), [&](std::size_t i) {
    throw_if_cancelled();
    const Window& window = windows[i];
    if (const auto block = read(window, window)) {
      BlockMatch match = match_block(*block, largest);
      Point whole{std::round(match.shift.x), std::round(match.shift.y)};
      bool clear = match.peak >= options.least_peak && match.second < kAmbiguous * match.peak;
      if (match.peak >= options.least_peak / 2 && (whole.x != 0 || whole.y != 0)) {
        // Round the place found the windows hold the same ground, so that peaks are higher and free of the window's pull.
        const Window moved{window.col + static_cast<int64_t>(whole.x), window.row + static_cast<int64_t>(whole.y),
                           window.width, window.height};
        if (const auto again = read(window, moved)) {
          match = match_block(*again, std::min<int64_t>(largest, 8));
          clear = match.peak >= options.least_peak && match.second < kAmbiguous * match.peak;
          match.shift = {match.shift.x + whole.x, match.shift.y + whole.y};
        }
      }
      found[i] = {BlockShift{window, match.shift, match.peak, false}, clear};
    }
    report(progress, static_cast<double>(++done) / static_cast<double>(windows.size()));
  });
  std::vector<BlockShift> telling;
  for (const Found& f : found) {
    if (f.block && f.telling) telling.push_back(*f.block);
  }
  result.telling = static_cast<int64_t>(telling.size());
  Fit fit;
  if (!telling.empty()) {
    fit = best_translation(telling, width, height);
    if (const auto affine = best_affine(telling, width, height)) {
      const Fit second = fit_from(telling, affine->field, 2, 3);
      if (clearly_better(*affine, fit, 3)) fit = *affine;
      if (clearly_better(second, fit, 6)) fit = second;
    }
    result.used = fit.count;
    result.spread_px = fit.spread;
    const bool agreed = static_cast<double>(fit.count) >= kLeastShare * static_cast<double>(telling.size()) &&
                        (telling.size() < 4 || fit.count >= 3);
    if (agreed) {
      result.field = fit.field;
      result.verdict = fit.field.degree == 0 ? ShiftVerdict::Translation : ShiftVerdict::Smooth;
    } else {
      result.verdict = ShiftVerdict::Contradictory;
    }
  }
  std::size_t next = 0;
  for (const Found& f : found) {
    if (!f.block) continue;
    result.blocks.push_back(*f.block);
    if (!f.telling) continue;
    result.blocks.back().used = next < fit.agree.size() && fit.agree[next];
    ++next;
  }
  return result;
}

}  // namespace plat
