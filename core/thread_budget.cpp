// SPDX-License-Identifier: Apache-2.0
#include "core/thread_budget.hpp"

#include "core/error.hpp"

#include <tbb/info.h>

#include <algorithm>
#include <string>

namespace plat {

int available_processors() { return std::max(1, tbb::info::default_concurrency()); }

ThreadBudget ThreadBudget::make(int threads, bool on_card) {
  if (threads > kMostThreads)
    throw UsageError("--threads: " + std::to_string(threads) + " is more than " + std::to_string(kMostThreads) +
                     "; 0 means all processors.");
  const int total = threads > 0 ? threads : available_processors();
  return {total, on_card ? 1 : total};
}

}  // namespace plat
