// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plat {

/// How many threads each part of a run may use; plain numbers that `pipeline` applies to TBB and torch.
struct ThreadBudget {
  int total = 1;      ///< threads in all, at least 1
  int inference = 1;  ///< tiles that run through the network at once, one torch thread each

  /// The budget for a number of threads; 0 or less means every processor that this process may use. A network on a graphics card
  /// takes one tile at a time. Throws UsageError for more threads than any machine has.
  static ThreadBudget make(int threads, bool on_card = false);
};

/// More threads than this are a slip of the pen.
inline constexpr int kMostThreads = 4096;

/// Processors that this process may run on (respects CPU affinity), at least 1.
int available_processors();

}  // namespace plat
