// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/sam.hpp"

#include <functional>
#include <vector>

namespace plat::nn {

/// Computes the parts of a batch side by side, each on one thread: copies of a network share its weights and have gradients
/// and batch statistics of their own. On a few cores that is more than twice as fast as spreading each operation over them,
/// and the result depends on the number of parts only, never on that of threads. Gradients add up until they are taken.
class Replicas {
 public:
  /// `network` is the first replica; it must outlive this object. `prepare` puts the others into its mode.
  Replicas(Sam network, int parts, const std::function<void(Sam&)>& prepare);

  int parts() const { return static_cast<int>(networks_.size()); }
  /// Calls `work` with each replica and its number, up to `threads` at once, then leaves the sum of the replicas'
  /// gradients and the mean of their batch statistics in the network. Rethrows the first error.
  void run(int threads, const std::function<void(Sam&, int)>& work);

 private:
  void gather();
  std::vector<Sam> networks_;
};

}  // namespace plat::nn
