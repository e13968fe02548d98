// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace plat::detail {

/// Union-find over 0..count-1; each set is named by its smallest member, whatever the order of the unions.
class DisjointSets {
 public:
  explicit DisjointSets(int64_t count) : parent_(static_cast<std::size_t>(count)) {
    std::iota(parent_.begin(), parent_.end(), int64_t{0});
  }
  /// The smallest member of the set that holds `member`.
  int64_t find(int64_t member) {
    while (parent(member) != member) member = parent(member) = parent(parent(member));
    return member;
  }
  void unite(int64_t a, int64_t b) {
    a = find(a);
    b = find(b);
    parent(std::max(a, b)) = std::min(a, b);
  }

 private:
  int64_t& parent(int64_t member) { return parent_[static_cast<std::size_t>(member)]; }

  std::vector<int64_t> parent_;
};

}  // namespace plat::detail
