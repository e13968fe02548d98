// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/kernel.hpp"
#include "geo/detail/resampler.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace plat::detail {
namespace {

/// The weights of every sample along one axis.
struct Axis {
  std::vector<Taps::Tap> taps;
  std::vector<std::size_t> first;  ///< where each sample's taps begin, and the end; none for samples outside the file
  int64_t begin = 0;               ///< the pixels that the samples touch
  int64_t end = 0;

  std::span<const Taps::Tap> at(int64_t sample) const {
    const auto i = static_cast<std::size_t>(sample);
    return std::span(taps).subspan(first[i], first[i + 1] - first[i]);
  }
};

Axis make_axis(double origin, double step, int64_t begin, int64_t count, int64_t size, bool nearest) {
  Axis axis;
  axis.first.push_back(0);
  Taps taps;
  axis.begin = size;
  for (int64_t i = begin; i < begin + count; ++i) {
    const double position = origin + step * (static_cast<double>(i) + 0.5);
    if (is_inside(position, size)) {
      taps.set(position, std::max(1.0, std::abs(step)), size, nearest);
      for (const Taps::Tap& tap : taps.all()) {
        axis.taps.push_back(tap);
        axis.begin = std::min(axis.begin, tap.pixel);
        axis.end = std::max(axis.end, tap.pixel + 1);
      }
    }
    axis.first.push_back(axis.taps.size());
  }
  return axis;
}

/// Pixels that the samples [begin, end) of an axis touch.
std::pair<int64_t, int64_t> reach(const Axis& axis, int64_t begin, int64_t end) {
  std::pair<int64_t, int64_t> span{axis.end, axis.begin};
  for (int64_t i = begin; i < end; ++i) {
    for (const Taps::Tap& tap : axis.at(i)) {
      span.first = std::min(span.first, tap.pixel);
      span.second = std::max(span.second, tap.pixel + 1);
    }
  }
  return span;
}

/// A strip of samples: what the rows of the file give after sampling along the columns.
struct Strip {
  Image<float> values;     ///< weighted sums; invalid pixels are 0 and add nothing
  Image<float> weight;     ///< sums of the weights of valid pixels
  Image<int32_t> missing;  ///< how many invalid pixels took part
  bool complete = true;    ///< no invalid pixel in the strip: weight and missing are not filled
};

Strip sample_columns(const RasterBlock& block, const Axis& cols, int64_t count) {
  const int64_t rows = block.pixels.height();
  Strip strip;
  strip.values = Image<float>(count, rows, block.pixels.bands());
  const auto valid = block.valid.band(0);
  strip.complete = std::all_of(valid.begin(), valid.end(), [](uint8_t v) { return v != 0; });
  for (int64_t b = 0; b < block.pixels.bands(); ++b) {
    for (int64_t r = 0; r < rows; ++r) {
      const float* from = block.pixels.row(r, b).data() - cols.begin;
      float* to = strip.values.row(r, b).data();
      for (int64_t c = 0; c < count; ++c) {
        float sum = 0;
        for (const Taps::Tap& tap : cols.at(c)) sum += tap.weight * from[tap.pixel];
        to[c] = sum;
      }
    }
  }
  if (strip.complete) return strip;
  strip.weight = Image<float>(count, rows);
  strip.missing = Image<int32_t>(count, rows);
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t* from = block.valid.row(r).data() - cols.begin;
    for (int64_t c = 0; c < count; ++c) {
      float sum = 0;
      int32_t missing = 0;
      for (const Taps::Tap& tap : cols.at(c)) {
        if (from[tap.pixel] != 0) {
          sum += tap.weight;
        } else {
          ++missing;
        }
      }
      strip.weight.at(c, r) = sum;
      strip.missing.at(c, r) = missing;
    }
  }
  return strip;
}

/// Adds the rows of a strip up for one row of samples.
void sample_row(const Strip& strip, std::span<const Taps::Tap> taps, int64_t first_row, const Axis& cols,
                RasterBlock& out, int64_t row) {
  const int64_t count = out.valid.width();
  for (int64_t b = 0; b < out.pixels.bands(); ++b) {
    float* to = out.pixels.row(row, b).data();
    for (const Taps::Tap& tap : taps) {
      const float* from = strip.values.row(tap.pixel - first_row, b).data();
      for (int64_t c = 0; c < count; ++c) to[c] += tap.weight * from[c];
    }
  }
  uint8_t* valid = out.valid.row(row).data();
  for (int64_t c = 0; c < count; ++c) valid[c] = cols.at(c).empty() ? 0 : 1;
  if (strip.complete) return;
  for (int64_t c = 0; c < count; ++c) {
    float weight = 0;
    int32_t missing = 0;
    for (const Taps::Tap& tap : taps) {
      weight += tap.weight * strip.weight.at(c, tap.pixel - first_row);
      missing += strip.missing.at(c, tap.pixel - first_row);
    }
    // Whole samples stay as summed, so that they do not depend on what else lies in the strip.
    if (missing == 0) continue;
    const bool enough = valid[c] != 0 && weight >= kLeastWeight;
    valid[c] = enough ? 1 : 0;
    for (int64_t b = 0; b < out.pixels.bands(); ++b) {
      float& value = out.pixels.at(c, row, b);
      value = enough ? value / weight : 0;
    }
  }
}

}  // namespace

RasterBlock resample_axes(RasterSource& source, const Affine& level_from_grid, const SamplingPlan& plan,
                          const Window& window) {
  RasterBlock out{Image<float>(window.width, window.height, source.channels()),
                  Image<uint8_t>(window.width, window.height)};
  const Axis cols =
      make_axis(level_from_grid.x0, level_from_grid.col_dx, window.col, window.width, source.width(), plan.nearest);
  const Axis rows =
      make_axis(level_from_grid.y0, level_from_grid.row_dy, window.row, window.height, source.height(), plan.nearest);
  if (cols.begin >= cols.end || rows.begin >= rows.end) return out;

  const int64_t values_per_row = (cols.end - cols.begin) * (source.channels() + 1);
  const int64_t max_rows = std::max<int64_t>(1, kMaxValues / values_per_row);
  for (int64_t begin = 0; begin < window.height;) {
    // As many samples as keep the file's rows within the limit, at least one.
    int64_t end = begin + 1;
    auto span = reach(rows, begin, end);
    while (end < window.height) {
      const auto next = reach(rows, end, end + 1);
      const std::pair wider{std::min(span.first, next.first), std::max(span.second, next.second)};
      if (wider.second - wider.first > max_rows) break;
      span = wider;
      ++end;
    }
    if (span.first < span.second) {
      const RasterBlock block = source.read({cols.begin, span.first, cols.end - cols.begin, span.second - span.first});
      const Strip strip = sample_columns(block, cols, window.width);
      for (int64_t r = begin; r < end; ++r) {
        if (!rows.at(r).empty()) sample_row(strip, rows.at(r), span.first, cols, out, r);
      }
    }
    begin = end;
  }
  return out;
}

}  // namespace plat::detail
