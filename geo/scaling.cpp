// SPDX-License-Identifier: Apache-2.0
#include "geo/scaling.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "geo/detail/fill_value.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <span>
#include <string>

namespace plat {
namespace {

// Strips of the reduced scene that are in memory at a time hold about this many pixels.
constexpr int64_t kStripPixels = 1'000'000;
// Enough to see what a part of a scene holds.
constexpr int64_t kFewSamples = 100'000;

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

/// Valid values of each band, from at most about `max_samples` pixels spread over the scene; damage is passed over. Throws
/// DataError when a band has none, IoError when nothing can be read.
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
  std::optional<IoError> damage;
  for (int64_t row = 0; row < down; row += strip) {
    throw_if_cancelled();
    const int64_t rows = std::min(strip, down - row);
    const int64_t from = grid.height * row / down;
    const int64_t to = grid.height * (row + rows) / down;
    RasterBlock block;
    try {
      block = reader.read_reduced_around_damage({0, from, grid.width, to - from}, across, rows);
    } catch (const IoError& error) {
      // Of these rows nothing can be read; others may do. Tiles say what is damaged.
      if (!damage) damage = error;
      continue;
    }
    // Resampling may carry values at the end of float32's range beyond it.
    for (std::size_t b = 0; b < samples.size(); ++b) {
      const auto values = block.pixels.band(static_cast<int64_t>(b));
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i])) block.valid.data()[i] = 0;
      }
    }
    for (std::size_t b = 0; b < samples.size(); ++b) {
      const auto values = block.pixels.band(static_cast<int64_t>(b));
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (block.valid.data()[i] != 0) samples[b].push_back(values[i]);
      }
    }
  }

  if (std::ranges::any_of(samples, &std::vector<float>::empty)) {
    if (damage) throw IoError(*damage);
    throw DataError(reader.info().path +
                    ": has no valid pixel; all of them are nodata, masked, transparent or beyond float32");
  }
  return samples;
}

struct Range {
  double low = 0;
  double high = 0;
};

/// Whether a range of values is more than rounding and the last unit's noise, so that it may be shown from black to white.
bool is_picture(const Range& range, bool whole_numbers) {
  const double width = range.high - range.low;
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  // Values of float32 that resampling has mixed agree to six digits.
  if (!whole_numbers) return width > 1e-5 * size;
  // A few units of thousands are noise; a mask of 0 and 1 is none. Beyond 2^24 float32 does not tell units apart.
  return width >= 1 && (width > 3 || width > 0.005 * size) && width > 0x1p-19 * size;
}

std::string fill_sentence(const RasterReader& reader, const detail::FillValue& fill) {
  return reader.info().path + ": holds " + detail::text_of(fill) +
         " of its pixels, far from all others; if that stands for missing data, pass it with --nodata or declare it in "
         "the file";
}

/// What of a band is shown from black to white: its percentiles; where they coincide, since nearly all of the scene is one
/// value, the least and the greatest value, so that what little there is shows; and where those coincide too, nothing.
Range shown_range(std::vector<float>& values, double low_percent, double high_percent, bool whole_numbers) {
  const Range usual{percentile(values, low_percent), percentile(values, high_percent)};
  if (is_picture(usual, whole_numbers)) return usual;
  const auto [least, greatest] = std::ranges::minmax(values);
  const Range all{least, greatest};
  if (is_picture(all, whole_numbers)) return all;
  return {usual.low, usual.low};
}

Scaling between_percentiles(const RasterReader& reader, std::vector<std::vector<float>>& samples, double low_percent,
                            double high_percent) {
  Scaling scaling;
  std::optional<detail::FillValue> fill = detail::find_fill(samples);
  for (std::vector<float>& band : samples) {
    const auto huge = reader.is_integer() ? std::nullopt : detail::drop_huge_fill(band);
    if (!fill) fill = huge;
    const Range range = shown_range(band, low_percent, high_percent, reader.is_integer());
    scaling.low.push_back(range.low);
    scaling.high.push_back(range.high);
  }
  if (fill) {
    // Resampling has rounded it; a fill of few pixels may be missed at second sight.
    const std::string exact = undeclared_fill(reader);
    log_warning(exact.empty() ? fill_sentence(reader, *fill) : exact);
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

/// A curve and what its values have in common. Views the curve, which outlives it.
class CurveReader {
 public:
  explicit CurveReader(const ToneCurve& curve) : from_(curve.from), to_(curve.to) {
    if (!from_.empty()) slope_ = (to_.back() - to_.front()) / (from_.back() - from_.front());
  }

  double operator()(double value) const {
    if (from_.empty()) return value;
    if (value <= from_.front()) return to_.front() + slope_ * (value - from_.front());
    if (value >= from_.back()) return to_.back() + slope_ * (value - from_.back());
    if (std::isnan(value)) return value;
    const std::size_t right = next_knot(value);
    const std::size_t left = right - 1;
    return to_[left] + (to_[right] - to_[left]) * (value - from_[left]) / (from_[right] - from_[left]);
  }

  /// Makes it ready for many values: where the search for a value's knot begins is looked up.
  void prepare() {
    if (from_.size() <= 2) return;
    cells_per_unit_ = kCells / (from_.back() - from_.front());
    for (std::size_t cell = 0; cell <= kCells; ++cell) {
      // From a cell before, so that rounding does not matter.
      const double before = from_.front() + (static_cast<double>(cell) - 1) / cells_per_unit_;
      first_.push_back(static_cast<std::size_t>(std::ranges::upper_bound(from_, before) - from_.begin()));
    }
  }

 private:
  static constexpr std::size_t kCells = 512;

  /// The first knot above a value that has one, and one at or below.
  std::size_t next_knot(double value) const {
    if (first_.empty()) return static_cast<std::size_t>(std::ranges::upper_bound(from_, value) - from_.begin());
    std::size_t knot = first_[static_cast<std::size_t>((value - from_.front()) * cells_per_unit_)];
    while (from_[knot] <= value) ++knot;
    return knot;
  }

  std::span<const double> from_;
  std::span<const double> to_;
  double slope_ = 1;
  double cells_per_unit_ = 0;
  std::vector<std::size_t> first_;
};

}  // namespace

ToneCurve ToneCurve::line(double gain, double offset) { return {{0, 1}, {offset, gain + offset}}; }

double ToneCurve::operator()(double value) const { return CurveReader(*this)(value); }

Scaling Scaling::identity(int bands) {
  const auto count = static_cast<std::size_t>(bands);
  return {std::vector<double>(count, 0.0), std::vector<double>(count, 255.0)};
}

void Scaling::apply(Image<float>& pixels) const {
  assert(static_cast<std::size_t>(pixels.bands()) == low.size() && low.size() == high.size());
  assert(curves.empty() || curves.size() == low.size());
  for (std::size_t b = 0; b < low.size(); ++b) {
    const double range = high[b] - low[b];
    // A band of one value has nothing to show.
    const double factor = range > 0 ? 255.0 / range : 0.0;
    const ToneCurve as_stored;
    CurveReader curve(curves.empty() ? as_stored : curves[b]);
    curve.prepare();
    for (float& value : pixels.band(static_cast<int64_t>(b))) {
      const double scaled = (curve(static_cast<double>(value)) - low[b]) * factor;
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
  return between_percentiles(reader, samples, low_percent, high_percent);
}

std::string undeclared_fill(const RasterReader& reader) {
  if (reader.is_byte()) return "";
  // Only values as they are stored can be told to others.
  RasterReader stored = reader.nearest();
  std::vector<std::vector<float>> samples;
  try {
    samples = sample_values(stored, kFewSamples);
  } catch (const DataError&) {
    return "";
  } catch (const IoError&) {
    return "";
  }
  std::optional<detail::FillValue> fill = detail::find_fill(samples);
  for (std::vector<float>& band : samples) {
    if (!fill && !reader.is_integer()) fill = detail::drop_huge_fill(band);
  }
  return fill ? fill_sentence(reader, *fill) : "";
}

Scaling default_scaling(RasterReader& reader) {
  if (reader.is_byte()) return Scaling::identity(reader.bands());
  auto samples = sample_values(reader, kMaxSamples);
  if (reader.is_integer() && are_wide_bytes(samples)) return Scaling::identity(reader.bands());
  return between_percentiles(reader, samples, kLowPercent, kHighPercent);
}

}  // namespace plat
