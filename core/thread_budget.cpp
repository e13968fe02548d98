// SPDX-License-Identifier: Apache-2.0
#include "core/thread_budget.hpp"

#include <tbb/info.h>

#include <algorithm>

namespace plat {

int available_processors() { return std::max(1, tbb::info::default_concurrency()); }

ThreadBudget ThreadBudget::make(int threads) {
  const int total = threads > 0 ? threads : available_processors();
  return {total, total};
}

}  // namespace plat
