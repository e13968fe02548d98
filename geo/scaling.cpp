// SPDX-License-Identifier: Apache-2.0
#include "geo/scaling.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace plat {
namespace {

// Strips of the reduced scene that are in memory at a time hold about this many pixels.
constexpr int64_t kStripPixels = 1'000'000;

/// The p-th percentile by linear interpolation between the two nearest ranks; reorders the values.
double percentile(std::vector<float>& values, double p) {
  const double rank = std::clamp(p, 0.0, 100.0) / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), at, values.end());
  const double low = *at;
  const double part = rank - static_cast<double>(below);
  if (part == 0 || below + 1 == values.size()) return low;
  const double high = *std::min_element(at + 1, values.end());
  return low + part * (high - low);
}

/// Valid values of each band, from at most about `max_samples` pixels spread over the scene. Throws DataError when a band
/// has none.
std::vector<std::vector<float>> sample_values(RasterReader& reader, int64_t max_samples) {
  const Grid& grid = reader.grid();
  const auto width = static_cast<double>(grid.width);
  const auto height = static_cast<double>(grid.height);
  const double reduction =
      std::max(1.0, std::sqrt(width * height / static_cast<double>(std::max<int64_t>(1, max_samples))));
  // Long thin scenes keep one sample across.
  const int64_t across = std::max<int64_t>(1, static_cast<int64_t>(width / reduction));
  const int64_t down =
      std::clamp<int64_t>(static_cast<int64_t>(height / reduction), 1, std::max<int64_t>(1, max_samples / across));
  const int64_t strip = std::max<int64_t>(1, kStripPixels / across);

  std::vector<std::vector<float>> samples(static_cast<std::size_t>(reader.bands()));
  for (int64_t row = 0; row < down; row += strip) {
    throw_if_cancelled();
    const int64_t rows = std::min(strip, down - row);
    const int64_t from = grid.height * row / down;
    const int64_t to = grid.height * (row + rows) / down;
    const RasterBlock block = reader.read_reduced({0, from, grid.width, to - from}, across, rows);
    for (std::size_t b = 0; b < samples.size(); ++b) {
      const auto values = block.pixels.band(static_cast<int64_t>(b));
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (block.valid.data()[i] != 0) samples[b].push_back(values[i]);
      }
    }
  }

  if (std::ranges::any_of(samples, &std::vector<float>::empty)) {
    throw DataError(reader.info().path + ": has no valid pixel; all of them are nodata, masked or transparent");
  }
  return samples;
}

Scaling between_percentiles(std::vector<std::vector<float>>& samples, double low_percent, double high_percent) {
  Scaling scaling;
  for (std::vector<float>& values : samples) {
    scaling.low.push_back(percentile(values, low_percent));
    scaling.high.push_back(percentile(values, high_percent));
  }
  return scaling;
}

/// Whether whole numbers are bytes that are stored in a wider type: none is above 255, and the bright ones come near it. A
/// resampled edge may pass the range a little.
bool are_wide_bytes(const std::vector<std::vector<float>>& samples) {
  constexpr float kPassing = 64;
  float highest = 0;
  float lowest = 0;
  for (const std::vector<float>& values : samples) {
    const auto [low, high] = std::ranges::minmax(values);
    lowest = std::min(lowest, low);
    highest = std::max(highest, high);
  }
  return lowest >= -kPassing && highest <= 255 + kPassing && highest >= 128;
}

}  // namespace

Scaling Scaling::identity(int bands) {
  const auto count = static_cast<std::size_t>(bands);
  return {std::vector<double>(count, 0.0), std::vector<double>(count, 255.0)};
}

void Scaling::apply(Image<float>& pixels) const {
  assert(static_cast<std::size_t>(pixels.bands()) == low.size() && low.size() == high.size());
  for (std::size_t b = 0; b < low.size(); ++b) {
    const double range = high[b] - low[b];
    // A band of one value has nothing to show.
    const double factor = range > 0 ? 255.0 / range : 0.0;
    for (float& value : pixels.band(static_cast<int64_t>(b))) {
      const double scaled = (static_cast<double>(value) - low[b]) * factor;
      // False for NaN as well.
      value = scaled > 0 ? static_cast<float>(std::min(scaled, 255.0)) : 0.0F;
    }
  }
}

Scaling percentile_scaling(RasterReader& reader, double low_percent, double high_percent, int64_t max_samples) {
  if (!(low_percent >= 0 && low_percent < high_percent && high_percent <= 100)) {
    throw UsageError("percentiles must grow from 0 to 100, not " + std::to_string(low_percent) + " to " +
                     std::to_string(high_percent));
  }
  auto samples = sample_values(reader, max_samples);
  return between_percentiles(samples, low_percent, high_percent);
}

Scaling default_scaling(RasterReader& reader) {
  if (reader.is_byte()) return Scaling::identity(reader.bands());
  auto samples = sample_values(reader, kMaxSamples);
  if (reader.is_integer() && are_wide_bytes(samples)) return Scaling::identity(reader.bands());
  return between_percentiles(samples, kLowPercent, kHighPercent);
}

}  // namespace plat
