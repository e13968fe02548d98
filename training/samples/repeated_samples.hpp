// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/samples/random.hpp"

#include <cstdint>
#include <numeric>

namespace plat {

/// Lets a fixed number of samples repeat: each epoch sees every one once, in an order of its own.
class RepeatedSamples {
 public:
  /// `count`: how many samples there are; 0: they never repeat.
  RepeatedSamples(int64_t count, uint64_t seed) : count_(count), seed_(seed) {}

  int64_t count() const { return count_; }
  /// The sample to use when `number` (from 0) are behind.
  int64_t sample(int64_t number) const {
    if (count_ == 0) return number;
    Random random(seed_, (uint64_t{1} << 41) + static_cast<uint64_t>(number / count_));
    // Steps that share no divisor with the count meet all.
    int64_t step = 1 + random.integer(count_);
    while (std::gcd(step, count_) != 1) ++step;
    return (number % count_ * (step % count_) + random.integer(count_)) % count_;
  }

 private:
  int64_t count_;
  uint64_t seed_;
};

}  // namespace plat
