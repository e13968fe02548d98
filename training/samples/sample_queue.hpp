// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/samples/crop_sampler.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace plat {

/// Makes samples ahead of their use on threads of its own and hands them out in order, so that what training sees does
/// not depend on the number of threads. One consumer.
class SampleQueue {
 public:
  /// Samples `first`, `first` + 1, … from `make`, which must be thread-safe; at most `ahead` wait at any time.
  SampleQueue(std::function<Sample(int64_t)> make, int64_t first, int threads, int64_t ahead);
  ~SampleQueue();
  /// The next sample; waits for it. Rethrows what making it threw.
  Sample take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plat
