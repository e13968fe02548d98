// SPDX-License-Identifier: Apache-2.0
#include "model/masks/mask_enlarger.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace plat {
namespace {

/// The values that a result of a resampling is the weighted mean of.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};

/// A triangle as wide as a result's pixel, or a value's where the image grows.
std::vector<Taps> triangle(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(1.0, scale);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(centre - support + 0.5));
    const auto end = std::min<int64_t>(from, static_cast<int64_t>(centre + support + 0.5));
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = first;
    double total = 0;
    std::vector<double> weights;
    for (int64_t k = first; k < end; ++k) {
      const double distance = std::abs(static_cast<double>(k) + 0.5 - centre) / support;
      weights.push_back(std::max(0.0, 1 - distance));
      total += weights.back();
    }
    for (const double weight : weights) taps.weights.push_back(static_cast<float>(weight / total));
  }
  return all;
}

Image<float> resized(const Image<float>& image, int64_t width, int64_t height) {
  const std::vector<Taps> across = triangle(image.width(), width), down = triangle(image.height(), height);
  Image<float> wide(width, image.height(), image.bands());
  Image<float> out(width, height, image.bands());
  for (int64_t b = 0; b < image.bands(); ++b) {
    for (int64_t r = 0; r < image.height(); ++r) {
      const auto from = image.row(r, b);
      const auto to = wide.row(r, b);
      for (std::size_t c = 0; c < to.size(); ++c) {
        const float* value = &from[static_cast<std::size_t>(across[c].first)];
        for (const float weight : across[c].weights) to[c] += weight * *value++;
      }
    }
    for (int64_t r = 0; r < height; ++r) {
      const Taps& taps = down[static_cast<std::size_t>(r)];
      const auto to = out.row(r, b);
      for (std::size_t k = 0; k < taps.weights.size(); ++k) {
        const auto from = std::as_const(wide).row(taps.first + static_cast<int64_t>(k), b);
        for (std::size_t c = 0; c < to.size(); ++c) to[c] += taps.weights[k] * from[c];
      }
    }
  }
  return out;
}

}  // namespace

FittedImage fit_image(const Image<float>& image, const Window& part, int64_t side, const std::vector<float>& fill) {
  assert(static_cast<int64_t>(fill.size()) == image.bands());
  const double scale = static_cast<double>(side) / static_cast<double>(std::max(part.width, part.height));
  FittedImage fitted;
  fitted.width = static_cast<int64_t>(static_cast<double>(part.width) * scale + 0.5);
  fitted.height = static_cast<int64_t>(static_cast<double>(part.height) * scale + 0.5);
  Image<float> scaled = crop(image, part);
  if (fitted.width != part.width || fitted.height != part.height) {
    scaled = resized(scaled, fitted.width, fitted.height);
  }
  if (fitted.width == side && fitted.height == side) {
    fitted.pixels = std::move(scaled);
    return fitted;
  }
  fitted.pixels = Image<float>(side, side, image.bands());
  for (int64_t b = 0; b < image.bands(); ++b) {
    std::ranges::fill(fitted.pixels.band(b), fill[static_cast<std::size_t>(b)]);
    for (int64_t r = 0; r < fitted.height; ++r) {
      std::ranges::copy(std::as_const(scaled).row(r, b), fitted.pixels.row(r, b).begin());
    }
  }
  return fitted;
}

MaskEnlarger::MaskEnlarger(int64_t logits_width, int64_t logits_height, int64_t side, int64_t fitted_width,
                           int64_t fitted_height, int64_t width, int64_t height)
    : cols_(axis(logits_width, side, fitted_width)),
      rows_(axis(logits_height, side, fitted_height)),
      two_steps_(fitted_width != width || fitted_height != height) {
  if (!two_steps_) return;
  second_cols_ = axis(fitted_width, width, width);
  second_rows_ = axis(fitted_height, height, height);
}

MaskEnlarger::Axis MaskEnlarger::axis(int64_t from, int64_t to, int64_t wanted) {
  Axis axis;
  axis.cells.assign(static_cast<std::size_t>(from), {0, 0});
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int64_t i = 0; i < wanted; ++i) {
    const float place = std::max(0.0F, scale * (static_cast<float>(i) + 0.5F) - 0.5F);
    const auto low = std::min<int64_t>(static_cast<int64_t>(place), from - 1);
    axis.low.push_back(static_cast<int32_t>(low));
    axis.high.push_back(static_cast<int32_t>(std::min(low + 1, from - 1)));
    axis.part.push_back(place - static_cast<float>(low));
    Cell& cell = axis.cells[static_cast<std::size_t>(low)];
    if (cell.begin == cell.end) cell.begin = static_cast<int32_t>(i);
    cell.end = static_cast<int32_t>(i) + 1;
  }
  return axis;
}

ThresholdedMask MaskEnlarger::enlarge(const Image<float>& logits, double offset) const {
  if (!two_steps_) return threshold(logits, cols_, rows_, offset);
  // Two interpolations in a row, as the published code does them, are not one.
  Image<float> tile(static_cast<int64_t>(cols_.low.size()), static_cast<int64_t>(rows_.low.size()));
  for (int64_t r = 0; r < tile.height(); ++r) {
    const auto i = static_cast<std::size_t>(r);
    const auto a = logits.row(rows_.low[i]), b = logits.row(rows_.high[i]);
    const auto to = tile.row(r);
    const float below = rows_.part[i], above = 1 - below;
    for (std::size_t c = 0; c < to.size(); ++c) {
      const auto low = static_cast<std::size_t>(cols_.low[c]), high = static_cast<std::size_t>(cols_.high[c]);
      const float right = cols_.part[c], left = 1 - right;
      to[c] = above * (left * a[low] + right * a[high]) + below * (left * b[low] + right * b[high]);
    }
  }
  return threshold(tile, second_cols_, second_rows_, offset);
}

ThresholdedMask MaskEnlarger::threshold(const Image<float>& logits, const Axis& cols, const Axis& rows,
                                        double offset) const {
  const auto high = static_cast<float>(offset), low = -high;
  std::vector<float> highest(static_cast<std::size_t>(logits.height()));
  for (int64_t r = 0; r < logits.height(); ++r) {
    highest[static_cast<std::size_t>(r)] = std::ranges::max(logits.row(r));
  }
  int64_t sure = 0, possible = 0;
  std::vector<MaskRun> runs;
  std::vector<float> line(static_cast<std::size_t>(logits.width()));
  for (std::size_t r = 0; r < rows.low.size(); ++r) {
    const int64_t above = rows.low[r], below = rows.high[r];
    if (highest[static_cast<std::size_t>(above)] <= low && highest[static_cast<std::size_t>(below)] <= low) continue;
    const auto a = logits.row(above), b = logits.row(below);
    const float part = rows.part[r];
    for (std::size_t c = 0; c < line.size(); ++c) line[c] = (1 - part) * a[c] + part * b[c];
    int32_t open = -1;
    const auto set = [&](int32_t col, bool inside) {
      if (inside == (open >= 0)) return;
      if (inside) {
        open = col;
      } else {
        runs.push_back({static_cast<int32_t>(r), open, col});
        open = -1;
      }
    };
    for (std::size_t k = 0; k < cols.cells.size(); ++k) {
      const Cell cell = cols.cells[k];
      if (cell.begin == cell.end) continue;
      const float left = line[k], right = line[std::min(k + 1, line.size() - 1)];
      const int64_t width = cell.end - cell.begin;
      if (left <= low && right <= low) {
        set(cell.begin, false);
      } else if (left > high && right > high) {
        sure += width;
        possible += width;
        set(cell.begin, true);
      } else {
        for (int32_t c = cell.begin; c < cell.end; ++c) {
          const float t = cols.part[static_cast<std::size_t>(c)];
          const float value = (1 - t) * left + t * right;
          if (value > high) ++sure;
          if (value > low) ++possible;
          set(c, value > 0);
        }
      }
    }
    set(static_cast<int32_t>(cols.low.size()), false);
  }
  const double stability = possible == 0 ? 0 : static_cast<double>(sure) / static_cast<double>(possible);
  return {RunMask(std::move(runs)), stability};
}

}  // namespace plat
