// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace plat {

/// What a run will take in memory, part by part, beside what it may take: the plan of every verb is written here and refused from here.
class MemoryLedger {
 public:
  /// `allowed`: what the whole program may take, in bytes.
  explicit MemoryLedger(int64_t allowed) : allowed_(allowed) {}
  /// Counts a part. `what` says what it is for: "the program and its model". Parts of one name add up.
  void add(const std::string& what, int64_t bytes);
  int64_t allowed() const { return allowed_; }
  int64_t total() const;
  /// What is left of what is allowed; below 0 where that does not suffice.
  int64_t left() const { return allowed_ - total(); }
  /// Throws UsageError where it does not suffice: what the parts are, and the --ram that would do. `advice` completes "Pass --ram 1200":
  /// ", a smaller --tile-size, or a --bbox". `total_with` tells the total of a run that may take so many bytes, where parts are
  /// shares of that: what is named must do for such a run.
  void require(const std::string& advice, const std::function<int64_t(int64_t)>& total_with = {}) const;

 private:
  int64_t allowed_;
  std::vector<std::pair<std::string, int64_t>> parts_;
};

}  // namespace plat
