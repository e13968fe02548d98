// SPDX-License-Identifier: Apache-2.0
#include "geo/detail/fill_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>

namespace plat::detail {
namespace {

/// Less of a scene hardly changes its scaling, and may be clouds.
constexpr double kLeastShare = 0.05;
/// Of the pixels that hold a fill nearly all follow another one: it covers an area and is no noise.
constexpr double kCoherent = 0.9;
/// Quantiles between which the other values of a band lie; edges that resampling has mixed are outside.
constexpr double kCoreLow = 0.05, kCoreHigh = 0.95;

float quantile(std::vector<float>& values, double part) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(std::lround(part * static_cast<double>(values.size() - 1)));
  std::ranges::nth_element(values, at);
  return *at;
}

/// Whether a band's other values lie farther from a fill than from one another.
bool is_far(const std::vector<float>& values, const std::vector<char>& filled, double fill) {
  std::vector<float> others;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (filled[i] == 0) others.push_back(values[i]);
  }
  if (others.empty()) return false;
  const double low = static_cast<double>(quantile(others, kCoreLow));
  const double high = static_cast<double>(quantile(others, kCoreHigh));
  return high > low && std::max(low - fill, fill - high) > high - low;
}

std::optional<FillValue> check(std::span<const std::vector<float>> samples, float value) {
  // Resampling rounds.
  const float tolerance = 1e-5F * std::abs(value);
  const std::size_t count = samples[0].size();
  std::vector<char> filled(count, 1);
  for (const std::vector<float>& band : samples) {
    for (std::size_t i = 0; i < count; ++i) filled[i] = filled[i] != 0 && std::abs(band[i] - value) <= tolerance;
  }
  const auto all = static_cast<double>(std::ranges::count(filled, 1));
  double following = 0;
  for (std::size_t i = 1; i < count; ++i) following += filled[i] & filled[i - 1];
  if (all < kLeastShare * static_cast<double>(count) || following < kCoherent * all) return std::nullopt;
  for (const std::vector<float>& band : samples) {
    if (!is_far(band, filled, static_cast<double>(value))) return std::nullopt;
  }
  std::vector<float> held;
  for (std::size_t i = 0; i < count; ++i) {
    if (filled[i] != 0) held.push_back(samples[0][i]);
  }
  return FillValue{quantile(held, 0.5), all / static_cast<double>(count)};
}

}  // namespace

std::optional<FillValue> find_fill(std::span<const std::vector<float>> samples) {
  if (samples.empty() || samples[0].empty()) return std::nullopt;
  std::vector<float> first = samples[0];
  // A fill is the least or the greatest value, but at its edges resampling may overshoot it.
  for (const double part : {kLeastShare / 2, 1 - kLeastShare / 2}) {
    if (const auto found = check(samples, quantile(first, part))) return found;
  }
  return std::nullopt;
}

std::optional<FillValue> drop_huge_fill(std::vector<float>& values) {
  constexpr double kLeastFill = 1e9;
  // Nothing measures this many times as much as the rest of its scene.
  constexpr double kBeyond = 1e4;
  const float fill = *std::ranges::max_element(values, {}, [](float value) { return std::abs(value); });
  if (std::abs(static_cast<double>(fill)) < kLeastFill) return std::nullopt;
  const double limit = std::abs(static_cast<double>(fill)) / kBeyond;
  std::vector<float> kept;
  std::vector<float> dropped;
  for (const float value : values) (std::abs(static_cast<double>(value)) < limit ? kept : dropped).push_back(value);
  if (kept.empty()) return std::nullopt;
  const auto [low, high] = std::ranges::minmax(kept);
  if (low == high) return std::nullopt;
  // At its edges resampling has mixed it with others, or overshot it.
  const float usual = quantile(dropped, 0.5);
  const auto share = static_cast<double>(dropped.size()) / static_cast<double>(values.size());
  values = std::move(kept);
  return FillValue{usual, share};
}

std::string text_of(const FillValue& fill) {
  // The shortest number that is this value: one to pass on.
  std::array<char, 32> value{}, share{};
  std::to_chars(value.data(), value.data() + value.size() - 1, fill.value);
  std::snprintf(share.data(), share.size(), "%.2g", 100 * fill.share);
  return std::string(value.data()) + " in " + share.data() + " %";
}

}  // namespace plat::detail
