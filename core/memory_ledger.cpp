// SPDX-License-Identifier: Apache-2.0
#include "core/memory_ledger.hpp"

#include "core/error.hpp"
#include "core/memory.hpp"

#include <algorithm>

namespace plat {
namespace {

// Parts below this share of the whole are told together.
constexpr int64_t kTold = 50;
// Shares that are half of the whole come within a thousandth of where they end in ten.
constexpr int kMostTries = 30;

}  // namespace

void MemoryLedger::add(const std::string& what, int64_t bytes) {
  const auto same = std::ranges::find(parts_, what, &std::pair<std::string, int64_t>::first);
  if (same != parts_.end()) {
    same->second += bytes;
  } else {
    parts_.emplace_back(what, bytes);
  }
}

int64_t MemoryLedger::total() const {
  int64_t sum = 0;
  for (const auto& [what, bytes] : parts_) sum += bytes;
  return sum;
}

void MemoryLedger::require(const std::string& advice, const std::function<int64_t(int64_t)>& total_with) const {
  const int64_t all = total();
  if (all <= allowed_) return;
  std::string told;
  int64_t rest = 0;
  const auto tell = [&](int64_t bytes, const std::string& what) {
    told += (told.empty() ? "" : ", ") + format_memory(bytes) + " for " + what;
  };
  for (const auto& [what, bytes] : parts_) {
    if (bytes * kTold < all) {
      rest += bytes;
    } else {
      tell(bytes, what);
    }
  }
  if (rest > 0) tell(rest, "the rest");
  // Shares grow with what is named, by less than it does: so this ends.
  int64_t enough = all;
  for (int i = 0; total_with && i < kMostTries; ++i) {
    const int64_t then = total_with(enough);
    if (then <= enough) break;
    enough = then;
  }
  // Rounded up, so that passing the number that the message names works.
  const int64_t megabytes = enough / 1'000'000 + 50;
  throw UsageError("this run needs about " + format_memory(all) + ", more than the " + format_memory(allowed_) +
                   " it may take (" + told + "). Pass --ram " + std::to_string(megabytes) + advice + ".");
}

}  // namespace plat
