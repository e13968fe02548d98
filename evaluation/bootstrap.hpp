// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "evaluation/counts.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace plat {

/// What one block of land, or one scene, adds to the totals.
struct CountBlock {
  PixelCounts pixels;
  ObjectCounts objects;

  CountBlock& operator+=(const CountBlock& other);
};

struct Interval {
  double low = 0;
  double high = 0;
};

/// The interval that holds a rate with a probability of 95 %: blocks are drawn anew with replacement `rounds` times, and
/// the middle 95 % of the rates are kept (percentile bootstrap). Neighbouring objects resemble each other, so blocks and
/// not objects are drawn. Unset for fewer than 8 blocks, which say nothing about chance. The same seed gives the same
/// interval.
std::optional<Interval> bootstrap_interval(std::span<const CountBlock> blocks,
                                           const std::function<double(const CountBlock&)>& rate, int rounds = 1000,
                                           uint64_t seed = 1);

/// What one block adds to a mean: values, such as the IoU of each object in it, and how many they are.
struct MeanBlock {
  double sum = 0;
  int64_t count = 0;

  MeanBlock& operator+=(const MeanBlock& other);
  /// 0 where there are no values.
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

/// The same interval for the mean of all values of the blocks.
std::optional<Interval> bootstrap_interval(std::span<const MeanBlock> blocks, int rounds = 1000, uint64_t seed = 1);

}  // namespace plat
