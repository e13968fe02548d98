// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace plat {

/// A small random generator (SplitMix64) that is cheap to make: each training sample has one of its own, made from the
/// run's seed and the sample's number, so the sample does not depend on which thread draws it or on what came before.
/// Not thread-safe.
class Random {
 public:
  /// `stream` tells apart uses of one seed that must not follow each other.
  explicit Random(uint64_t seed, uint64_t stream = 0) : state_(mix(seed + 0x632BE59BD9B4E019U) ^ mix(stream * 2 + 1)) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    return mix(state_);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// In [0, below).
  int64_t integer(int64_t below) { return static_cast<int64_t>(uniform() * static_cast<double>(below)); }
  bool chance(double probability) { return uniform() < probability; }
  /// Mean 0, deviation 1 (Box and Muller).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace plat
